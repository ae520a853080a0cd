/* SPDX-License-Identifier: Apache-2.0 */
/* One map over the ids of all sets, for a job is looked up far more often than a set
 * changes; its values are the sets, so that a set takes out only what is still its own.
 */
#include "ingest/running_jobs.h"

#include "base/arena.h"
#include "base/map.h"
#include "schemas/codec.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD_BYTES_MAX = 256 * 1024, US_PER_S = 1000000 };

#define HEARD_WITHIN_US (15LL * US_PER_S)
/* The end of a job comes by another topic than the word that it does not run any more,
 * and may be read after that. */
#define GRACE_US (3LL * US_PER_S)

static const char key_prefix[] = "running:";

/** What one batcher said of one model. */
struct running_set {
    int64_t ends_us; /* wall: when it is not believed any more */
    struct span key; /* stands behind the ids; size 0: another one took its place */
    size_t count;
    struct uuid ids[];
};

struct running_jobs {
    struct map by_id;
    struct running_set *sets[RUNNING_SETS_MAX];
    size_t set_count;
    uint64_t changes;
};

enum status
running_jobs_create(struct running_jobs **out, uint64_t seed)
{
    *out = calloc(1, sizeof(**out));
    if (*out == NULL) {
        return STATUS_NO_MEMORY;
    }
    map_init(&(*out)->by_id, RUNNING_JOBS_MAX, seed);
    return STATUS_OK;
}

void
running_jobs_destroy(struct running_jobs **jobs)
{
    struct running_jobs *j = *jobs;
    *jobs = NULL;
    if (j == NULL) {
        return;
    }
    for (size_t i = 0; i < j->set_count; i++) {
        free(j->sets[i]);
    }
    map_fini(&j->by_id);
    free(j);
}

bool
running_jobs_is_key(struct span key)
{
    return key.size >= sizeof(key_prefix) - 1 &&
           memcmp(key.data, key_prefix, sizeof(key_prefix) - 1) == 0;
}

static void
set_remove(struct running_jobs *j, size_t at)
{
    struct running_set *set = j->sets[at];
    for (size_t i = 0; i < set->count; i++) {
        if (map_find(&j->by_id, &set->ids[i]) == set) {
            map_remove(&j->by_id, &set->ids[i]);
        }
    }
    j->sets[at] = j->sets[--j->set_count];
    j->changes++;
    free(set);
}

/* @param[in] now_us 0: nobody was told of it */
static void
key_forget(struct running_jobs *j, struct span key, int64_t now_us)
{
    size_t i = 0;
    while (i < j->set_count && !span_equal(j->sets[i]->key, key)) {
        i++;
    }
    if (i == j->set_count) {
        return;
    }
    if (now_us == 0 || j->set_count == RUNNING_SETS_MAX) {
        set_remove(j, i);
        return;
    }
    struct running_set *set = j->sets[i];
    set->key = (struct span){0};
    set->ends_us = now_us + GRACE_US < set->ends_us ? now_us + GRACE_US : set->ends_us;
}

static struct running_set *
set_create(struct span key, const struct running *said, int64_t heard_us)
{
    size_t ids_size = said->id_count * sizeof(struct uuid);
    struct running_set *set = malloc(sizeof(*set) + ids_size + key.size);
    if (set == NULL) {
        return NULL;
    }
    int64_t from_us = heard_us != 0 ? heard_us : said->published_us;
    set->ends_us =
        from_us < INT64_MAX - HEARD_WITHIN_US ? from_us + HEARD_WITHIN_US : INT64_MAX;
    set->count = said->id_count;
    if (ids_size > 0) {
        memcpy(set->ids, said->ids, ids_size);
    }
    uint8_t *own_key = (uint8_t *)set->ids + ids_size;
    memcpy(own_key, key.data, key.size);
    set->key = span_of(own_key, key.size);
    return set;
}

/* A set that is not in the map whole stays: what is in it leaves with it. */
static enum status
set_add(struct running_jobs *j, struct running_set *set)
{
    if (j->set_count == RUNNING_SETS_MAX) {
        free(set);
        return STATUS_FULL;
    }
    j->sets[j->set_count++] = set;
    j->changes++;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < set->count && status == STATUS_OK; i++) {
        map_remove(&j->by_id, &set->ids[i]);
        status = map_insert(&j->by_id, &set->ids[i], set);
    }
    return status;
}

enum status
running_jobs_apply(struct running_jobs *jobs,
                   struct span key,
                   struct span value,
                   int64_t heard_us,
                   struct fault *fault)
{
    if (value.size == 0) {
        key_forget(jobs, key, heard_us);
        return STATUS_OK;
    }
    struct arena arena;
    struct running said;
    arena_init(&arena, RECORD_BYTES_MAX);
    enum status status = running_decode(value, &arena, &said, fault);
    if (status == STATUS_OK) {
        struct running_set *set = set_create(key, &said, heard_us);
        key_forget(jobs, key, heard_us);
        status = set == NULL ? STATUS_NO_MEMORY : set_add(jobs, set);
        if (status != STATUS_OK) {
            fault_set(fault, status, "no room for all that runs");
        }
    }
    arena_fini(&arena);
    return status;
}

static bool
is_believed(const struct running_set *set, int64_t now_us)
{
    return now_us <= set->ends_us;
}

bool
running_jobs_has(const struct running_jobs *jobs, const struct uuid *id, int64_t now_us)
{
    if (jobs->set_count == 0) {
        return false;
    }
    const struct running_set *set = map_find(&jobs->by_id, id);
    return set != NULL && is_believed(set, now_us);
}

bool
running_jobs_expire(struct running_jobs *jobs, int64_t now_us)
{
    for (size_t i = jobs->set_count; i > 0; i--) {
        if (!is_believed(jobs->sets[i - 1], now_us)) {
            set_remove(jobs, i - 1);
        }
    }
    return jobs->set_count > 0;
}

uint64_t
running_jobs_changes(const struct running_jobs *jobs)
{
    return jobs->changes;
}
