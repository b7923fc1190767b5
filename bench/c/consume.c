/* Twin of consume.lua: `count` messages, timed from the first to the last. By call:
 *     poll     one by one through rd_kafka_consumer_poll
 *     batch    up to 1,000 at a time through rd_kafka_consume_batch_queue */
#include "twin.h"

#define BATCH 1000

static double start;
static long seen, bytes, names, keys;

static void take(rd_kafka_message_t *message) {
    if (message->err) twin_fail("consume", rd_kafka_message_errstr(message));
    if (seen++ == 0) start = measure_now();
    bytes += (long)message->len;
    names += rd_kafka_topic_name(message->rkt)[0] != '\0' && message->partition >= 0;
    keys += message->key != NULL;
    rd_kafka_message_destroy(message);
}

static void poll_each(rd_kafka_t *rk, long count) {
    while (seen < count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 1000);
        if (message != NULL) take(message);
    }
}

static void take_batches(rd_kafka_t *rk, long count) {
    static rd_kafka_message_t *batch[BATCH];
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    while (seen < count) {
        /* It waits for as many as are asked for: the pause is short, so that the last ones come soon. */
        size_t most = count - seen < BATCH ? (size_t)(count - seen) : BATCH;
        ssize_t got = rd_kafka_consume_batch_queue(queue, 10, batch, most);
        for (ssize_t i = 0; i < got; i++) take(batch[i]);
    }
    rd_kafka_queue_destroy(queue);
}

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", "100");

    rd_kafka_t *rk = twin_new(RD_KAFKA_CONSUMER, twin_conf());
    twin_check("rd_kafka_poll_set_consumer", rd_kafka_poll_set_consumer(rk));
    twin_subscribe(rk, twin_option("topic", NULL));

    if (strcmp(twin_option("call", "poll"), "batch") == 0) {
        take_batches(rk, count);
    } else {
        poll_each(rk, count);
    }
    double end = measure_now();

    if (bytes != count * size || names != count || keys != 0) twin_fail("consume", "not the messages that were sent");
    twin_result("rate", (double)(count - 1) / (end - start));
    twin_check("rd_kafka_consumer_close", rd_kafka_consumer_close(rk));
    rd_kafka_destroy(rk);
    return 0;
}
