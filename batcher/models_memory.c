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

/** All but one, which may be NULL; to be freed. */
static struct resident *
residents(const struct models *ms, const struct model *but)
{
    struct resident *all = calloc(ms->count + 1, sizeof *all);
    for (size_t i = 0; i < ms->count && all != NULL; i++) {
        all[i] = model_resident(ms->items[i]);
        all[i].loaded = all[i].loaded && ms->items[i] != but;
    }
    return all;
}

int64_t
models_memory(const struct models *ms)
{
    struct resident *all = residents(ms, NULL);
    int64_t bytes = all == NULL ? 0 : residents_memory(all, ms->count);
    free(all);
    return bytes;
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

static size_t
count_open(const struct models *ms)
{
    size_t count = 0;
    for (size_t i = 0; i < ms->count; i++) {
        count += model_resident(ms->items[i]).loaded ? 1 : 0;
    }
    return count;
}

/** Has the one go whose turn it is to make room for m. */
static void
make_room(struct models *ms, const struct model *m, int64_t now_ns)
{
    struct resident *all = residents(ms, m);
    if (all == NULL) {
        return;
    }
    int64_t since_ns = m == NULL ? now_ns : model_wanting_since(m);
    size_t victim = residents_choose(all, ms->count, since_ns, now_ns);
    if (victim < ms->count) {
        metric_add(&batcher_metrics[METRIC_EVICTIONS], 1);
        model_evict(ms->items[victim]);
    }
    free(all);
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

/** The one that has waited longest, of those that are asked for if there are any. */
static struct model *
next_in_line(const struct models *ms)
{
    struct model *best = NULL;
    for (size_t i = 0; i < ms->count; i++) {
        struct model *m = ms->items[i];
        if (model_wanting_since(m) == 0 || model_wants(m) == NULL) {
            continue;
        }
        bool better = best == NULL || (model_insists(m) && !model_insists(best)) ||
                      (model_insists(m) == model_insists(best) &&
                       model_wanting_since(m) < model_wanting_since(best));
        best = better ? m : best;
    }
    return best;
}

/** One step towards having m loaded. */
static void
load_within(struct models *ms, struct model *m, int64_t most, int64_t now_ns)
{
    struct version *v = model_wants(m);
    int64_t used = models_memory(ms);
    int64_t own = model_resident(m).memory_bytes;
    if (v->memory_bytes + used <= most) {
        load(ms, m, v, true);
    } else if (!model_insists(m) && own == 0) {
        model_wait_for_demand(m);
    } else if (used == own) {
        /* Nobody else is there. What is too large for the limit alone is loaded all the
         * same: a model that cannot be had at all helps nobody. */
        load(ms, m, v, false);
    } else {
        make_room(ms, m, now_ns);
    }
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

int64_t
models_load_next(struct models *ms, int64_t now_ns)
{
    int64_t most = ms->context.config->models_memory_max;
    if (ms->draining) {
        return TIME_NEVER;
    }
    if (most == 0) {
        return load_without_limit(ms) ? now_ns + RETRY_NS : TIME_NEVER;
    }
    if (is_anything_changing(ms)) {
        return now_ns + RETRY_NS;
    }
    struct model *m = next_in_line(ms);
    if (m != NULL) {
        load_within(ms, m, most, now_ns);
        return now_ns + RETRY_NS;
    }
    if (models_memory(ms) > most && count_open(ms) > 1) {
        make_room(ms, NULL, now_ns);
        return now_ns + RETRY_NS;
    }
    return TIME_NEVER;
}
