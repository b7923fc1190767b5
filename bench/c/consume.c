/* Twin of consume.lua: `count` messages one by one through rd_kafka_consumer_poll, timed from the first to the last. */
#include "twin.h"

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", "100");

    rd_kafka_t *rk = twin_new(RD_KAFKA_CONSUMER, twin_conf());
    twin_check("rd_kafka_poll_set_consumer", rd_kafka_poll_set_consumer(rk));
    twin_subscribe(rk, twin_option("topic", NULL));

    double start = 0;
    long seen = 0, bytes = 0, names = 0, keys = 0;
    while (seen < count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 1000);
        if (message == NULL) continue;
        if (message->err) twin_fail("rd_kafka_consumer_poll", rd_kafka_message_errstr(message));
        if (seen++ == 0) start = measure_now();
        bytes += (long)message->len;
        names += rd_kafka_topic_name(message->rkt)[0] != '\0' && message->partition >= 0;
        keys += message->key != NULL;
        rd_kafka_message_destroy(message);
    }
    double end = measure_now();

    if (bytes != count * size || names != count || keys != 0) twin_fail("consume", "not the messages that were sent");
    twin_result("rate", (double)(count - 1) / (end - start));
    twin_check("rd_kafka_consumer_close", rd_kafka_consumer_close(rk));
    rd_kafka_destroy(rk);
    return 0;
}
