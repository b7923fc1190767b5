/* Twin of produce.lua: `count` messages to one topic, timed to the last accepted and to the last reported.
 * call=headers gives each message two headers; call=batch hands them over 500 at a time.
 * With settle=SECONDS it polls only after that pause, when every report is in, and times the draining alone. */
#include "twin.h"

#define KEYS 1000
#define BATCH 500

/* What C has for a closure: a function and its data, made for each message. */
struct closure {
    void (*function)(struct closure *self, rd_kafka_resp_err_t err);
    long sequence;
};

static long reported, failed;
static int with_closures, with_headers;

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

static rd_kafka_resp_err_t enqueue(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *value, size_t size, const char *key,
                                   void *opaque) {
    if (with_headers)
        return rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                 RD_KAFKA_V_VALUE(value, size), RD_KAFKA_V_HEADER("kind", "bench", 5),
                                 RD_KAFKA_V_HEADER("origin", "lua", 3), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
    if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, key, key ? strlen(key) : 0,
                         opaque) != 0)
        return rd_kafka_last_error();
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void produce(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *value, size_t size, const char *key, long sequence) {
    void *opaque = mark(sequence);
    rd_kafka_resp_err_t err;
    while ((err = enqueue(rk, topic, value, size, key, opaque)) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL) twin_fail("produce", rd_kafka_err2str(err));
        rd_kafka_poll(rk, 10);
    }
}

static void produce_batches(rd_kafka_t *rk, rd_kafka_topic_t *topic, char *value, size_t size, long count) {
    static rd_kafka_message_t batch[BATCH];
    for (long i = 1; i <= count; i += BATCH) {
        int wanted = count - i + 1 < BATCH ? (int)(count - i + 1) : BATCH;
        for (int j = 0; j < wanted; j++) batch[j] = (rd_kafka_message_t){.payload = value, .len = size};
        if (rd_kafka_produce_batch(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, batch, wanted) != wanted)
            twin_fail("rd_kafka_produce_batch", "not every message was accepted");
        rd_kafka_poll(rk, 0);
    }
}

static void wait_for_reports(rd_kafka_t *rk, long wanted) {
    while (reported < wanted) rd_kafka_poll(rk, 100);
    if (failed) twin_fail("delivery", "a message was not delivered");
}

int main(int argc, char **argv) {
    twin_start(argc, argv);
    long count = twin_number("count", NULL), size = twin_number("size", "100"), settle = twin_number("settle", "0");
    const char *call = twin_option("call", "send");
    with_closures = strcmp(call, "on_delivery") == 0;
    with_headers = strcmp(call, "headers") == 0;
    int in_batches = strcmp(call, "batch") == 0;
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
    if (in_batches) produce_batches(rk, topic, value, (size_t)size, count);
    for (long i = 1; i <= count && !in_batches; i++) {
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
