/* SPDX-License-Identifier: Apache-2.0 */
/* What a batcher_stage is made of; for its own files only. */
#ifndef TESTS_FLOW_BATCHER_STAGE_STATE_H
#define TESTS_FLOW_BATCHER_STAGE_STATE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "batcher/batcher.h"
#include "bus/consumer.h"
#include "bus/dev_broker.h"
#include "bus/producer.h"
#include "tests/flow/batcher_stage.h"
#include "tests/flow/stage_models.h"

#include <criterion/criterion.h>

enum {
    REQUEST_PARTITIONS = 4,
    REPLY_PARTITIONS = 2,
    LETTERS_MAX = 16,
    STAGE_RUNNING_MAX = 16,
    STAGE_TOLD_MAX = 8,
    STAGE_MODELS = 2
};

#define PATIENCE_NS (30 * NS_PER_S)

/** What was said last of a version. */
struct stage_told {
    char version[32]; /* m/1 */
    enum model_state state;
    char reason[320];
};

struct batcher_stage {
    struct dev_broker *broker;
    struct loop *loop;
    struct bus_config bus;
    struct batcher_config config;
    struct batcher *batcher;
    struct producer *producer;
    struct producer_topic *requests[STAGE_MODELS];
    struct producer_topic *control;
    struct consumer *consumer;
    struct uuid_source ids;
    struct stage_models models;
    unsigned model;      /* that is asked */
    const char *version; /* NULL: none is named */
    const char *reply_to;
    int32_t reply_partition;
    struct span step; /* size 0: no route */
    int64_t deadline_ms;
    int32_t priority;
    const char *tenant;
    struct stage_result results[STAGE_ANSWERS_MAX];
    size_t sent;
    size_t answers;
    struct stage_letter letters[LETTERS_MAX];
    size_t letter_count;
    uint64_t batches;    /* as last looked */
    size_t running_told; /* records that say what runs, tombstones included */
    struct uuid running[STAGE_RUNNING_MAX]; /* as told last */
    size_t running_count;
    struct stage_told told[STAGE_TOLD_MAX];
    size_t told_count;
};

static inline void
stage_must(enum status status, const struct fault *fault)
{
    cr_assert_eq(status, STATUS_OK, "%s: %s", status_name(status), fault->text);
}

/** A record of leat.models. */
void batcher_stage_note_running(struct batcher_stage *s, const struct record *r);
void batcher_stage_note_told(struct batcher_stage *s, const struct record *r);

void batcher_stage_send_value(struct batcher_stage *s,
                              struct producer_topic *topic,
                              struct span key,
                              struct buf *b,
                              const struct record_header *headers,
                              size_t header_count);

#endif
