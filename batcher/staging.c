/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches to be run again come first; while one under suspicion runs nothing else of
 * the model does. A batch is gathered when it is closed and handed over when its lane
 * says so, at once or after the batch of another model.
 */
#include "batcher/staging.h"

#include "base/clock.h"
#include "batcher/harvest.h"
#include "batcher/metrics.h"
#include "batcher/reply.h"

/** Batches may be closed now. */
static bool
is_open(const struct dispatcher *d)
{
    return d->serving && !d->holding && !d->suspect_runs &&
           !outbox_is_stalled(d->outbox);
}

struct former_ask
staging_ask(const struct dispatcher *d, unsigned index, const struct lane_state *state)
{
    uint64_t slot_bytes = d->instances[index].slab.slot_bytes;
    return (struct former_ask){
        .now_ns = state->now_ns,
        .free_ns = state->free_ns,
        .under_way = state->under_way,
        .rows_max = d->rows_max,
        .bytes_max = model_spec_batch_bytes(d->spec, slot_bytes),
        .run = &d->run,
        .stage = &d->stage,
        .reply_ns = 0 /* admit() took it off the deadlines */,
    };
}

/* When. */

/** When a batch that runs again must start to make its due instants. */
static int64_t
latest_start(const struct dispatcher *d, const struct batch *b)
{
    int64_t due_ns = TIME_NEVER;
    for (const struct item *it = b->first; it != NULL; it = it->next) {
        due_ns = it->entry.due_ns < due_ns ? it->entry.due_ns : due_ns;
    }
    return due_ns - cost_bound(&d->run, b->rows);
}

static void
staging_plan(void *arg,
             unsigned index,
             const struct lane_state *state,
             struct former_plan *plan)
{
    const struct dispatcher *d = arg;
    *plan = (struct former_plan){.close_ns = TIME_NEVER, .latest_start_ns = TIME_NEVER};
    if (!is_open(d)) {
        return;
    }
    if (d->redo == NULL) {
        const struct former_ask ask = staging_ask(d, index, state);
        former_plan(d->former, &ask, plan);
    } else if (!d->redo->suspect || d->under_way == 0) {
        plan->close_ns = state->now_ns;
        plan->latest_start_ns = latest_start(d, d->redo);
    }
}

static bool
staging_waits(const void *arg)
{
    const struct dispatcher *d = arg;
    bool held_idle = d->config.batching->max_delay_ns > 0;
    return is_open(d) &&
           (d->redo != NULL || (!held_idle && former_count(d->former) > 0));
}

/* Handing over. */

static void
announce_start(struct dispatcher *d, const struct batch *b)
{
    for (const struct item *it = b->first; it != NULL; it = it->next) {
        d->events.started(d->arg, it);
    }
}

static void
staging_hand_over(void *arg, unsigned index, unsigned slot, int64_t now_ns)
{
    struct dispatcher *d = arg;
    struct instance *in = &d->instances[index];
    announce_start(d, in->batches[slot]);
    instance_submit(in, slot, now_ns);
}

/** Gathers a closed batch and gives it its place on the lane. */
static void
stage(struct dispatcher *d,
      unsigned index,
      struct batch *b,
      const struct lane_state *state)
{
    struct instance *in = &d->instances[index];
    unsigned slot = 0;
    struct slot_head *head = instance_free_slot(in, &slot);
    if (slab_gather(head, in->slab.slot_bytes, d->spec, b->first) != STATUS_OK) {
        const struct ending e = {.end = BATCH_FAILED,
                                 .message = "the inputs do not fit a slot"};
        announce_start(d, b);
        harvest_unanswered(d, b, &e);
        return;
    }
    int64_t gathered_ns = clock_mono_ns();
    b->staging_ns = state->late_ns + gathered_ns - state->now_ns;
    metric_observe(&batcher_metrics[METRIC_BATCH_ROWS], b->rows);
    d->under_way++;
    d->suspect_runs = b->suspect;
    instance_hold(in, slot, b);
    const struct lane_batch place = {.slot = slot,
                                     .closed_ns = state->now_ns,
                                     .staged_ns =
                                         state->now_ns + cost_mean(&d->stage, b->rows),
                                     .run_ns = cost_mean(&d->run, b->rows)};
    if (device_lane_begin(&d->users[index], &place)) {
        staging_hand_over(d, index, slot, gathered_ns);
    }
}

/* Closing. */

/** Answers what has no time left; true if nothing of the batch remains. */
static bool
batch_expire(struct dispatcher *d, struct batch *b, const struct lane_state *state)
{
    int64_t staged_ns = state->now_ns + cost_mean(&d->stage, b->rows);
    int64_t start_ns = staged_ns > state->free_ns ? staged_ns : state->free_ns;
    struct item **link = &b->first;
    while (*link != NULL) {
        struct item *it = *link;
        int64_t deadline_ns = it->entry.deadline_ns;
        if (deadline_ns != TIME_NEVER &&
            start_ns + cost_bound(&d->run, it->entry.rows) > deadline_ns) {
            *link = it->next;
            d->events.started(d->arg, it);
            reply_expire(it);
        } else {
            link = &it->next;
        }
    }
    batch_recount(b);
    return b->first == NULL;
}

static void
close_redo(struct dispatcher *d, unsigned index, const struct lane_state *state)
{
    struct batch *b = d->redo;
    d->redo = b->next;
    b->next = NULL;
    if (batch_expire(d, b, state)) {
        batch_destroy(&b);
        return;
    }
    metric_add(&batcher_metrics[METRIC_CLOSED_AGAIN], 1);
    stage(d, index, b, state);
}

static enum batcher_metric
why_closed(const struct dispatcher *d,
           const struct former_list *list,
           const struct lane_state *state)
{
    if (list->rows >= d->rows_max || former_count(d->former) > 0) {
        return METRIC_CLOSED_FULL;
    }
    if (state->under_way > 0) {
        return METRIC_CLOSED_JUST_IN_TIME;
    }
    return d->config.batching->max_delay_ns > 0 ? METRIC_CLOSED_MAX_DELAY
                                                : METRIC_CLOSED_IDLE;
}

static void
shed_all(struct dispatcher *d, const struct former_list *list)
{
    for (struct former_entry *e = list->first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.started(d->arg, item_of(e));
        reply_shed(item_of(e));
        e = next;
    }
}

static void
fail_all(struct dispatcher *d, const struct former_list *list)
{
    const struct failure failure = {
        .status = STATUS_NO_MEMORY, .message = "no memory", .stage = "run"};
    for (struct former_entry *e = list->first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.started(d->arg, item_of(e));
        reply_fail(item_of(e), &failure, NULL);
        e = next;
    }
}

static bool
close_new(struct dispatcher *d, unsigned index, const struct lane_state *state)
{
    const struct former_ask ask = staging_ask(d, index, state);
    struct former_list list;
    struct former_list shed;
    former_take(d->former, &ask, &list, &shed);
    if (list.count > 0) {
        struct batch *b = batch_create(&list);
        metric_add(&batcher_metrics[why_closed(d, &list, state)], 1);
        if (b != NULL) {
            stage(d, index, b, state);
        } else {
            fail_all(d, &list);
        }
    }
    /* The device does not wait for these answers. */
    shed_all(d, &shed);
    return list.count + shed.count > 0;
}

static bool
staging_close(void *arg, unsigned index, const struct lane_state *state)
{
    struct dispatcher *d = arg;
    if (d->redo != NULL) {
        close_redo(d, index, state);
        return true;
    }
    return close_new(d, index, state);
}

const struct lane_ops staging_ops = {.plan = staging_plan,
                                     .close = staging_close,
                                     .hand_over = staging_hand_over,
                                     .waits = staging_waits};

bool
staging_recall(struct dispatcher *d, unsigned index, unsigned slot)
{
    struct instance *in = &d->instances[index];
    if (in->batches[slot]->submitted_ns != 0 && !instance_withdraw(in, slot)) {
        return false;
    }
    struct batch *b = instance_free(in, slot);
    d->under_way--;
    d->suspect_runs = d->suspect_runs && !b->suspect;
    dispatcher_run_next(d, b);
    device_lane_withdraw(&d->users[index], slot, clock_mono_ns());
    return true;
}
