/* SPDX-License-Identifier: Apache-2.0 */
/* The pool and the lists by state. Nothing here answers anybody. */
#include "ingest/submission.h"

#include "ingest/service.h"

#include <assert.h>
#include <stdlib.h>

enum { SPARE_BUF_BYTES_MAX = 64 * 1024 };

void
submission_pool_init(struct submission_pool *pool, size_t limit, uint64_t seed)
{
    *pool = (struct submission_pool){.limit = limit};
    map_init(&pool->by_id, limit, seed);
}

static void
list_append(struct submission_list *list, struct submission *s)
{
    s->next = NULL;
    s->previous = list->last;
    if (list->last == NULL) {
        list->first = s;
    } else {
        list->last->next = s;
    }
    list->last = s;
}

static void
list_remove(struct submission_list *list, struct submission *s)
{
    if (s->previous == NULL) {
        list->first = s->next;
    } else {
        s->previous->next = s->next;
    }
    if (s->next == NULL) {
        list->last = s->previous;
    } else {
        s->next->previous = s->previous;
    }
}

void
submission_pool_fini(struct submission_pool *pool)
{
    struct submission *s = pool->lists[SUBMISSION_SPARE].first;
    while (s != NULL) {
        struct submission *next = s->next;
        free(s);
        pool->count--;
        s = next;
    }
    pool->lists[SUBMISSION_SPARE] = (struct submission_list){0};
    assert(pool->count == 0);
    while (pool->buf_count > 0) {
        buf_fini(&pool->bufs[--pool->buf_count]);
    }
    map_fini(&pool->by_id);
}

struct buf
buf_borrow(struct submission_pool *pool, size_t limit)
{
    struct buf b;
    if (pool->buf_count == 0) {
        buf_init(&b, limit);
        return b;
    }
    b = pool->bufs[--pool->buf_count];
    b.limit = limit;
    return b;
}

void
buf_return(struct submission_pool *pool, struct buf *b)
{
    bool keep = b->data != NULL && b->capacity <= SPARE_BUF_BYTES_MAX &&
                pool->buf_count < SPARE_BUFS;
    if (!keep) {
        buf_fini(b);
        return;
    }
    buf_reset(b);
    pool->bufs[pool->buf_count++] = *b;
    *b = (struct buf){0};
}

static void
submission_release(struct submission *s)
{
    struct submission_pool *pool = &s->ingest->submissions;
    map_remove(&pool->by_id, &s->id);
    buf_return(pool, &s->record);
    buf_return(pool, &s->queued);
    free(s->answer_memory);
    s->answer_memory = NULL;
    submission_move(s, SUBMISSION_SPARE);
}

/* Makes room by forgetting the answered submission that was kept longest. */
static bool
oldest_kept_drop(struct ingest *ingest)
{
    struct submission *s = ingest->submissions.lists[SUBMISSION_KEPT].first;
    if (s == NULL || s->lent > 0) {
        return false;
    }
    if (s->wait != NULL) {
        results_forget(ingest->results, s->wait);
        s->wait = NULL;
    }
    submission_settle(s);
    return true;
}

static struct submission *
spare_take(struct ingest *ingest)
{
    struct submission_pool *pool = &ingest->submissions;
    struct submission_list *spare = &pool->lists[SUBMISSION_SPARE];
    bool full = spare->first == NULL && pool->count == pool->limit;
    if (full && !oldest_kept_drop(ingest)) {
        return NULL;
    }
    struct submission *s = spare->first;
    if (s != NULL) {
        list_remove(spare, s);
        *s = (struct submission){0};
        return s;
    }
    s = calloc(1, sizeof(*s));
    pool->count += s == NULL ? 0 : 1;
    return s;
}

enum status
submission_take(struct ingest *ingest,
                const struct uuid *id,
                const struct tenant *tenant,
                struct submission **out)
{
    struct submission *s = spare_take(ingest);
    if (s == NULL) {
        return STATUS_FULL;
    }
    s->ingest = ingest;
    s->id = *id;
    s->tenant = tenant;
    s->state = SUBMISSION_UNSTORED;
    list_append(&ingest->submissions.lists[s->state], s);
    enum status status = map_insert(&ingest->submissions.by_id, id, s);
    if (status != STATUS_OK) {
        submission_move(s, SUBMISSION_SPARE);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

struct submission *
submission_find(const struct submission_pool *pool,
                const struct uuid *id,
                const struct tenant *tenant)
{
    struct submission *s = map_find(&pool->by_id, id);
    return s == NULL || s->tenant != tenant ? NULL : s;
}

void
submission_move(struct submission *s, enum submission_state state)
{
    struct submission_list *lists = s->ingest->submissions.lists;
    list_remove(&lists[s->state], s);
    s->state = state;
    list_append(&lists[state], s);
}

void
submission_settle(struct submission *s)
{
    struct ingest *ingest = s->ingest;
    if (s->lent == 0) {
        buf_return(&ingest->submissions, &s->record);
        buf_return(&ingest->submissions, &s->queued);
    }
    /* The in-process broker drops what nobody has read beyond its limit, so there a
     * request counts until its reply is seen. */
    bool counts = s->x != NULL || s->lent > 0 || (ingest->bus->dev && s->wait != NULL);
    if (!counts && s->charged_bytes > 0) {
        admission_give(&ingest->admission, s->tenant, s->charged_bytes,
                       loop_now(ingest->loop));
        s->charged_bytes = 0;
    }
    if (s->x == NULL && s->lent == 0 && s->wait == NULL && s->away == NULL) {
        submission_release(s);
    }
}
