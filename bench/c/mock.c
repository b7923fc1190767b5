/* A mock broker in a process of its own, for the smoke run: prints its address, serves until its input ends.
 * It makes topics of four partitions, those named on its input, and keeps 5 MB of each partition. */
#include "twin.h"

#include <librdkafka/rdkafka_mock.h>

int main(int argc, char **argv) {
    twin_start(argc, argv);
    rd_kafka_t *rk = twin_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new());
    rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(rk, 1);
    if (cluster == NULL) twin_fail("rd_kafka_mock_cluster_new", "failed");
    rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
    puts(rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    static char topic[256];
    while (fgets(topic, sizeof topic, stdin) != NULL) {
        topic[strcspn(topic, "\n")] = '\0';
        twin_check("rd_kafka_mock_topic_create", rd_kafka_mock_topic_create(cluster, topic, 4, 1));
        puts(topic);
        fflush(stdout);
    }
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(rk);
    return 0;
}
