/* What every twin needs: its arguments, a librdkafka configuration made of them, one way to fail.
 * Arguments are `name=value` for the twin and `-X property=value` for librdkafka, as the Lua programs take them. */
#ifndef BENCH_TWIN_H
#define BENCH_TWIN_H

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

static int twin_argc;
static char **twin_argv;

static inline void twin_start(int argc, char **argv) {
    twin_argc = argc;
    twin_argv = argv;
}

static inline void twin_fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s: %s\n", twin_argv[0], what, why);
    exit(1);
}

static inline const char *twin_option(const char *name, const char *otherwise) {
    size_t length = strlen(name);
    for (int i = 1; i < twin_argc; i++) {
        if (strcmp(twin_argv[i], "-X") == 0) {
            i++;
        } else if (strncmp(twin_argv[i], name, length) == 0 && twin_argv[i][length] == '=') {
            return twin_argv[i] + length + 1;
        }
    }
    if (otherwise == NULL) twin_fail("missing argument", name);
    return otherwise;
}

static inline long twin_number(const char *name, const char *otherwise) {
    const char *text = twin_option(name, otherwise);
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0') twin_fail("not a whole number", name);
    return value;
}

static inline void twin_set(rd_kafka_conf_t *conf, const char *property, const char *value) {
    char why[512];
    if (rd_kafka_conf_set(conf, property, value, why, sizeof why) != RD_KAFKA_CONF_OK) twin_fail(property, why);
}

/* A configuration with every `-X property=value` of the command line. */
static inline rd_kafka_conf_t *twin_conf(void) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    for (int i = 1; i < twin_argc; i++) {
        if (strcmp(twin_argv[i], "-X") != 0) continue;
        char *pair = i + 1 < twin_argc ? strdup(twin_argv[++i]) : NULL;
        char *equals = pair ? strchr(pair, '=') : NULL;
        if (equals == NULL) twin_fail("-X", "property=value expected");
        *equals = '\0';
        twin_set(conf, pair, equals + 1);
        free(pair);
    }
    return conf;
}

static inline rd_kafka_t *twin_new(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
    char why[512];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof why);
    if (rk == NULL) twin_fail("rd_kafka_new", why);
    return rk;
}

static inline void twin_check(const char *what, rd_kafka_resp_err_t err) {
    if (err) twin_fail(what, rd_kafka_err2str(err));
}

static inline void twin_subscribe(rd_kafka_t *rk, const char *topic) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    twin_check("rd_kafka_subscribe", rd_kafka_subscribe(rk, list));
    rd_kafka_topic_partition_list_destroy(list);
}

/* A payload of `size` bytes, the same one the Lua programs send. */
static inline char *twin_value(size_t size) {
    char *value = malloc(size + 1);
    if (value == NULL) twin_fail("malloc", "out of memory");
    memset(value, 'x', size);
    value[size] = '\0';
    return value;
}

/* One line of the result. */
static inline void twin_result(const char *name, double value) { printf("%s %.9g\n", name, value); }

#endif
