/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-replies: fills a replies topic as batchers would, as quickly as the broker
 * takes it: what a rebuild then has to read. Each reply holds its own number, so that
 * whoever fetches one can compare. One line of JSON out, with some of the ids.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "bench/program.h"
#include "bus/partition.h"
#include "schemas/codec.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES_MAX = 1000, REPLY_BYTES_MAX = 1 << 20 };

struct config {
    const char *brokers;
    const char *topic;
    int64_t partitions;
    int64_t count;
    int64_t bytes;
    int64_t samples;
};

#define FIELD(name) offsetof(struct config, name)

static const struct option options[] = {
    {"brokers", OPTION_TEXT, FIELD(brokers), 0, 0, "127.0.0.1:9092", "Kafka.", NULL},
    {"topic", OPTION_TEXT, FIELD(topic), 0, 0, "leat.replies", "To be filled.", NULL},
    {"partitions", OPTION_INT, FIELD(partitions), 1, 10000, "16", "It has.", NULL},
    {"count", OPTION_INT, FIELD(count), 1, 100000000, "1000000", "Replies.", NULL},
    {"bytes", OPTION_BYTES, FIELD(bytes), 8, 65536, "32", "Of a reply's output.", NULL},
    {"samples", OPTION_INT, FIELD(samples), 0, SAMPLES_MAX, "200",
     "Ids to be told, with the number in each.", NULL},
};

static void
on_report(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    int64_t *lost = opaque;
    *lost += m->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *
producer(const struct config *config, int64_t *lost)
{
    static const char *const settings[][2] = {
        {"enable.idempotence", "true"},
        {"linger.ms", "20"},
        {"batch.size", "1000000"},
        {"queue.buffering.max.messages", "200000"},
        {"queue.buffering.max.kbytes", "262144"},
    };
    char reason[256] = "bad settings";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = rd_kafka_conf_set(conf, "bootstrap.servers", config->brokers, reason,
                                  sizeof(reason)) == RD_KAFKA_CONF_OK;
    for (size_t i = 0; good && i < sizeof(settings) / sizeof(settings[0]); i++) {
        good = rd_kafka_conf_set(conf, settings[i][0], settings[i][1], reason,
                                 sizeof(reason)) == RD_KAFKA_CONF_OK;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_opaque(conf, lost);
    rd_kafka_t *rk =
        good ? rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason)) : NULL;
    if (rk == NULL) {
        fprintf(stderr, "bench-replies: %s\n", reason);
        rd_kafka_conf_destroy(conf);
    }
    return rk;
}

static void
write_reply(const struct uuid *id, void *data, size_t size, struct buf *out)
{
    const int64_t now_us = clock_wall_us();
    const struct tensor output = {
        .name = span_of_text("output"),
        .datatype = DATATYPE_UINT8,
        .rank = 2,
        .shape = {1, (int64_t)size},
        .data = span_of(data, size),
    };
    const struct reply reply = {
        .id = *id,
        .model = span_of_text("noop"),
        .model_version = span_of_text("1"),
        .status = REPLY_SUCCEEDED,
        .outputs = &output,
        .output_count = 1,
        .timing = {now_us, now_us, now_us, now_us},
        .batch_size = 64,
        .attempt = 1,
        .tenant = span_of_text("default"),
    };
    buf_reset(out);
    reply_encode(&reply, out);
}

static void
produce(rd_kafka_t *rk,
        rd_kafka_topic_t *topic,
        int32_t partition,
        const char *key,
        const struct buf *value)
{
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, value->data,
                            value->size, key, UUID_TEXT, NULL) != 0 &&
           rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(rk, 10);
    }
}

/* The first eight bytes of each output are its number, the sampled ones are printed. */
static void
fill(rd_kafka_t *rk, rd_kafka_topic_t *topic, const struct config *config)
{
    struct uuid_source source;
    struct buf value;
    static uint8_t data[65536];
    int64_t each = config->samples == 0 ? INT64_MAX : config->count / config->samples;
    each = each == 0 ? 1 : each;
    uuid_source_init(&source);
    buf_init(&value, REPLY_BYTES_MAX);
    for (int64_t i = 0; i < config->count; i++) {
        char key[UUID_TEXT];
        struct uuid id = uuid_mint(&source, clock_wall_us());
        uuid_format(&id, key);
        memcpy(data, &i, sizeof(i));
        write_reply(&id, data, (size_t)config->bytes, &value);
        int32_t partition =
            partition_of_key(span_of(key, UUID_TEXT), (int32_t)config->partitions);
        produce(rk, topic, partition, key, &value);
        if (i % 1000 == 0) {
            rd_kafka_poll(rk, 0);
        }
        if (i % each == 0) {
            printf("%s\"%.*s\": %lld", i == 0 ? "" : ", ", UUID_TEXT, key,
                   (long long)i);
        }
    }
    buf_fini(&value);
}

static int
run(const void *arg)
{
    const struct config *config = arg;
    int64_t lost = 0;
    rd_kafka_t *rk = producer(config, &lost);
    if (rk == NULL) {
        return 1;
    }
    rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, config->topic, NULL);
    int64_t begun_ns = clock_mono_ns();
    printf("{\"ids\": {");
    fill(rk, topic, config);
    bool flushed = rd_kafka_flush(rk, 60000) == RD_KAFKA_RESP_ERR_NO_ERROR;
    printf("}, \"count\": %lld, \"lost\": %lld, \"seconds\": %.3f}\n",
           (long long)config->count, (long long)lost,
           (double)(clock_mono_ns() - begun_ns) / (double)NS_PER_S);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(rk);
    return flushed && lost == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct config config;
    const struct program program = {.name = "replies",
                                    .summary = "fill a replies topic",
                                    .options = options,
                                    .option_count =
                                        sizeof(options) / sizeof(options[0]),
                                    .config = &config,
                                    .run = run};
    return program_main(&program, argc, argv);
}
