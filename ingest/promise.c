/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each stands in the list of its model, which is in order of time, and in the chain of
 * its bucket, whose oldest is first: the same request of many callers finds the one
 * that is due longest.
 */
#include "ingest/promise.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Retry-After is in whole seconds, so nobody comes early and most come late. */
#define LATE_NS (2 * NS_PER_S)
#define NEAR_NS NS_PER_S

struct promise {
    struct promise *next; /* of the model */
    struct promise *previous;
    struct promise *chain_next; /* of the bucket */
    struct promise *chain_previous;
    struct uuid key;
    size_t model;
    int64_t due_ns;
    bool is_near; /* counted as such */
};

static struct promise **
bucket_of(struct promises *p, const struct uuid *key)
{
    uint32_t at = 0;
    memcpy(&at, key->bytes, sizeof(at));
    return &p->buckets[at % PROMISE_BUCKETS];
}

static void
chain_append(struct promise **bucket, struct promise *made)
{
    if (*bucket == NULL) {
        *bucket = made;
        made->chain_previous = made; /* the first one's is the last */
        return;
    }
    struct promise *last = (*bucket)->chain_previous;
    last->chain_next = made;
    made->chain_previous = last;
    (*bucket)->chain_previous = made;
}

static void
chain_remove(struct promise **bucket, struct promise *gone)
{
    if (gone->chain_next != NULL) {
        gone->chain_next->chain_previous = gone->chain_previous;
    } else {
        (*bucket)->chain_previous = gone->chain_previous;
    }
    if (*bucket == gone) {
        *bucket = gone->chain_next;
    } else {
        gone->chain_previous->chain_next = gone->chain_next;
    }
}

static void
promise_end(struct promises *p, struct promise *gone)
{
    struct promise_line *line = &p->lines[gone->model];
    line->near -= gone->is_near ? 1 : 0;
    if (line->edge == gone) {
        line->edge = gone->next;
    }
    if (gone->previous == NULL) {
        line->first = gone->next;
    } else {
        gone->previous->next = gone->next;
    }
    if (gone->next == NULL) {
        line->last = gone->previous;
    } else {
        gone->next->previous = gone->previous;
    }
    chain_remove(bucket_of(p, &gone->key), gone);
    p->count--;
    free(gone);
}

void
promises_fini(struct promises *p)
{
    for (size_t i = 0; i < CATALOGUE_MODELS_MAX; i++) {
        while (p->lines[i].first != NULL) {
            promise_end(p, p->lines[i].first);
        }
    }
}

int64_t
promises_near(struct promises *p, size_t model, int64_t now_ns)
{
    struct promise_line *line = &p->lines[model];
    while (line->first != NULL && line->first->due_ns + LATE_NS < now_ns) {
        promise_end(p, line->first);
    }
    while (line->edge != NULL && line->edge->due_ns <= now_ns + NEAR_NS) {
        line->edge->is_near = true;
        line->near++;
        line->edge = line->edge->next;
    }
    return line->near;
}

void
promises_make(struct promises *p, size_t model, const struct uuid *key, int64_t due_ns)
{
    struct promise *made = p->count == PROMISES_MAX ? NULL : calloc(1, sizeof(*made));
    if (made == NULL) {
        return;
    }
    struct promise_line *line = &p->lines[model];
    *made = (struct promise){
        .previous = line->last, .key = *key, .model = model, .due_ns = due_ns};
    if (line->last == NULL) {
        line->first = made;
    } else {
        line->last->next = made;
    }
    line->last = made;
    line->edge = line->edge == NULL ? made : line->edge;
    chain_append(bucket_of(p, key), made);
    p->count++;
}

bool
promises_claim(struct promises *p, size_t model, const struct uuid *key, int64_t now_ns)
{
    struct promise *found = *bucket_of(p, key);
    while (found != NULL && (found->model != model || !uuid_equal(&found->key, key))) {
        found = found->chain_next;
    }
    if (found == NULL || found->due_ns > now_ns) {
        return false;
    }
    promise_end(p, found);
    return true;
}
