/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring behind a mutex. The eventfd is written when the ring stops being empty and
 * read when it becomes empty, both under the lock, so its state is the ring's.
 */
#include "base/queue.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled; /* on the monotonic clock */
    void **items;          /* lock */
    size_t limit;
    size_t first; /* lock */
    size_t count; /* lock */
    int event;
};

static void
queue_init_locks(struct queue *q)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum status
queue_create(struct queue **out, size_t limit)
{
    struct queue *q = calloc(1, sizeof(*q));
    if (q == NULL) {
        return STATUS_NO_MEMORY;
    }
    queue_init_locks(q);
    q->limit = limit;
    q->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    q->items = calloc(limit, sizeof(void *));
    if (q->event < 0 || q->items == NULL) {
        enum status status = q->items == NULL ? STATUS_NO_MEMORY : STATUS_IO;
        queue_destroy(&q);
        return status;
    }
    *out = q;
    return STATUS_OK;
}

void
queue_destroy(struct queue **queue)
{
    struct queue *q = *queue;
    *queue = NULL;
    if (q == NULL) {
        return;
    }
    if (q->event >= 0) {
        close(q->event);
    }
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
}

static void
event_set(struct queue *q)
{
    uint64_t one = 1;
    ssize_t n = write(q->event, &one, sizeof(one));
    (void)n; /* cannot fail: the counter is 0 or 1 */
}

static void
event_clear(struct queue *q)
{
    uint64_t count = 0;
    ssize_t n = read(q->event, &count, sizeof(count));
    (void)n; /* cannot fail: the counter is 1 */
}

enum status
queue_give(struct queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    bool full = queue->count == queue->limit;
    if (!full) {
        queue->items[(queue->first + queue->count) % queue->limit] = item;
        if (queue->count++ == 0) {
            event_set(queue);
            pthread_cond_signal(&queue->filled);
        }
    }
    pthread_mutex_unlock(&queue->lock);
    return full ? STATUS_FULL : STATUS_OK;
}

/* Lock held. */
static void *
take_locked(struct queue *q)
{
    if (q->count == 0) {
        return NULL;
    }
    void *item = q->items[q->first];
    q->first = (q->first + 1) % q->limit;
    if (--q->count == 0) {
        event_clear(q);
    } else {
        pthread_cond_signal(&q->filled);
    }
    return item;
}

void *
queue_take(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    void *item = take_locked(queue);
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void *
queue_wait(struct queue *queue, int64_t timeout_ns)
{
    int64_t end_ns = clock_mono_ns() + timeout_ns;
    struct timespec end = {.tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S};
    pthread_mutex_lock(&queue->lock);
    void *item = take_locked(queue);
    int waited = 0;
    while (item == NULL && waited == 0) {
        waited = pthread_cond_timedwait(&queue->filled, &queue->lock, &end);
        item = take_locked(queue);
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

int
queue_fd(const struct queue *queue)
{
    return queue->event;
}
