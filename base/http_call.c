/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller: a thread with a curl multi handle. The loop's thread puts calls on a
 * locked list and wakes it; finished calls come back through a queue whose descriptor
 * the loop watches. A call is owned by the loop's thread until it is on the list, by
 * the caller's thread until it is in the queue, and by the loop's thread again.
 */
#include "base/http_call.h"

#include "base/http_call_transfer.h"
#include "base/queue.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { POLL_MS = 60000 };

struct pending_call {
    struct pending_call *previous; /* on the list of calls under way */
    struct pending_call *next;     /* on either list */
    struct http_transfer transfer;
    struct buf body;
    struct http_answer answer;
    http_answer_fn fn;
    void *arg;
};

struct http_caller {
    struct loop *loop;
    struct queue *finished;
    CURLM *multi;
    pthread_t thread;
    size_t parallel_max;
    size_t parallel; /* begun and not delivered; the loop's thread */
    pthread_mutex_t lock;
    struct pending_call *submitted; /* lock; newest first */
    bool stopping;                  /* lock */
    struct pending_call *under_way; /* the caller's thread */
};

static void
call_free(struct pending_call *call)
{
    http_transfer_fini(&call->transfer);
    buf_fini(&call->body);
    free(call);
}

static void
call_finish(struct http_caller *caller, struct pending_call *call)
{
    enum status status = queue_give(caller->finished, call);
    (void)status; /* holds parallel_max, and no more than that are begun */
}

static void
call_begin(struct http_caller *caller, struct pending_call *call)
{
    if (curl_multi_add_handle(caller->multi, call->transfer.curl) != CURLM_OK) {
        call->answer =
            (struct http_answer){.status = STATUS_NO_MEMORY, .retry_after_s = -1};
        call_finish(caller, call);
        return;
    }
    call->previous = NULL;
    call->next = caller->under_way;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    caller->under_way = call;
}

static void
call_leave(struct http_caller *caller, struct pending_call *call)
{
    if (call->previous == NULL) {
        caller->under_way = call->next;
    } else {
        call->previous->next = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    curl_multi_remove_handle(caller->multi, call->transfer.curl);
}

/* The calls submitted since the last time, oldest first. */
static struct pending_call *
submitted_take(struct http_caller *caller, bool *stopping)
{
    pthread_mutex_lock(&caller->lock);
    struct pending_call *newest = caller->submitted;
    caller->submitted = NULL;
    *stopping = caller->stopping;
    pthread_mutex_unlock(&caller->lock);
    struct pending_call *oldest = NULL;
    while (newest != NULL) {
        struct pending_call *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

static void
finished_collect(struct http_caller *caller)
{
    CURLMsg *message = NULL;
    int left = 0;
    while ((message = curl_multi_info_read(caller->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct pending_call *call =
            (void *)(private - offsetof(struct pending_call, transfer));
        http_transfer_read(&call->transfer, result, &call->answer);
        call_leave(caller, call);
        call_finish(caller, call);
    }
}

static void *
caller_run(void *arg)
{
    struct http_caller *caller = arg;
    bool stopping = false;
    while (!stopping) {
        struct pending_call *call = submitted_take(caller, &stopping);
        while (call != NULL) {
            struct pending_call *next = call->next;
            call_begin(caller, call);
            call = next;
        }
        int running = 0;
        curl_multi_perform(caller->multi, &running);
        finished_collect(caller);
        if (!stopping) {
            curl_multi_poll(caller->multi, NULL, 0, POLL_MS, NULL);
        }
    }
    while (caller->under_way != NULL) {
        struct pending_call *call = caller->under_way;
        call->answer =
            (struct http_answer){.status = STATUS_CLOSED, .retry_after_s = -1};
        call_leave(caller, call);
        call_finish(caller, call);
    }
    return NULL;
}

static void
deliver(void *arg, uint32_t events)
{
    struct http_caller *caller = arg;
    (void)events;
    /* As many as there are now: an answer may begin the next call. */
    for (size_t left = caller->parallel; left > 0; left--) {
        struct pending_call *call = queue_take(caller->finished);
        if (call == NULL) {
            return;
        }
        caller->parallel--;
        call->fn(call->arg, &call->answer);
        call_free(call);
    }
}

/* Signals are the business of the main thread. */
static enum status
thread_start(struct http_caller *caller)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&caller->thread, NULL, caller_run, caller);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

static void
caller_free(struct http_caller *caller)
{
    if (caller->multi != NULL) {
        curl_multi_cleanup(caller->multi);
    }
    queue_destroy(&caller->finished);
    pthread_mutex_destroy(&caller->lock);
    free(caller);
}

enum status
http_caller_create(struct http_caller **out, struct loop *loop, size_t parallel_max)
{
    struct http_caller *caller = calloc(1, sizeof(*caller));
    if (caller == NULL) {
        return STATUS_NO_MEMORY;
    }
    caller->loop = loop;
    caller->parallel_max = parallel_max;
    pthread_mutex_init(&caller->lock, NULL);
    http_transfer_setup();
    caller->multi = curl_multi_init();
    enum status status = caller->multi == NULL
                             ? STATUS_NO_MEMORY
                             : queue_create(&caller->finished, parallel_max);
    if (status == STATUS_OK) {
        status = loop_watch(loop, queue_fd(caller->finished), EPOLLIN, deliver, caller);
    }
    if (status != STATUS_OK) {
        caller_free(caller);
        return status;
    }
    status = thread_start(caller);
    if (status != STATUS_OK) {
        loop_unwatch(loop, queue_fd(caller->finished));
        caller_free(caller);
        return status;
    }
    *out = caller;
    return STATUS_OK;
}

void
http_caller_destroy(struct http_caller **caller)
{
    struct http_caller *c = *caller;
    *caller = NULL;
    if (c == NULL) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_mutex_unlock(&c->lock);
    curl_multi_wakeup(c->multi);
    pthread_join(c->thread, NULL);
    loop_unwatch(c->loop, queue_fd(c->finished));
    deliver(c, EPOLLIN);
    caller_free(c);
}

enum status
http_call_start(struct http_caller *caller,
                const struct http_call *call,
                http_answer_fn fn,
                void *arg)
{
    if (caller->parallel == caller->parallel_max) {
        return STATUS_FULL;
    }
    struct pending_call *pending = calloc(1, sizeof(*pending));
    if (pending == NULL) {
        return STATUS_NO_MEMORY;
    }
    pending->fn = fn;
    pending->arg = arg;
    buf_init(&pending->body, call->answer_limit);
    enum status status = http_transfer_init(&pending->transfer, call, &pending->body);
    caller->parallel++;
    if (status != STATUS_OK) {
        pending->answer = (struct http_answer){.status = status, .retry_after_s = -1};
        call_finish(caller, pending);
        return STATUS_OK;
    }
    pthread_mutex_lock(&caller->lock);
    pending->next = caller->submitted;
    caller->submitted = pending;
    pthread_mutex_unlock(&caller->lock);
    curl_multi_wakeup(caller->multi);
    return STATUS_OK;
}

void
http_call_wait(const struct http_call *call,
               struct buf *body,
               struct http_answer *answer)
{
    struct http_transfer t;
    enum status status = http_transfer_init(&t, call, body);
    if (status != STATUS_OK) {
        *answer = (struct http_answer){.status = status, .retry_after_s = -1};
        return;
    }
    /* Without NOSIGNAL libcurl keeps a closed TLS connection from ending the program by
     * SIGPIPE. */
    curl_easy_setopt(t.curl, CURLOPT_NOSIGNAL, 0L);
    CURLcode result = curl_easy_perform(t.curl);
    http_transfer_read(&t, result, answer);
    answer->head = NULL;
    http_transfer_fini(&t);
}
