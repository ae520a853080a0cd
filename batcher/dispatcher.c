/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches to be run again come first; while one under suspicion runs nothing else does.
 */
#include "batcher/dispatcher.h"

#include "base/clock.h"
#include "batcher/harvest.h"
#include "batcher/metrics.h"
#include "batcher/reply.h"

#include <stdlib.h>

void
dispatcher_run_last(struct dispatcher *d, struct batch *b)
{
    struct batch **link = &d->redo;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    b->next = NULL;
    *link = b;
}

void
dispatcher_run_next(struct dispatcher *d, struct batch *b)
{
    b->next = d->redo;
    d->redo = b;
}

static bool
is_expired(const struct item *it, int64_t now_ns)
{
    return it->entry.deadline_ns <= now_ns;
}

/** Answers what has no time left; true if nothing of the batch remains. */
static bool
batch_expire(struct batch *b, int64_t now_ns)
{
    struct item **link = &b->first;
    while (*link != NULL) {
        struct item *it = *link;
        if (is_expired(it, now_ns)) {
            *link = it->next;
            reply_expire(it);
        } else {
            link = &it->next;
        }
    }
    batch_recount(b);
    return b->first == NULL;
}

/** Nothing is known yet of what batches cost. */
static struct former_ask
ask_of(const struct dispatcher *d, int64_t now_ns)
{
    return (struct former_ask){.now_ns = now_ns,
                               .free_ns = now_ns,
                               .rows_max = d->rows_max > 0 ? d->rows_max : 1,
                               .bytes_max = SIZE_MAX,
                               .run = &d->cost,
                               .stage = &d->cost};
}

static void
expire_all(struct dispatcher *d, const struct former_list *list)
{
    for (struct former_entry *e = list->first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.started(d->arg, item_of(e));
        reply_expire(item_of(e));
        e = next;
    }
}

static void
submit(struct dispatcher *d, struct instance *in, struct batch *b, int64_t now_ns)
{
    unsigned slot = 0;
    struct slot_head *head = instance_free_slot(in, &slot);
    for (struct item *it = b->first; it != NULL; it = it->next) {
        d->events.started(d->arg, it);
    }
    if (slab_gather(head, in->slab.slot_bytes, d->spec, b->first) != STATUS_OK) {
        const struct ending e = {.end = BATCH_FAILED,
                                 .message = "the inputs do not fit a slot"};
        harvest_unanswered(d, b, &e);
        return;
    }
    metric_observe(&batcher_metrics[METRIC_BATCH_ROWS], b->rows);
    d->under_way++;
    d->suspect_runs = b->suspect;
    instance_submit(in, slot, b, now_ns);
}

/** The instance with the least to do that may take another batch, or NULL. */
static struct instance *
least_busy(struct dispatcher *d)
{
    struct instance *best = NULL;
    for (unsigned i = 0; i < d->config.instances; i++) {
        struct instance *in = &d->instances[i];
        if (in->under_way < FORMER_DEPTH &&
            (best == NULL || in->under_way < best->under_way)) {
            best = in;
        }
    }
    return best;
}

/** Runs the first batch of the redo list; false if it has to wait. */
static bool
dispatch_redo(struct dispatcher *d, int64_t now_ns)
{
    struct batch *b = d->redo;
    struct instance *in = least_busy(d);
    if (in == NULL || (b->suspect && d->under_way > 0)) {
        return false;
    }
    d->redo = b->next;
    b->next = NULL;
    if (batch_expire(b, now_ns)) {
        batch_destroy(&b);
        return true;
    }
    submit(d, in, b, now_ns);
    return true;
}

/** Closes the next batch; false if it is better to wait. */
static bool
dispatch_new(struct dispatcher *d, int64_t now_ns)
{
    struct instance *in = least_busy(d);
    if (in == NULL) {
        return false;
    }
    if (in->under_way > 0 && former_rows(d->former) < d->rows_max) {
        return false;
    }
    struct former_ask ask = ask_of(d, now_ns);
    ask.under_way = in->under_way;
    ask.bytes_max = model_spec_batch_bytes(d->spec, in->slab.slot_bytes);
    struct former_list list;
    struct former_list shed;
    former_take(d->former, &ask, &list, &shed);
    expire_all(d, &shed);
    if (list.count == 0) {
        return false;
    }
    struct batch *b = batch_create(&list);
    if (b != NULL) {
        submit(d, in, b, now_ns);
        return true;
    }
    const struct failure failure = {
        .status = STATUS_NO_MEMORY, .message = "no memory", .stage = "run"};
    for (struct former_entry *e = list.first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.started(d->arg, item_of(e));
        reply_fail(item_of(e), &failure, NULL);
        e = next;
    }
    return true;
}

void
dispatcher_dispatch(struct dispatcher *d, int64_t now_ns)
{
    bool more = true;
    while (more && d->serving && !d->holding && !d->suspect_runs &&
           !outbox_is_stalled(d->outbox)) {
        more = d->redo != NULL ? dispatch_redo(d, now_ns) : dispatch_new(d, now_ns);
    }
}

static void
expire_waiting(struct dispatcher *d, int64_t now_ns)
{
    const struct former_ask ask = ask_of(d, now_ns);
    struct former_list expired;
    former_expire(d->former, &ask, &expired);
    expire_all(d, &expired);
}

/* Life. */

enum status
dispatcher_init(struct dispatcher *d,
                struct loop *loop,
                const struct dispatcher_config *config,
                const struct outbox *outbox,
                const struct dispatcher_events *events,
                void *arg)
{
    *d = (struct dispatcher){.loop = loop,
                             .config = *config,
                             .events = *events,
                             .arg = arg,
                             .outbox = outbox};
    cost_init(&d->cost, 1, NULL, 0);
    const struct former_config former = {.entries_max = config->waiting_max,
                                         .bytes_max = config->waiting_bytes_max};
    enum status status = former_create(&d->former, &former);
    if (status != STATUS_OK) {
        return status;
    }
    d->instances = calloc(config->instances, sizeof *d->instances);
    if (d->instances == NULL) {
        d->config.instances = 0;
        dispatcher_fini(d);
        return STATUS_NO_MEMORY;
    }
    d->config.instances = 0;
    for (unsigned i = 0; i < config->instances && status == STATUS_OK; i++) {
        d->instances[i].index = i;
        status =
            instance_open(&d->instances[i], loop, config->slot_bytes, harvest_slot, d);
        d->config.instances += status == STATUS_OK ? 1 : 0;
    }
    if (status != STATUS_OK) {
        dispatcher_fini(d);
    }
    return status;
}

void
dispatcher_fini(struct dispatcher *d)
{
    for (unsigned i = 0; i < d->config.instances; i++) {
        instance_close(&d->instances[i]);
    }
    free(d->instances);
    d->instances = NULL;
    former_destroy(&d->former);
}

void
dispatcher_serve(struct dispatcher *d, const struct model_spec *spec)
{
    d->spec = spec;
    d->rows_max = model_spec_rows_max(spec);
    d->serving = true;
}

enum status
dispatcher_add(struct dispatcher *d, struct item *it)
{
    return former_add(d->former, &it->entry);
}

bool
dispatcher_overran(const struct dispatcher *d, int64_t now_ns)
{
    for (unsigned i = 0; i < d->config.instances; i++) {
        const struct instance *in = &d->instances[i];
        if (in->under_way > 0 &&
            now_ns - in->busy_since_ns > d->config.run_timeout_ns) {
            return true;
        }
    }
    return false;
}

int64_t
dispatcher_turn(struct dispatcher *d, int64_t now_ns)
{
    expire_waiting(d, now_ns);
    dispatcher_dispatch(d, now_ns);
    const struct former_ask ask = ask_of(d, now_ns);
    int64_t due_ns = former_next_expiry(d->former, &ask);
    for (unsigned i = 0; i < d->config.instances; i++) {
        const struct instance *in = &d->instances[i];
        int64_t overrun_ns = in->busy_since_ns + d->config.run_timeout_ns + 1;
        if (in->under_way > 0 && overrun_ns < due_ns) {
            due_ns = overrun_ns;
        }
    }
    return due_ns;
}

/** Takes items of a partition (or all: -1) out of a batch. */
static void
batch_drop(struct dispatcher *d, struct batch *b, int32_t partition)
{
    struct item **link = &b->first;
    while (*link != NULL) {
        struct item *it = *link;
        if (partition < 0 || it->entry.partition == partition) {
            *link = it->next;
            d->events.dropped(d->arg, it);
        } else {
            link = &it->next;
        }
    }
    batch_recount(b);
}

static void
redo_drop(struct dispatcher *d, int32_t partition)
{
    struct batch **link = &d->redo;
    while (*link != NULL) {
        struct batch *b = *link;
        batch_drop(d, b, partition);
        if (b->first == NULL) {
            *link = b->next;
            batch_destroy(&b);
        } else {
            link = &b->next;
        }
    }
}

void
dispatcher_drop(struct dispatcher *d, int32_t partition, int64_t above)
{
    struct former_list removed;
    former_remove(d->former, partition, above, &removed);
    for (struct former_entry *e = removed.first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.dropped(d->arg, item_of(e));
        e = next;
    }
    if (above < 0) {
        redo_drop(d, partition);
    }
}

void
dispatcher_drop_all(struct dispatcher *d)
{
    struct former_list list;
    former_empty(d->former, &list);
    for (struct former_entry *e = list.first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.dropped(d->arg, item_of(e));
        e = next;
    }
    redo_drop(d, -1);
    for (unsigned i = 0; i < d->config.instances; i++) {
        struct instance *in = &d->instances[i];
        for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
            if (in->batches[s] != NULL) {
                struct batch *b = instance_free(in, s);
                batch_drop(d, b, -1);
                batch_destroy(&b);
            }
        }
        in->under_way = 0;
    }
    d->under_way = 0;
}
