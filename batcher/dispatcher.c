/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a dispatcher, and every way for an item to leave it other than through a
 * run: expired, dropped, cancelled.
 */
#include "batcher/dispatcher.h"

#include "base/clock.h"
#include "batcher/harvest.h"
#include "batcher/reply.h"
#include "batcher/staging.h"

#include <stdlib.h>

#define RELAX_AFTER_NS (100 * NS_PER_MS)

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

/* Life. */

static void
costs_forget(struct dispatcher *d)
{
    const struct batching *b = d->config.batching;
    cost_init(&d->run, d->config.rows_max, b->buckets, b->bucket_count);
    cost_init(&d->stage, d->config.rows_max, NULL, 0);
}

static enum status
open_instance(struct dispatcher *d, unsigned index)
{
    struct instance *in = &d->instances[index];
    in->index = index;
    enum status status =
        instance_open(in, d->loop, d->config.slot_bytes, harvest_slot, d);
    if (status != STATUS_OK) {
        return status;
    }
    d->users[index] = (struct lane_user){.ops = &staging_ops, .arg = d, .index = index};
    device_join(d->config.device, &d->users[index]);
    d->config.instances++;
    return STATUS_OK;
}

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
    const struct former_config former = {.entries_max = config->waiting_max,
                                         .bytes_max = config->waiting_bytes_max,
                                         .max_delay_ns = config->batching->max_delay_ns,
                                         .shed = config->batching->shed};
    d->config.instances = 0; /* those that are open */
    enum status status = former_create(&d->former, &former);
    if (status != STATUS_OK) {
        return status;
    }
    d->instances = calloc(config->instances, sizeof *d->instances);
    d->users = calloc(config->instances, sizeof *d->users);
    status = d->instances == NULL || d->users == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    for (unsigned i = 0; i < config->instances && status == STATUS_OK; i++) {
        status = open_instance(d, i);
    }
    if (status != STATUS_OK) {
        dispatcher_fini(d);
    }
    costs_forget(d);
    return status;
}

void
dispatcher_fini(struct dispatcher *d)
{
    for (unsigned i = 0; i < d->config.instances; i++) {
        device_leave(&d->users[i]);
        instance_close(&d->instances[i]);
    }
    free(d->users);
    free(d->instances);
    d->users = NULL;
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

void
dispatcher_seed(struct dispatcher *d, struct span message, bool first)
{
    struct model_cost cost;
    while (model_spec_next_cost(&message, &cost)) {
        if (first) {
            costs_forget(d);
            first = false;
        }
        cost_observe(&d->run, cost.rows, cost.run_ns);
        cost_observe(&d->stage, cost.rows, cost.prepare_ns);
    }
}

/** The lane that is free first decides what is too late. */
static struct former_ask
expiry_ask(const struct dispatcher *d, int64_t now_ns)
{
    struct lane_state best = {.now_ns = now_ns, .free_ns = TIME_NEVER};
    for (unsigned i = 0; i < d->config.instances; i++) {
        const struct device_lane *lane = d->users[i].lane;
        int64_t free_ns = device_lane_free_ns(lane, now_ns);
        if (free_ns < best.free_ns) {
            best.free_ns = free_ns;
            best.under_way = lane->count;
        }
    }
    return staging_ask(d, 0, &best);
}

/** A request was given up although there was time left: for what runs are believed to
 * take. If none runs meanwhile, nothing else would ever correct that. */
static void
doubt_costs(struct dispatcher *d, int64_t now_ns)
{
    int64_t last_ns = d->relaxed_ns;
    for (unsigned i = 0; i < d->config.instances; i++) {
        const struct device_lane *lane = d->users[i].lane;
        int64_t ended_ns = lane->count > 0 ? now_ns : lane->ended_ns;
        last_ns = ended_ns > last_ns ? ended_ns : last_ns;
    }
    if (now_ns - last_ns >= RELAX_AFTER_NS) {
        d->relaxed_ns = now_ns;
        cost_relax(&d->run);
        cost_relax(&d->stage);
    }
}

static void
expire_waiting(struct dispatcher *d, const struct former_ask *ask)
{
    struct former_list expired;
    former_expire(d->former, ask, &expired);
    for (struct former_entry *e = expired.first; e != NULL;) {
        struct former_entry *next = e->next;
        if (e->deadline_ns > ask->now_ns) {
            doubt_costs(d, ask->now_ns);
        }
        d->events.started(d->arg, item_of(e));
        reply_expire(item_of(e));
        e = next;
    }
}

int64_t
dispatcher_turn(struct dispatcher *d, int64_t now_ns)
{
    const struct former_ask ask = expiry_ask(d, now_ns);
    expire_waiting(d, &ask);
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

/** Drops items of a partition (-1 = any) with an offset above one (-1 = all). */
static void
batch_drop(struct dispatcher *d, struct batch *b, int32_t partition, int64_t above)
{
    struct item **link = &b->first;
    while (*link != NULL) {
        struct item *it = *link;
        if (partition < 0 || item_is_above(it, partition, above)) {
            *link = it->next;
            d->events.dropped(d->arg, it);
        } else {
            link = &it->next;
        }
    }
    batch_recount(b);
}

static void
redo_drop(struct dispatcher *d, int32_t partition, int64_t above)
{
    struct batch **link = &d->redo;
    while (*link != NULL) {
        struct batch *b = *link;
        batch_drop(d, b, partition, above);
        if (b->first == NULL) {
            *link = b->next;
            batch_destroy(&b);
        } else {
            link = &b->next;
        }
    }
}

/** Recalls what holds such items and has not begun. */
static void
slots_recall(struct dispatcher *d, int32_t partition, int64_t above)
{
    for (unsigned i = 0; i < d->config.instances; i++) {
        for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
            const struct batch *b = d->instances[i].batches[s];
            if (b != NULL && batch_has_above(b, partition, above)) {
                (void)staging_recall(d, i, s);
            }
        }
    }
}

static void
list_drop(struct dispatcher *d, const struct former_list *list)
{
    for (struct former_entry *e = list->first; e != NULL;) {
        struct former_entry *next = e->next;
        d->events.dropped(d->arg, item_of(e));
        e = next;
    }
}

void
dispatcher_drop(struct dispatcher *d, int32_t partition, int64_t above)
{
    struct former_list removed;
    former_remove(d->former, partition, above, &removed);
    list_drop(d, &removed);
    slots_recall(d, partition, above);
    redo_drop(d, partition, above);
}

void
dispatcher_drop_all(struct dispatcher *d)
{
    struct former_list removed;
    former_empty(d->former, &removed);
    list_drop(d, &removed);
    redo_drop(d, -1, -1);
    for (unsigned i = 0; i < d->config.instances; i++) {
        struct instance *in = &d->instances[i];
        for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
            if (in->batches[s] != NULL) {
                struct batch *b = instance_free(in, s);
                device_lane_withdraw(&d->users[i], s, clock_mono_ns());
                batch_drop(d, b, -1, -1);
                batch_destroy(&b);
            }
        }
        in->under_way = 0;
    }
    d->under_way = 0;
}

/* Cancelling. */

/** Takes the item out of what is to run again. */
static bool
redo_remove(struct dispatcher *d, const struct item *it)
{
    struct batch **link = &d->redo;
    while (*link != NULL && !batch_remove(*link, it)) {
        link = &(*link)->next;
    }
    struct batch *b = *link;
    if (b == NULL) {
        return false;
    }
    if (b->first == NULL) {
        *link = b->next;
        batch_destroy(&b);
    }
    return true;
}

/** Recalls the batch that the item is in; its rest is closed anew at once. */
static bool
slots_remove(struct dispatcher *d, const struct item *it)
{
    for (unsigned i = 0; i < d->config.instances; i++) {
        for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
            const struct batch *b = d->instances[i].batches[s];
            if (b == NULL || !batch_has(b, it)) {
                continue;
            }
            if (!staging_recall(d, i, s)) {
                return false;
            }
            (void)redo_remove(d, it);
            (void)device_lane_dispatch(d->users[i].lane, clock_mono_ns());
            return true;
        }
    }
    return false;
}

bool
dispatcher_cancel(struct dispatcher *d, struct item *it)
{
    if (it->entry.node.at != HEAP_OUTSIDE) {
        former_withdraw(d->former, &it->entry);
        return true;
    }
    return redo_remove(d, it) || slots_remove(d, it);
}
