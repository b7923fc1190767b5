/* Twin of produce.lua: `count` messages to one topic, timed to the last accepted and to the last reported.
 * With settle=SECONDS it polls only after that pause, when every report is in, and times the draining alone. */
#include "twin.h"

#define KEYS 1000

/* What C has for a closure: a function and its data, made for each message. */
struct closure {
    void (*function)(struct closure *self, rd_kafka_resp_err_t err);
    long sequence;
};

static long reported, failed;
static int with_closures;

static void confirm(struct closure *self, rd_kafka_resp_err_t err) {
    if (err || self->sequence < 0) failed++;
    free(self);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk, (void)opaque;
    reported++;
    if (with_closures) {
        struct closure *own = message->_private;
        own->function(own, message->err);
    } else if (message->err) {
        failed++;
    }
}

static void *mark(long sequence) {
    if (!with_closures) return (void *)sequence;
    struct closure *own = malloc(sizeof *own);
    if (own == NULL) twin_fail("malloc", "out of memory");
    *own = (struct closure){confirm, sequence};
    return own;
}

static void produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *value, size_t size, const char *key, long sequence) {
    void *opaque = mark(sequence);
    while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, key, key ? strlen(key) : 0,
                            opaque) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            twin_fail("rd_kafka_produce", rd_kafka_err2str(rd_kafka_last_error()));
        rd_kafka_poll(rk, 10);
    }
}

static void wait_for_reports(rd_kafka_t *rk, long wanted) {
    while (reported < wanted) rd_kafka_poll(rk, 100);
    if (failed) twin_fail("delivery", "a message was not delivered");
}

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", "100"), settle = twin_number("settle", "0");
    with_closures = strcmp(twin_option("call", "send"), "on_delivery") == 0;
    int with_key = twin_number("key", "0") != 0;
    char *value = twin_value((size_t)size);
    static char keys[KEYS][16];
    for (int i = 0; i < KEYS; i++) snprintf(keys[i], sizeof keys[i], "key-%06d", i);

    rd_kafka_conf_t *conf = twin_conf();
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_t *rk = twin_new(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, twin_option("topic", NULL), NULL);
    if (topic == NULL) twin_fail("rd_kafka_topic_new", rd_kafka_err2str(rd_kafka_last_error()));

    /* The first message connects and fetches metadata; it is not timed. */
    produce(rk, topic, value, (size_t)size, NULL, 0);
    wait_for_reports(rk, 1);

    double start = measure_now();
    for (long i = 1; i <= count; i++) {
        produce(rk, topic, value, (size_t)size, with_key ? keys[i % KEYS] : NULL, i);
        if (settle == 0 && i % 100 == 0) rd_kafka_poll(rk, 0);
    }
    double enqueued = measure_now();
    measure_sleep((double)settle);
    long left = count + 1 - reported;
    double draining = measure_now();
    wait_for_reports(rk, count + 1);
    double end = measure_now();

    if (settle) {
        if (left < count / 10) twin_fail("drain", "the reports were served before");
        twin_result("drain", (double)left / (end - draining));
    } else {
        twin_result("enqueue", (double)count / (enqueued - start));
        twin_result("total", (double)count / (end - start));
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    free(value);
    return 0;
}
