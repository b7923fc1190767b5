/* Twin of memory.lua: what an idle producer takes, and what stays after `count` messages went through one. In KiB. */
#include "twin.h"

#define IDLE 20

static long reported;

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk, (void)opaque;
    twin_check("delivery", message->err);
    reported++;
}

static rd_kafka_t *new_producer(void) {
    rd_kafka_conf_t *conf = twin_conf();
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    return twin_new(RD_KAFKA_PRODUCER, conf);
}

static void send_many(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *value, size_t size, long count) {
    reported = 0;
    for (long i = 1; i <= count; i++) {
        while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0,
                                (void *)i) != 0) {
            if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
                twin_fail("rd_kafka_produce", rd_kafka_err2str(rd_kafka_last_error()));
            rd_kafka_poll(rk, 10);
        }
        if (i % 100 == 0) rd_kafka_poll(rk, 0);
    }
    while (reported < count) rd_kafka_poll(rk, 100);
}

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", "100");
    char *value = twin_value((size_t)size);

    /* The first client maps the library's pages, which are not a client's. */
    rd_kafka_t *busy = new_producer();
    rd_kafka_topic_t *topic = rd_kafka_topic_new(busy, twin_option("topic", NULL), NULL);
    if (topic == NULL) twin_fail("rd_kafka_topic_new", rd_kafka_err2str(rd_kafka_last_error()));
    send_many(busy, topic, value, (size_t)size, count / 10);

    double before = measure_rss();
    send_many(busy, topic, value, (size_t)size, count);
    twin_result("grown", measure_rss() - before);

    rd_kafka_t *idle[IDLE];
    before = measure_rss();
    for (int i = 0; i < IDLE; i++) idle[i] = new_producer();
    measure_sleep(1);
    twin_result("idle", (measure_rss() - before) / IDLE);

    for (int i = 0; i < IDLE; i++) rd_kafka_destroy(idle[i]);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(busy);
    free(value);
    return 0;
}
