/* Twin of roundtrip.lua: one message out and back at a time; the median and the 99th percentile in microseconds.
 * The -X properties are the consumer's. */
#include "twin.h"

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk, (void)opaque;
    twin_check("delivery", message->err);
}

static void one_trip(rd_kafka_t *producer, rd_kafka_topic_t *topic, rd_kafka_t *consumer, char *value, size_t size) {
    if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL) != 0)
        twin_fail("rd_kafka_produce", rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_message_t *message;
    while ((message = rd_kafka_consumer_poll(consumer, 1000)) == NULL) rd_kafka_poll(producer, 0);
    if (message->err) twin_fail("rd_kafka_consumer_poll", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    rd_kafka_poll(producer, 0);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", "100"), warm_up = 50;
    const char *brokers = twin_option("brokers", NULL), *name = twin_option("topic", NULL);
    char *value = twin_value((size_t)size);

    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    twin_set(conf, "bootstrap.servers", brokers);
    twin_set(conf, "linger.ms", "0");
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *producer = twin_new(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, name, NULL);
    if (topic == NULL) twin_fail("rd_kafka_topic_new", rd_kafka_err2str(rd_kafka_last_error()));

    rd_kafka_t *consumer = twin_new(RD_KAFKA_CONSUMER, twin_conf());
    twin_check("rd_kafka_poll_set_consumer", rd_kafka_poll_set_consumer(consumer));
    twin_subscribe(consumer, name);

    double *took = calloc((size_t)count, sizeof *took);
    if (took == NULL) twin_fail("calloc", "out of memory");
    for (long i = -warm_up; i < count; i++) {
        double start = measure_now();
        one_trip(producer, topic, consumer, value, (size_t)size);
        if (i >= 0) took[i] = (measure_now() - start) * 1e6;
    }
    qsort(took, (size_t)count, sizeof *took, ascending);
    twin_result("p50", took[count / 2]);
    twin_result("p99", took[count * 99 / 100]);

    free(took);
    free(value);
    twin_check("rd_kafka_flush", rd_kafka_flush(producer, 10000));
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(producer);
    twin_check("rd_kafka_consumer_close", rd_kafka_consumer_close(consumer));
    rd_kafka_destroy(consumer);
    return 0;
}
