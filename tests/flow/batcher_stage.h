/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batcher with its real leat-runner on the in-process broker, and a client that sends
 * rows straight to Kafka and checks every answer: the `sim` model's answer is the hash
 * of the row, so no answer can be taken for another's.
 */
#ifndef TESTS_FLOW_BATCHER_STAGE_H
#define TESTS_FLOW_BATCHER_STAGE_H

#include "base/span.h"
#include "base/uuid.h"
#include "batcher/batcher.h"
#include "batcher/metrics.h"
#include "schemas/message.h"
#include "tests/flow/stage_letter.h"
#include "tests/flow/stage_models.h"
#include "tests/flow/stage_result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STAGE_ANSWERS_MAX = 4096 };

struct batcher_stage;

/** @param[in] properties further lines for the model's properties */
struct batcher_stage *batcher_stage_open(const char *properties);
/** With a second model, n, beside m. */
struct batcher_stage *
batcher_stage_open_two(const char *properties, const char *second);
void batcher_stage_close(struct batcher_stage *s);

/** What the next requests carry. */
void
batcher_stage_reply_to(struct batcher_stage *s, const char *topic, int32_t partition);
/** A name: the model that is the next step of the route; NULL: none. */
void batcher_stage_route(struct batcher_stage *s, const char *step);
void batcher_stage_deadline(struct batcher_stage *s, int64_t deadline_ms);
void batcher_stage_priority(struct batcher_stage *s, int32_t priority);
/** 0: model m is asked; 1: n. */
void batcher_stage_model(struct batcher_stage *s, unsigned model);
void batcher_stage_tenant(struct batcher_stage *s, const char *tenant);

/** Orders on the control topic that a request is cancelled, as this tenant. */
void batcher_stage_cancel(struct batcher_stage *s,
                          const struct uuid *id,
                          const char *tenant);

/** Orders that a model is loaded or unloaded. */
void batcher_stage_order(struct batcher_stage *s, const char *model, bool load);

/** What the next requests name; NULL: no version. */
void batcher_stage_version(struct batcher_stage *s, const char *version);

/** For the next batcher. */
struct batcher_config *batcher_stage_config(struct batcher_stage *s);

/** The repository, to be changed; and has the batcher look at it. */
const struct stage_models *batcher_stage_models(const struct batcher_stage *s);
void batcher_stage_reload(struct batcher_stage *s);

/** All that it counts, as text. */
void batcher_stage_metrics(struct batcher_stage *s, struct buf *out);

/** Gives model m these properties and has the batcher look at them. */
void batcher_stage_change(struct batcher_stage *s, const char *properties);

/** Starts anew with what batcher_stage_config() was told, and waits until it is ready.
 */
void batcher_stage_restart(struct batcher_stage *s);

/** What a counter of this process has come to. */
int64_t batcher_stage_count(enum batcher_metric metric);

/** Each was answered once, by the answer to its row. */
void batcher_stage_expect_right(struct stage_result *const *results, size_t count);

/** Turns until a counter has that value; until there is a runner, or none; until the
 * batcher is ready. */
void batcher_stage_wait_metric(struct batcher_stage *s,
                               enum batcher_metric metric,
                               int64_t value);
void batcher_stage_wait_runners(struct batcher_stage *s, bool any);
void batcher_stage_wait_ready(struct batcher_stage *s);

/** Sends a row that begins with `prefix`; the rest is a running number. */
struct stage_result *batcher_stage_send(struct batcher_stage *s, struct span prefix);

/** The dialect of the headers that the next batcher gives to dead letters. */
void batcher_stage_dialect(struct batcher_stage *s, const char *dialect);

/** Sends bytes that are no request, with the headers original=kept and empty=. */
void batcher_stage_send_bytes(struct batcher_stage *s, struct span bytes);

/** Turns until every request sent has an answer; fails the test after 30 s. */
void batcher_stage_wait(struct batcher_stage *s);

/** Turns until so many batches more than before were handed to the runner. */
void batcher_stage_wait_batches(struct batcher_stage *s, uint64_t count);

/** Turns for so long. */
void batcher_stage_turn(struct batcher_stage *s, int64_t time_ns);

/** Records that told what runs, and whether the last of them named this request. */
size_t batcher_stage_running_told(const struct batcher_stage *s);
bool batcher_stage_says_running(const struct batcher_stage *s,
                                const struct stage_result *result);

/** Turns until so many of those records came. */
void batcher_stage_wait_running_told(struct batcher_stage *s, size_t count);

/** Turns until that is what leat.models says of a version, such as m/1. */
void batcher_stage_wait_told(struct batcher_stage *s,
                             const char *version,
                             enum model_state state,
                             const char *reason);

/** Turns until that many answers came. */
void batcher_stage_wait_answers(struct batcher_stage *s, size_t count);
size_t batcher_stage_answers(const struct batcher_stage *s);

/** Turns until a dead letter came and returns it. */
const struct stage_letter *batcher_stage_letter(struct batcher_stage *s, size_t index);
size_t batcher_stage_letters(const struct batcher_stage *s);

/** Drains the batcher and closes it. @return its exit status */
int batcher_stage_stop(struct batcher_stage *s);

/** Starts another batcher. */
void batcher_stage_start(struct batcher_stage *s);

/** Kills the runner of the model, as a crash would. */
void batcher_stage_kill_runner(struct batcher_stage *s);

/** Records between the committed offsets and the ends of the request topic. */
int64_t batcher_stage_lag(struct batcher_stage *s);

#endif
