/* Every measured run has a fresh topic:
 *     topic do=create topic=NAME partitions=4 -X bootstrap.servers=...
 *     topic do=count  topic=NAME partitions=4     prints how many messages it holds
 *     topic do=delete topic=NAME
 *     topic do=version                            prints librdkafka's version */
#include "twin.h"

#define DEADLINE 30000

static void check_each(const rd_kafka_topic_result_t **results, size_t n) {
    for (size_t i = 0; i < n; i++)
        twin_check(rd_kafka_topic_result_name(results[i]), rd_kafka_topic_result_error(results[i]));
}

static rd_kafka_event_t *answer(rd_kafka_queue_t *queue) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, DEADLINE);
    if (event == NULL) twin_fail("topic", "no answer in 30 seconds");
    if (rd_kafka_event_error(event)) twin_fail("topic", rd_kafka_event_error_string(event));
    return event;
}

static void create_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, const char *name, int partitions) {
    char why[512];
    size_t n;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, -1, why, sizeof why);
    if (topic == NULL) twin_fail("rd_kafka_NewTopic_new", why);
    /* Once deleted it gives its disk back at once, not after the default minute. */
    twin_check("file.delete.delay.ms", rd_kafka_NewTopic_set_config(topic, "file.delete.delay.ms", "100"));
    rd_kafka_CreateTopics(rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = answer(queue);
    const rd_kafka_topic_result_t **results =
        rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    check_each(results, n);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(topic);
}

static void delete_topic(rd_kafka_t *rk, rd_kafka_queue_t *queue, const char *name) {
    size_t n;
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_DeleteTopics(rk, &topic, 1, NULL, queue);
    rd_kafka_event_t *event = answer(queue);
    const rd_kafka_topic_result_t **results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
    check_each(results, n);
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(topic);
}

static void count_messages(rd_kafka_t *rk, const char *name, int partitions) {
    int64_t low, high, sum = 0;
    for (int i = 0; i < partitions; i++) {
        twin_check("rd_kafka_query_watermark_offsets",
                   rd_kafka_query_watermark_offsets(rk, name, i, &low, &high, DEADLINE));
        sum += high - low;
    }
    twin_result("count", (double)sum);
}

int main(int argc, char **argv) {
    twin_start(argc, argv);
    const char *verb = twin_option("do", NULL);
    if (strcmp(verb, "version") == 0) {
        puts(rd_kafka_version_str());
        return 0;
    }
    const char *name = twin_option("topic", NULL);
    int partitions = (int)twin_number("partitions", "4");
    rd_kafka_t *rk = twin_new(RD_KAFKA_PRODUCER, twin_conf());
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    if (strcmp(verb, "create") == 0) {
        create_topic(rk, queue, name, partitions);
    } else if (strcmp(verb, "delete") == 0) {
        delete_topic(rk, queue, name);
    } else if (strcmp(verb, "count") == 0) {
        count_messages(rk, name, partitions);
    } else {
        twin_fail("do=create, count, delete or version expected, got", verb);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(rk);
    return 0;
}
