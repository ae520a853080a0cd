/* SPDX-License-Identifier: Apache-2.0 */
/* Without a limit everything that wants to be loaded is, at once. */
#include "batcher/models_memory.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/metrics.h"
#include "batcher/resident.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_NS (50 * NS_PER_MS)

/** All but one, which may be NULL, as a memory sees them; to be freed. */
static struct resident *
residents(const struct models *ms, const char *where, const struct model *but)
{
    struct resident *all = calloc(ms->count + 1, sizeof *all);
    for (size_t i = 0; i < ms->count && all != NULL; i++) {
        all[i] = model_resident(ms->items[i], where);
        all[i].loaded = all[i].loaded && ms->items[i] != but;
    }
    return all;
}

static int64_t
memory_used(const struct models *ms, const char *where)
{
    struct resident *all = residents(ms, where, NULL);
    int64_t bytes = all == NULL ? 0 : residents_memory(all, ms->count);
    free(all);
    return bytes;
}

/** 0 = no limit. */
static int64_t
memory_max(const struct models *ms, const char *where)
{
    const struct batcher_config *config = ms->context.config;
    return strcmp(where, RESIDENT_HOST) == 0 ? config->models_memory_max
                                             : config->models_device_memory_max;
}

static bool
is_anything_changing(const struct models *ms)
{
    for (size_t i = 0; i < ms->count; i++) {
        if (model_is_changing(ms->items[i])) {
            return true;
        }
    }
    return false;
}

/** Has the one go whose turn it is to make room for m. @return false: nobody's, now */
static bool
make_room(struct models *ms, const struct model *m, const char *where, int64_t now_ns)
{
    struct resident *all = residents(ms, where, m);
    if (all == NULL) {
        return false;
    }
    int64_t since_ns = m == NULL ? now_ns : model_wanting_since(m);
    size_t victim = residents_choose(all, ms->count, since_ns, now_ns);
    free(all);
    if (victim == ms->count) {
        return false;
    }
    metric_add(&batcher_metrics[METRIC_EVICTIONS], 1);
    model_evict(ms->items[victim], where);
    return true;
}

/** Loads one of it without regard to memory. */
static void
load(struct models *ms, struct model *m, struct version *v, bool room)
{
    bool beside = room && strcmp(ms->context.config->models_swap, "beside") == 0;
    if (model_load(m, v, beside)) {
        metric_add(&batcher_metrics[METRIC_LOADS], 1);
    }
}

/* A line for each memory. Whoever is stuck at its head is waited for by those behind it
 * who need the same device, and by nobody else. */

enum { STUCK_MAX = 16 };

struct stuck {
    const char *devices[STUCK_MAX];
    size_t count;
};

static bool
is_behind(const struct stuck *stuck, const struct version *v)
{
    const char *device = version_device(v);
    for (size_t i = 0; i < stuck->count && device != NULL; i++) {
        if (strcmp(stuck->devices[i], device) == 0) {
            return true;
        }
    }
    return false;
}

/** The one that has waited longest, of those that are asked for if there are any. */
static struct model *
next_in_line(const struct models *ms, const struct stuck *stuck)
{
    struct model *best = NULL;
    for (size_t i = 0; i < ms->count; i++) {
        struct model *m = ms->items[i];
        const struct version *v = model_wants(m);
        if (model_wanting_since(m) == 0 || v == NULL || is_behind(stuck, v)) {
            continue;
        }
        bool better = best == NULL || (model_insists(m) && !model_insists(best)) ||
                      (model_insists(m) == model_insists(best) &&
                       model_wanting_since(m) < model_wanting_since(best));
        best = better ? m : best;
    }
    return best;
}

/** The memory that does not hold it beside what is there, or NULL. */
static const char *
shortage(const struct models *ms, const struct version *v)
{
    const char *const where[] = {RESIDENT_HOST, version_device(v)};
    for (size_t i = 0; i < 2 && where[i] != NULL; i++) {
        int64_t most = memory_max(ms, where[i]);
        if (most > 0 &&
            version_memory(v, where[i]) + memory_used(ms, where[i]) > most) {
            return where[i];
        }
    }
    return NULL;
}

/** One step for a version whose load found no memory on its device. @return the memory
 * in which it is stuck; NULL = something is done */
static const char *
feed(struct models *ms, struct model *m, struct version *v, int64_t now_ns)
{
    const char *device = version_device(v);
    int64_t own = model_resident(m, device).memory_bytes;
    bool alone = memory_used(ms, device) == own;
    bool insists = model_insists(m);
    if (alone && own == 0 && v->had_device) {
        version_give_up(v);
        return NULL;
    }
    if (alone && own == 0) {
        v->had_device = true;
        v->room_made = true;
        return NULL;
    }
    if (!insists && own == 0 && v->starvings > 1) {
        model_wait_for_demand(m);
        return NULL;
    }
    if (alone) {
        v->room_made = true;
        load(ms, m, v, false); /* the old one goes first */
        return NULL;
    }
    /* What others loaded at the same time may have been in its way only for a while. */
    v->room_made = (!insists && v->starvings == 1) || make_room(ms, m, device, now_ns);
    return v->room_made ? NULL : device;
}

/** For runners that died and whose place others have taken since. */
static void
feed_the_restarted(struct models *ms, int64_t now_ns)
{
    for (size_t i = 0; i < ms->count; i++) {
        struct version *v = model_starving(ms->items[i]);
        if (v != NULL && make_room(ms, ms->items[i], version_device(v), now_ns)) {
            version_sate(v);
        }
    }
}

/** One step towards having m loaded. @return as feed() */
static const char *
load_within(struct models *ms, struct model *m, int64_t now_ns)
{
    struct version *v = model_wants(m);
    if (v->starved && !v->room_made) {
        return feed(ms, m, v, now_ns);
    }
    const char *where = shortage(ms, v);
    if (where == NULL) {
        load(ms, m, v, true);
    } else if (!model_insists(m) &&
               model_resident(m, RESIDENT_HOST).memory_bytes == 0) {
        model_wait_for_demand(m);
    } else if (memory_used(ms, where) == model_resident(m, where).memory_bytes) {
        /* Nobody else is there. What is too large for the limit alone is loaded all the
         * same: a model that cannot be had at all helps nobody. */
        load(ms, m, v, false);
    } else if (!make_room(ms, m, where, now_ns)) {
        return where;
    }
    return NULL;
}

/** @return false: nobody wants anything */
static bool
load_the_next(struct models *ms, int64_t now_ns)
{
    struct stuck stuck = {.count = 0};
    struct model *m = next_in_line(ms, &stuck);
    bool wanting = m != NULL;
    while (m != NULL) {
        const char *where = load_within(ms, m, now_ns);
        if (where == NULL || strcmp(where, RESIDENT_HOST) == 0 ||
            stuck.count == STUCK_MAX) {
            return true;
        }
        stuck.devices[stuck.count++] = where;
        m = next_in_line(ms, &stuck);
    }
    return wanting;
}

/** A memory may turn out to hold more than it should when all is measured. */
static bool
relieve(struct models *ms, const char *where, int64_t now_ns)
{
    int64_t most = memory_max(ms, where);
    struct resident *all = most == 0 ? NULL : residents(ms, where, NULL);
    bool over = all != NULL && residents_memory(all, ms->count) > most &&
                residents_count(all, ms->count) > 1;
    free(all);
    if (over) {
        make_room(ms, NULL, where, now_ns);
    }
    return over;
}

static bool
relieve_any(struct models *ms, int64_t now_ns)
{
    bool over = relieve(ms, RESIDENT_HOST, now_ns);
    for (const struct device *d = ms->context.devices->first; d != NULL && !over;
         d = d->next) {
        over = relieve(ms, d->name, now_ns);
    }
    return over;
}

static bool
load_without_limit(struct models *ms)
{
    bool wanting = false;
    for (size_t i = 0; i < ms->count; i++) {
        struct version *v = model_wants(ms->items[i]);
        while (v != NULL) {
            load(ms, ms->items[i], v, true);
            struct version *next = model_wants(ms->items[i]);
            wanting = wanting || next == v;
            v = next == v ? NULL : next;
        }
    }
    return wanting;
}

static bool
is_anything_starved(const struct models *ms)
{
    for (size_t i = 0; i < ms->count; i++) {
        const struct version *v = model_wants(ms->items[i]);
        if (v != NULL && v->starved) {
            return true;
        }
    }
    return false;
}

int64_t
models_load_next(struct models *ms, int64_t now_ns)
{
    const struct batcher_config *config = ms->context.config;
    bool limited =
        config->models_memory_max > 0 || config->models_device_memory_max > 0;
    if (ms->draining) {
        return TIME_NEVER;
    }
    feed_the_restarted(ms, now_ns);
    if (!limited && !is_anything_starved(ms)) {
        return load_without_limit(ms) ? now_ns + RETRY_NS : TIME_NEVER;
    }
    if (is_anything_changing(ms)) {
        return now_ns + RETRY_NS;
    }
    bool more = load_the_next(ms, now_ns) || relieve_any(ms, now_ns);
    return more ? now_ns + RETRY_NS : TIME_NEVER;
}
