/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a slot is done the next batch is handed over first and the answers are encoded
 * after that, out of the slot that is still held: the device does not wait for us.
 */
#include "batcher/harvest.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/metrics.h"
#include "batcher/output_check.h"
#include "batcher/row_failure.h"
#include "batcher/slab.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/** Answers every item of a batch FAILED and frees the batch. */
static void
batch_fail(struct batch *b, const struct failure *failure, const struct run *run)
{
    for (struct item *it = b->first; it != NULL;) {
        struct item *next = it->next;
        reply_fail(it, failure, run);
        it = next;
    }
    batch_destroy(&b);
}

/** A single item that cannot be helped. */
static void
batch_give_up(struct batch *b, const struct ending *e)
{
    struct failure failure = {.message = e->message, .stage = "run"};
    if (e->end == BATCH_FAILED || e->end == BATCH_OUT_OF_MEMORY) {
        failure.status =
            e->end == BATCH_FAILED ? STATUS_MODEL_FAILED : STATUS_NO_MEMORY;
        batch_fail(b, &failure, e->run);
        return;
    }
    failure.status = STATUS_MODEL_DIED;
    reply_bury(b->first, &failure, true);
    batch_destroy(&b);
}

static void
batch_halve(struct dispatcher *d, struct batch *b, const struct ending *e)
{
    uint32_t rows = b->rows;
    struct batch *rest = batch_split(b);
    if (rest == NULL) {
        dispatcher_run_last(d, b);
        return;
    }
    metric_add(&batcher_metrics[METRIC_SPLITS], 1);
    log_warn("batch_split", log_int("rows", rows), log_text("reason", e->message));
    dispatcher_run_next(d, rest);
    dispatcher_run_next(d, b);
}

void
harvest_unanswered(struct dispatcher *d, struct batch *b, const struct ending *e)
{
    if (e->end == BATCH_OUT_OF_MEMORY && b->rows > 1) {
        d->rows_max = b->rows / 2 < d->rows_max ? b->rows / 2 : d->rows_max;
    }
    switch (batch_judge(b, e->end)) {
    case BATCH_RUN_AGAIN:
        dispatcher_run_next(d, b);
        return;
    case BATCH_SPLIT:
        batch_halve(d, b, e);
        return;
    case BATCH_GIVE_UP:
        batch_give_up(b, e);
        return;
    }
}

/** @param[in] message of the slot, for want of one of the row */
static void
answer_row_failure(struct item *it,
                   const struct row_failure *why,
                   const char *message,
                   const struct run *run)
{
    message = message[0] != '\0' ? message : "the model failed on this input";
    const struct failure failure = {.status = why->status,
                                    .message = why->message[0] != '\0' ? why->message
                                                                       : message,
                                    .stage = "run"};
    reply_fail(it, &failure, run);
}

static void
answer_nan(struct item *it, const struct tensor *output, const struct run *run)
{
    char message[SLOT_ERROR_BYTES];
    snprintf(message, sizeof message, "output %.*s holds a NaN", (int)output->name.size,
             (const char *)output->name.data);
    const struct failure failure = {
        .status = STATUS_MODEL_FAILED, .message = message, .stage = "run"};
    reply_fail(it, &failure, run);
}

/** A slot that is done, its outputs found sound. */
struct done_slot {
    struct slot_head *head;
    uint64_t slot_bytes;
    const char *message; /* of the runner, for the whole slot */
    const struct run *run;
};

static void
answer_items(struct batch *b,
             bool allow_nan,
             const struct done_slot *done,
             struct slab_reader *r)
{
    const struct run *run = done->run;
    struct tensor outputs[SLOT_TENSORS_MAX];
    struct row_failure why;
    uint32_t row = 0;
    for (struct item *it = b->first; it != NULL;) {
        struct item *next = it->next;
        uint32_t rows = it->entry.rows;
        slab_reader_next(r, rows, outputs);
        metric_observe(&batcher_metrics[METRIC_WAIT_SECONDS],
                       (run->started_us - it->received_us) * NS_PER_US);
        if (row_failure_find(done->head, done->slot_bytes, row, rows, &why)) {
            answer_row_failure(it, &why, done->message, run);
        } else if (!allow_nan && output_with_nan(outputs, r->count) != NULL) {
            answer_nan(it, output_with_nan(outputs, r->count), run);
        } else {
            reply_succeed(it, outputs, r->count, run);
        }
        row += rows;
        it = next;
    }
}

static enum batch_end
end_of_outcome(uint32_t outcome)
{
    switch (outcome) {
    case SLOT_OUT_OF_MEMORY:
        return BATCH_OUT_OF_MEMORY;
    case SLOT_DEVICE_LOST:
        return BATCH_DEVICE_LOST;
    default:
        return BATCH_FAILED;
    }
}

static void
slot_failed(struct dispatcher *d, struct batch *b, const struct ending *e)
{
    if (e->end == BATCH_DEVICE_LOST) {
        d->device_lost = true;
        d->serving = false;
        d->losses_in_row++;
    }
    harvest_unanswered(d, b, e);
}

/** The times of a finished slot, as far as they can be true. */
struct slot_times {
    int64_t submitted_ns;
    int64_t taken_ns;
    int64_t prepared_ns;
    int64_t started_ns;
    int64_t completed_ns;
};

static int64_t
between(int64_t value, int64_t least, int64_t most)
{
    if (value < least) {
        return least;
    }
    return value < most ? value : most;
}

static struct slot_times
times_of(const struct slot_head *head, int64_t submitted_ns, int64_t now_ns)
{
    struct slot_times t = {.submitted_ns = submitted_ns};
    t.completed_ns = between(head->completed_ns, submitted_ns, now_ns);
    t.started_ns = between(head->started_ns, submitted_ns, t.completed_ns);
    t.prepared_ns = between(head->prepared_ns, submitted_ns, t.started_ns);
    t.taken_ns = between(head->taken_ns, submitted_ns, t.prepared_ns);
    return t;
}

static struct run
run_of(const struct slot_times *t, uint32_t rows)
{
    int64_t wall_us = clock_wall_us() - clock_mono_ns() / NS_PER_US;
    return (struct run){.rows = rows,
                        .started_us = wall_us + t->started_ns / NS_PER_US,
                        .completed_us = wall_us + t->completed_ns / NS_PER_US};
}

/** A batch was answered: what did it cost on the device, and before? */
static void
learn(struct dispatcher *d,
      const struct batch *b,
      const struct slot_times *t,
      const struct lane_past *past)
{
    bool waited = past->ended_ns > t->submitted_ns && past->ended_ns <= t->taken_ns;
    int64_t takeable_ns = waited ? past->ended_ns : t->submitted_ns;
    int64_t begin_ns = past->ended_ns > t->started_ns ? past->ended_ns : t->started_ns;
    cost_observe(&d->stage, b->rows,
                 b->staging_ns + (t->taken_ns - takeable_ns) +
                     (t->prepared_ns - t->taken_ns));
    if (begin_ns < t->completed_ns) {
        cost_observe(&d->run, b->rows, t->completed_ns - begin_ns);
    }
}

static void
observe_run(const struct slot_times *t, const struct lane_past *past)
{
    metric_observe(&batcher_metrics[METRIC_RUN_SECONDS],
                   t->completed_ns - t->started_ns);
    if (past->ended_ns > 0 && past->work_waited) {
        int64_t idle_ns = t->started_ns - past->ended_ns;
        metric_observe(&batcher_metrics[METRIC_IDLE_GAP],
                       idle_ns > 0 ? idle_ns / NS_PER_US : 0);
    }
}

/** The words of the runner, which end somewhere. */
static void
copy_message(const struct slot_head *head, char message[static SLOT_ERROR_BYTES])
{
    memcpy(message, head->error, SLOT_ERROR_BYTES);
    message[SLOT_ERROR_BYTES - 1] = '\0';
}

/** The outputs as the spec has them, or why they are not. */
static bool
read_outputs(const struct dispatcher *d,
             const struct instance *in,
             unsigned slot,
             struct slab_reader *reader,
             struct fault *fault)
{
    struct slot_head *head = slab_slot(&in->slab, slot);
    return head->outcome == SLOT_SUCCEEDED &&
           slab_reader_init(reader, head, in->slab.slot_bytes, d->spec,
                            in->batches[slot]->rows, fault) == STATUS_OK;
}

void
harvest_slot(void *arg, struct instance *in, unsigned slot)
{
    struct dispatcher *d = arg;
    const struct lane_user *user = &d->users[in->index];
    int64_t now_ns = clock_mono_ns();
    struct slot_head *head = slab_slot(&in->slab, slot);
    struct batch *b = in->batches[slot];
    char message[SLOT_ERROR_BYTES];
    copy_message(head, message);
    const struct slot_times times = times_of(head, b->submitted_ns, now_ns);
    instance_retire(in, now_ns);
    d->under_way--;
    d->suspect_runs = false;
    const struct lane_past past =
        device_lane_end(user, slot, times.completed_ns, now_ns);
    const struct run run = run_of(&times, b->rows);
    observe_run(&times, &past);
    struct slab_reader reader;
    struct fault fault = {.text = ""};
    if (!read_outputs(d, in, slot, &reader, &fault)) {
        struct ending e = {.end = end_of_outcome(head->outcome),
                           .message = message[0] != '\0' ? message : "the model failed",
                           .run = &run};
        e.message = fault.text[0] != '\0' ? fault.text : e.message;
        (void)instance_free(in, slot);
        slot_failed(d, b, &e);
        return;
    }
    d->losses_in_row = 0;
    d->events.answered(d->arg);
    learn(d, b, &times, &past);
    (void)device_lane_dispatch(user->lane, now_ns);
    const struct done_slot done = {.head = head,
                                   .slot_bytes = in->slab.slot_bytes,
                                   .message = message,
                                   .run = &run};
    answer_items(b, d->config.allow_nan, &done, &reader);
    (void)instance_free(in, slot);
    batch_destroy(&b);
}

/* The end of a runner. */

/** Whether a slot may have killed it: it was being prepared, or ran. */
static bool
is_to_blame(const struct slot_head *head)
{
    return atomic_load(&head->state) == SLOT_RUNNING &&
           (head->prepared_ns == 0 || head->started_ns != 0);
}

static unsigned
count_to_blame(const struct dispatcher *d)
{
    unsigned count = 0;
    for (unsigned i = 0; i < d->config.instances; i++) {
        struct instance *in = &d->instances[i];
        for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
            count += in->batches[s] != NULL && is_to_blame(slab_slot(&in->slab, s));
        }
    }
    return count;
}

static void
slot_died(struct dispatcher *d,
          struct instance *in,
          unsigned slot,
          bool alone,
          const char *message)
{
    struct ending e = {.end = BATCH_NOT_STARTED, .message = message};
    if (is_to_blame(slab_slot(&in->slab, slot)) && !d->device_lost) {
        e.end = alone ? BATCH_DIED : BATCH_NOT_ALONE;
    }
    if (in->batches[slot]->submitted_ns != 0) {
        instance_retire(in, 0);
    }
    d->under_way--;
    struct batch *b = instance_free(in, slot);
    device_lane_withdraw(&d->users[in->index], slot, clock_mono_ns());
    harvest_unanswered(d, b, &e);
}

void
harvest_dead(struct dispatcher *d, const char *how)
{
    char message[SLOT_ERROR_BYTES];
    snprintf(message, sizeof message, "the runner died (%s)", how);
    d->serving = false;
    for (unsigned i = 0; i < d->config.instances; i++) {
        instance_harvest(&d->instances[i]);
    }
    bool alone = count_to_blame(d) == 1;
    for (unsigned i = 0; i < d->config.instances; i++) {
        struct instance *in = &d->instances[i];
        for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
            if (in->batches[s] != NULL) {
                slot_died(d, in, s, alone, message);
            }
        }
    }
    d->suspect_runs = false;
    d->device_lost = false;
}
