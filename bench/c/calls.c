/* Twin of calls.lua: what librdkafka itself takes for a poll with nothing to do, and to refuse a message that is
 * too large. In nanoseconds of this thread's processor time a call. */
#include "twin.h"

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", NULL);
    char *value = twin_value((size_t)size);
    rd_kafka_t *rk = twin_new(RD_KAFKA_PRODUCER, twin_conf());
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, "refused", NULL);
    if (topic == NULL) twin_fail("rd_kafka_topic_new", rd_kafka_err2str(rd_kafka_last_error()));
    measure_sleep(0.5); /* connected, at rest */
    rd_kafka_poll(rk, 0);

    double start = measure_cpu();
    for (long i = 0; i < count; i++) rd_kafka_poll(rk, 0);
    twin_result("poll", (measure_cpu() - start) * 1e9 / (double)count);

    start = measure_cpu();
    for (long i = 0; i < count; i++) {
        if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, (size_t)size, NULL, 0,
                             NULL) == 0 ||
            rd_kafka_last_error() != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            twin_fail("rd_kafka_produce", "was not refused");
    }
    twin_result("send", (measure_cpu() - start) * 1e9 / (double)count);

    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    free(value);
    return 0;
}
