/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins the parts and answers what is asked of the room; what comes in is arrival.c's.
 */
#include "results/results.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/metrics.h"
#include "results/results_state.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 1 << 20 };

static bool
is_foreign(void *arg, const struct uuid *id)
{
    const struct results *r = arg;
    int32_t partition = owner_partition(&r->owner, id);
    return partition != OWNER_NOBODY && !owner_holds(&r->owner, partition);
}

static void
on_leaving(void *arg)
{
    const struct results *r = arg;
    push_flush(r->push);
}

static void
on_settled(void *arg)
{
    struct results *r = arg;
    metric_set(results_metric(ROW_PARTITIONS), (int64_t)r->owner.owned_count);
    size_t ended = correlate_end(&r->correlate, STATUS_MISDIRECTED, is_foreign, r);
    results_note_ended(ROW_ENDED_MISDIRECTED, ended);
    push_owner_changed(r->push);
    if (r->peers != NULL) {
        peers_refresh(r->peers);
    }
}

/* A wait that is due: its deadline, or its reply was here before it. */
static void
end_due(struct results *r, const struct wanted *wanted)
{
    struct stored stored;
    struct reply reply;
    if (wanted->deadline_ns != CORRELATE_AT_ONCE) {
        results_note_ended(ROW_ENDED_TIMEOUT, 1);
        wanted->fn(wanted->waiter, STATUS_TIMEOUT, NULL);
        return;
    }
    arena_reset(&r->arena);
    if (results_look_up(r, &wanted->id, &stored) == STATUS_OK && stored.terminal &&
        reply_decode(stored.bytes, &r->arena, &reply, NULL) == STATUS_OK) {
        results_note_ended(ROW_ENDED_ANSWERED, 1);
        wanted->fn(wanted->waiter, STATUS_OK, &reply);
        return;
    }
    results_note_ended(ROW_ENDED_MISDIRECTED, 1);
    wanted->fn(wanted->waiter, STATUS_MISDIRECTED, NULL);
}

/* The first time all is waited for; what is taken over later is no reason to be left
 * out, as there may be nobody else. */
static void
note_ready(struct results *r)
{
    r->was_ready = r->was_ready || (results_open(r) && inbox_behind(r->inbox) == 0);
}

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Only the waits there are now: one begun by a callback has its turn later. */
static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct results *r = arg;
    struct wanted wanted;
    for (size_t left = correlate_count(&r->correlate);
         left > 0 && correlate_due(&r->correlate, now_ns, &wanted); left--) {
        end_due(r, &wanted);
    }
    metric_set(results_metric(ROW_WAITS), (int64_t)correlate_count(&r->correlate));
    int64_t next_ns = push_turn(r->push, now_ns);
    next_ns = least(next_ns, inbox_turn(r->inbox, now_ns));
    note_ready(r);
    next_ns = least(next_ns, batches_turn(r->batches, now_ns, clock_wall_us()));
    next_ns = r->peers == NULL ? next_ns : least(next_ns, peers_turn(r->peers, now_ns));
    next_ns = least(next_ns, store_turn(r->store, now_ns, clock_wall_us()));
    next_ns = least(next_ns, results_mend(r, now_ns));
    next_ns = least(next_ns, correlate_next(&r->correlate));
    return next_ns > now_ns ? next_ns : now_ns;
}

static enum status
open_store(struct results *r, const struct results_config *config, struct fault *fault)
{
    const struct store_config store = {
        .directory = config->store,
        .topic = r->topic,
        .bytes_max = config->store_bytes_max,
        .ttl_us = r->ttl_us,
        .delivered_ttl_us = config->delivered_ttl_ns / NS_PER_US,
    };
    return store_open(&r->store, &store, fault);
}

static enum status
open_push(struct results *r, const struct results_config *config, struct fault *fault)
{
    const struct push_config push = {
        .bus = &r->bus, .owner = &r->owner, .store = r->store, .results = config};
    return push_open(&r->push, r->loop, &push, fault);
}

static enum status
open_peers(struct results *r, const struct results_config *config, struct fault *fault)
{
    snprintf(r->group, sizeof r->group, "%sresults", r->bus.topics_prefix);
    if (config->advertised == NULL) {
        return STATUS_OK;
    }
    const struct peers_config peers = {
        .group = r->group, .topic = r->topic, .own = config->advertised};
    return peers_create(&r->peers, r->loop, &r->bus, &peers, fault);
}

static enum status
open_inbox(struct results *r, struct fault *fault)
{
    const struct inbox_config inbox = {
        .bus = &r->bus,
        .topic = r->topic,
        .group = r->group,
        .client_id = r->peers == NULL ? NULL : peers_own_id(r->peers),
        .ttl_us = r->ttl_us,
        .store = r->store,
        .owner = &r->owner,
        .events = {.reply = results_on_reply,
                   .leaving = on_leaving,
                   .settled = on_settled},
        .arg = r,
    };
    return inbox_create(&r->inbox, r->loop, &inbox, fault);
}

static bool
is_read(void *arg, int32_t partition)
{
    const struct results *r = arg;
    return inbox_caught_up(r->inbox, partition);
}

static enum status
open_batches(struct results *r)
{
    const struct batches_config batches = {.store = r->store,
                                           .owner = &r->owner,
                                           .ttl_us = r->ttl_us,
                                           .caught_up = is_read,
                                           .arg = r};
    return batches_create(&r->batches, &batches);
}

static void
init(struct results *r,
     struct loop *loop,
     const struct bus_config *bus,
     const struct results_config *config)
{
    r->loop = loop;
    r->bus = *bus;
    r->ttl_us = config->ttl_ns / NS_PER_US;
    owner_init(&r->owner);
    struct uuid seed_id = uuid_mint(&r->owner.random, 0);
    uint64_t seed = 0;
    memcpy(&seed, seed_id.bytes + UUID_BYTES - sizeof seed, sizeof seed);
    correlate_init(&r->correlate, (size_t)config->waits_max, seed);
    arena_init(&r->arena, ARENA_BYTES);
}

enum status
results_create(struct results **out,
               struct loop *loop,
               const struct bus_config *bus,
               const struct results_config *config,
               struct fault *fault)
{
    struct results *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for results");
    }
    init(r, loop, bus, config);
    metric_register(results_metrics, results_metric_count);
    enum status status = bus_topic_name(bus, TOPIC_REPLIES, span_of(NULL, 0), r->topic);
    if (status != STATUS_OK) {
        fault_set(fault, status, "topics.prefix gives no name that Kafka takes");
    }
    status = status == STATUS_OK ? open_store(r, config, fault) : status;
    status = status == STATUS_OK ? open_push(r, config, fault) : status;
    status = status == STATUS_OK ? open_peers(r, config, fault) : status;
    status = status == STATUS_OK ? open_inbox(r, fault) : status;
    status = status == STATUS_OK ? open_batches(r) : status;
    status = status == STATUS_OK ? loop_each_turn(loop, on_turn, r) : status;
    if (status != STATUS_OK) {
        results_destroy(&r);
        return status;
    }
    *out = r;
    return STATUS_OK;
}

void
results_destroy(struct results **results)
{
    struct results *r = *results;
    *results = NULL;
    if (r == NULL) {
        return;
    }
    loop_no_turn(r->loop, on_turn, r);
    results_note_ended(ROW_ENDED_CLOSED,
                       correlate_end(&r->correlate, STATUS_CLOSED, NULL, NULL));
    inbox_destroy(&r->inbox);
    batches_destroy(&r->batches);
    peers_destroy(&r->peers);
    push_close(&r->push);
    store_close(&r->store);
    correlate_fini(&r->correlate);
    owner_fini(&r->owner);
    arena_fini(&r->arena);
    free(r);
}

bool
results_open(const struct results *r)
{
    return r->owner.order_count > 0;
}

bool
results_ready(const struct results *r)
{
    return results_open(r) && r->was_ready;
}

void
results_describe(const struct results *r, struct buf *out)
{
    inbox_describe(r->inbox, out);
    if (store_damaged(r->store)) {
        buf_append_text(out, "store: not everything could be written; see the log\n");
    }
}

const char *
results_waiting_for(const struct results *r)
{
    if (r->owner.owned_count == 0 && !results_open(r)) {
        return "partitions of the replies topic from Kafka";
    }
    return results_ready(r) ? "" : "the replies topic to be read up to its end";
}

bool
results_webhooks_enabled(const struct results *r)
{
    return webhooks_enabled(push_webhooks(r->push));
}

enum status
results_mint(struct results *r, int64_t wall_us, struct uuid *id)
{
    return owner_mint(&r->owner, wall_us, id);
}

enum status
results_sibling(const struct results *r, const struct uuid *of, struct uuid *id)
{
    return owner_sibling(&r->owner, of, id);
}

void
results_next_partition(struct results *r)
{
    owner_next(&r->owner);
}

/* Whether the next turn can say all there is to say about an id. */
static bool
is_settled(struct results *r, const struct uuid *id)
{
    struct stored stored;
    if (results_look_up(r, id, &stored) == STATUS_OK) {
        return stored.terminal;
    }
    return r->owner.owned_count > 0 && is_foreign(r, id);
}

enum status
results_expect(struct results *r,
               const struct uuid *id,
               int64_t deadline_ns,
               results_answer_fn fn,
               void *waiter,
               struct results_wait **wait)
{
    const struct wanted wanted = {
        .id = *id,
        .deadline_ns = is_settled(r, id) ? CORRELATE_AT_ONCE : deadline_ns,
        .fn = fn,
        .waiter = waiter,
    };
    enum status status = correlate_expect(&r->correlate, &wanted, wait);
    if (status == STATUS_OK && wanted.deadline_ns == CORRELATE_AT_ONCE) {
        loop_wake(r->loop);
    }
    return status == STATUS_NO_MEMORY ? STATUS_FULL : status;
}

void
results_forget(struct results *r, struct results_wait *wait)
{
    results_note_ended(ROW_ENDED_FORGOTTEN, 1);
    correlate_forget(&r->correlate, wait);
}

static enum status
why_unknown(const struct results *r, int32_t partition)
{
    bool complete = inbox_caught_up(r->inbox, partition) && !store_damaged(r->store);
    return complete ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE;
}

enum status
results_find(struct results *r,
             const struct uuid *id,
             struct span tenant,
             struct arena *arena,
             struct reply *reply)
{
    int32_t partition = owner_partition(&r->owner, id);
    if (!owner_holds(&r->owner, partition)) {
        return r->owner.owned_count == 0 ? STATUS_UNAVAILABLE : STATUS_MISDIRECTED;
    }
    struct stored stored;
    struct reply found;
    if (results_look_up(r, id, &stored) != STATUS_OK) {
        return inbox_may_bring(r->inbox, id) ? STATUS_UNAVAILABLE
                                             : why_unknown(r, partition);
    }
    if (!stored.terminal && !inbox_caught_up(r->inbox, partition)) {
        return STATUS_UNAVAILABLE; /* its end may be among what is still to be read */
    }
    enum status status = reply_decode(stored.bytes, arena, &found, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    if (!span_equal(found.tenant, tenant)) {
        return why_unknown(r, partition);
    }
    *reply = found;
    return STATUS_OK;
}

enum status
results_owner(struct results *r,
              const struct uuid *id,
              char address[static RESULTS_ADDRESS_SIZE])
{
    int32_t partition = owner_partition(&r->owner, id);
    if (r->peers == NULL || owner_holds(&r->owner, partition)) {
        return STATUS_OK;
    }
    const char *found = peers_find(r->peers, partition);
    if (found == NULL) {
        peers_refresh(r->peers);
        return STATUS_UNAVAILABLE;
    }
    snprintf(address, RESULTS_ADDRESS_SIZE, "%s", found);
    return STATUS_MISDIRECTED;
}

/* @return false: there is no room */
static bool
add_address(const char *address,
            char (*addresses)[RESULTS_ADDRESS_SIZE],
            size_t max,
            size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(addresses[i], address) == 0) {
            return true;
        }
    }
    if (*count == max) {
        return false;
    }
    snprintf(addresses[(*count)++], RESULTS_ADDRESS_SIZE, "%s", address);
    return true;
}

enum status
results_others(struct results *r,
               char (*addresses)[RESULTS_ADDRESS_SIZE],
               size_t max,
               size_t *count)
{
    *count = 0;
    for (int32_t p = 0; r->peers != NULL && p < r->owner.partition_count; p++) {
        if (owner_holds(&r->owner, p)) {
            continue;
        }
        const char *found = peers_find(r->peers, p);
        if (found == NULL) {
            peers_refresh(r->peers);
            return STATUS_UNAVAILABLE;
        }
        if (!add_address(found, addresses, max, count)) {
            return STATUS_FULL;
        }
    }
    return STATUS_OK;
}

void
results_owner_failed(struct results *r)
{
    peers_refresh(r->peers);
}

struct push *
results_push(struct results *r)
{
    return r->push;
}

struct batches *
results_batches(struct results *r)
{
    return r->batches;
}
