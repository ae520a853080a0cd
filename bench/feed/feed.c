/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The low half of an id is the run's own mark and the number of the request, so a reply
 * finds its entry without a map; what is left varies until the reply's partition is the
 * current one, as an ingest mints. Both sides are sticky unless told otherwise.
 */
#include "bench/feed/feed.h"

#include "base/clock.h"
#include "bench/load/load.h"
#include "bench/two_hop/peer.h"
#include "bus/partition.h"
#include "ingest/sticky.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_WINDOW_NS (100 * NS_PER_MS)
#define QUANTUM_NS      (10 * NS_PER_MS)

enum { RECORD_BYTES_MAX = 2 << 20, TOPIC_BYTES = 300, MINT_TRIES = 1 << 16 };

struct feed {
    const struct feed_config *config;
    struct pattern *pattern;
    struct ledger *ledger;
    struct peer peer;
    struct payload payload;
    struct sticky sticky;
    struct buf record;
    struct arena arena;
    int64_t wall_us; /* wall clock minus monotonic */
    uint32_t mark;   /* of this run, 24 bits */
    bool is_sticky;
    char topic[TOPIC_BYTES];
    char replies[TOPIC_BYTES];
};

static void
id_write(const struct feed *f, struct uuid *id, size_t number, uint32_t vary)
{
    uint64_t ms = (uint64_t)clock_wall_us() / 1000;
    for (int i = 0; i < 6; i++) {
        id->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    id->bytes[6] = (uint8_t)(0x70 | (vary >> 14 & 0x0f));
    id->bytes[7] = (uint8_t)(vary >> 6);
    id->bytes[8] = (uint8_t)(0x80 | (vary & 0x3f));
    for (int i = 0; i < 3; i++) {
        id->bytes[9 + i] = (uint8_t)(f->mark >> (16 - 8 * i));
    }
    for (int i = 0; i < 4; i++) {
        id->bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

/* The number of the request, or SIZE_MAX if the id is none of ours. */
static size_t
id_read(const struct feed *f, const struct uuid *id)
{
    const uint8_t *b = id->bytes;
    uint32_t mark = (uint32_t)b[9] << 16 | (uint32_t)b[10] << 8 | b[11];
    size_t number =
        (size_t)b[12] << 24 | (size_t)b[13] << 16 | (size_t)b[14] << 8 | b[15];
    return mark == f->mark && number < f->ledger->count ? number : SIZE_MAX;
}

/* @return the partition by key */
static int32_t
mint(const struct feed *f, size_t number, int64_t now_ns, struct uuid *id)
{
    char text[UUID_TEXT];
    int32_t partitions = (int32_t)f->config->partitions;
    int32_t wanted = (int32_t)(now_ns / REPLY_WINDOW_NS % partitions);
    for (uint32_t vary = 0;; vary++) {
        id_write(f, id, number, vary);
        uuid_format(id, text);
        int32_t found = partition_of_key(span_of(text, UUID_TEXT), partitions);
        if (found == wanted || !f->is_sticky || vary == MINT_TRIES) {
            return found;
        }
    }
}

static void
produce(struct feed *f, int32_t partition, const struct uuid *id)
{
    char key[UUID_TEXT];
    uuid_format(id, key);
    while (rd_kafka_produce(f->peer.topic, partition, RD_KAFKA_MSG_F_COPY,
                            f->record.data, f->record.size, key, UUID_TEXT,
                            NULL) != 0 &&
           rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(f->peer.producer, 10);
    }
}

/* The deadline of the record is in whole milliseconds: rounded, as the mean is right.
 */
static int64_t
deadline_ms(const struct feed *f, const struct due *due)
{
    int64_t late_us = (due->due_ns + due->slo_ns) / NS_PER_US + f->wall_us;
    return due->slo_ns == 0 ? 0 : (late_us + 500) / 1000;
}

static void
encode(struct feed *f, const struct due *due, const struct uuid *id)
{
    const struct feed_config *c = f->config;
    char tenant[32] = "default";
    if (c->pattern.tenants > 1) {
        snprintf(tenant, sizeof tenant, "t%u", due->tenant);
    }
    struct tensor row = {.name = span_of_text(c->input),
                         .datatype = DATATYPE_UINT8,
                         .rank = 2,
                         .shape = {1, c->row_bytes},
                         .data = span_of(f->payload.data, f->payload.bytes)};
    struct request r = {.id = *id,
                        .model = span_of_text(c->model),
                        .inputs = &row,
                        .input_count = 1,
                        .reply_to = {.partition = -1},
                        .tenant = span_of_text(tenant),
                        .priority = (int32_t)c->priority,
                        .submitted_us = due->due_ns / NS_PER_US + f->wall_us,
                        .deadline_ms = deadline_ms(f, due)};
    if (c->reply_topic != NULL) {
        r.reply_to.topic = span_of_text(c->reply_topic);
    }
    buf_reset(&f->record);
    request_encode(&r, &f->record);
}

static bool
feed_send(struct feed *f, int64_t now_ns)
{
    struct due due = pattern_take(f->pattern);
    uint64_t wanted = payload_number(&f->payload, f->ledger->count);
    size_t number = ledger_add(f->ledger, &due, wanted);
    if (number == SIZE_MAX) {
        return false;
    }
    struct uuid id;
    bool turned = false;
    int32_t partition = mint(f, number, now_ns, &id);
    if (f->is_sticky) {
        partition =
            sticky_take(&f->sticky, (int32_t)f->config->partitions,
                        (int32_t)f->config->quantum, QUANTUM_NS, now_ns, &turned);
    }
    encode(f, &due, &id);
    produce(f, partition, &id);
    return f->record.status == STATUS_OK;
}

static enum answer
judge(const struct feed *f, const struct reply *r, const struct entry *e)
{
    if (r->status == REPLY_EXPIRED) {
        return ANSWER_EXPIRED;
    }
    if (r->status != REPLY_SUCCEEDED) {
        return ANSWER_FAILED;
    }
    if (!f->config->hashed) {
        return ANSWER_RIGHT;
    }
    uint64_t hash = 0;
    if (r->output_count != 1 || r->outputs[0].data.size != sizeof hash) {
        return ANSWER_WRONG;
    }
    memcpy(&hash, r->outputs[0].data.data, sizeof hash);
    return hash == e->wanted ? ANSWER_RIGHT : ANSWER_WRONG;
}

static void
feed_answered(struct feed *f, const rd_kafka_message_t *m, int64_t now_ns)
{
    struct reply r;
    struct fault fault;
    arena_reset(&f->arena);
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR ||
        reply_decode(span_of(m->payload, m->len), &f->arena, &r, &fault) != STATUS_OK ||
        !reply_is_terminal(&r)) {
        return;
    }
    size_t number = id_read(f, &r.id);
    if (number == SIZE_MAX) {
        return;
    }
    struct entry *e = &f->ledger->entries[number];
    if (e->answer != ANSWER_MISSING) {
        f->ledger->duplicates++;
        return;
    }
    e->answer = judge(f, &r, e);
    e->answered_ns = now_ns;
    e->received_ns = (r.timing.received_us - f->wall_us) * NS_PER_US;
    e->started_us = r.timing.started_us;
    e->completed_us = r.timing.completed_us;
    e->batch_rows = r.batch_size;
    f->ledger->answered++;
}

static void
read_replies(struct feed *f)
{
    rd_kafka_message_t *m = NULL;
    while ((m = rd_kafka_consumer_poll(f->peer.consumer, 0)) != NULL) {
        feed_answered(f, m, clock_mono_ns());
        rd_kafka_message_destroy(m);
        if (pattern_next(f->pattern) <= clock_mono_ns()) {
            break;
        }
    }
    rd_kafka_poll(f->peer.producer, 0);
}

static bool
feed_loop(struct feed *f)
{
    bool good = true;
    int64_t last_ns = TIME_NEVER;
    for (;;) {
        int64_t now_ns = clock_mono_ns();
        int64_t next_ns = pattern_next(f->pattern);
        for (; good && next_ns <= now_ns; next_ns = pattern_next(f->pattern)) {
            good = feed_send(f, now_ns);
            now_ns = clock_mono_ns();
        }
        if (next_ns == TIME_NEVER && last_ns == TIME_NEVER) {
            last_ns = now_ns + f->config->late_ns;
        }
        bool done = next_ns == TIME_NEVER && f->ledger->answered == f->ledger->count;
        if (!good || done || now_ns > last_ns) {
            return good;
        }
        read_replies(f);
        int64_t wait_ns =
            next_ns == TIME_NEVER ? 10 * NS_PER_MS : next_ns - clock_mono_ns();
        peer_wait(&f->peer, wait_ns < 0 ? 0 : wait_ns);
    }
}

static bool
feed_open(struct feed *f)
{
    const struct feed_config *c = f->config;
    snprintf(f->topic, sizeof f->topic, "%srequests.%s", c->prefix, c->model);
    snprintf(f->replies, sizeof f->replies, "%sreplies", c->prefix);
    const char *replies = c->reply_topic == NULL ? f->replies : c->reply_topic;
    f->is_sticky = strcmp(c->partitioning, "sticky") == 0;
    f->wall_us = clock_wall_us() - clock_mono_ns() / NS_PER_US;
    f->mark = (uint32_t)(clock_mono_ns() / NS_PER_US) & 0xffffffU;
    sticky_init(&f->sticky);
    buf_init(&f->record, RECORD_BYTES_MAX);
    arena_init(&f->arena, RECORD_BYTES_MAX);
    return payload_init(&f->payload, c->model, (size_t)c->row_bytes, false) &&
           peer_open(&f->peer, c->brokers, replies, f->topic, "1", (int)c->partitions);
}

bool
feed_run(const struct feed_config *config,
         struct ledger *ledger,
         struct pattern *pattern)
{
    struct feed f = {.config = config, .pattern = pattern, .ledger = ledger};
    bool good = feed_open(&f);
    if (good) {
        if (config->announce) {
            fprintf(stderr, "feed begins\n");
        }
        pattern_init(pattern, &config->pattern, clock_mono_ns());
        good = feed_loop(&f);
        peer_close(&f.peer);
    }
    payload_fini(&f.payload);
    buf_fini(&f.record);
    arena_fini(&f.arena);
    return good;
}
