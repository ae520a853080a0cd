/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call at a time travels to the thread and back by two queues; while it does, the
 * call belongs to the thread and the loop leaves the transaction alone. The thread
 * makes the calls of transaction_call.c and nothing else: reports come to the loop as
 * ever.
 */
#include "bus/transactor.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "bus/membership.h"
#include "bus/offsets.h"
#include "bus/producer_client.h"
#include "bus/transaction_call.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define CLOSE_WAIT_NS (2 * NS_PER_S)
#define CLOSE_POLL_NS (5 * NS_PER_MS)
#define RENEW_WAIT_NS (50 * NS_PER_MS)

enum transactor_state {
    TRANSACTOR_OPENING, /* the thread has the first call of a client */
    TRANSACTOR_OPEN,
    TRANSACTOR_ENDING,   /* the thread has the call */
    TRANSACTOR_RENEWING, /* the client is to be replaced when nobody uses it */
    TRANSACTOR_FAILED
};

struct transactor {
    struct loop *loop;
    struct producer *producer;
    struct transactor_config config;
    struct transactor_events events;
    void *arg;
    enum transactor_state state;
    bool was_opened;
    int64_t renew_ns; /* to be tried again then */
    struct transaction_call call;
    struct transaction_call stop;
    struct queue *asked;
    struct queue *answered;
    atomic_bool stopping;
    bool has_turn;
    bool has_thread;
    pthread_t thread;
};

static void *
transactor_work(void *arg)
{
    struct transactor *t = arg;
    for (;;) {
        struct transaction_call *call = queue_wait(t->asked, 3600 * NS_PER_S);
        if (call == &t->stop) {
            return NULL;
        }
        if (call == NULL) {
            continue;
        }
        transaction_call(call);
        /* Cannot be full: there is one call. */
        enum status status = queue_give(t->answered, call);
        (void)status;
    }
}

static void
transactor_ask(struct transactor *t,
               enum transaction_act act,
               enum transactor_state state)
{
    t->state = state;
    t->call.act = act;
    t->call.rk = producer_client(t->producer);
    enum status status = queue_give(t->asked, &t->call);
    (void)status; /* has room for the one call and the stop */
}

/* Kafka was away for longer than the transaction may last, and aborted it; or lost
   sight of one that had hardly begun. */
static void
transactor_renew(struct transactor *t)
{
    t->renew_ns = loop_now(t->loop) + RENEW_WAIT_NS;
    if (producer_renew(t->producer)) {
        log_warn("transactions_renewed", log_text("reason", t->call.reason));
        transactor_ask(t, TRANSACTION_INIT, TRANSACTOR_OPENING);
    }
}

static int64_t
transactor_turn(void *arg, int64_t now_ns)
{
    struct transactor *t = arg;
    if (t->state != TRANSACTOR_RENEWING) {
        return TIME_NEVER;
    }
    if (now_ns >= t->renew_ns) {
        transactor_renew(t);
    }
    return t->state == TRANSACTOR_RENEWING ? t->renew_ns : TIME_NEVER;
}

static void
transactor_fail(struct transactor *t)
{
    bool timed_out = t->call.status == STATUS_FENCED && t->config.id_is_ours;
    if (timed_out || t->call.status == STATUS_CONFLICT) {
        t->state = TRANSACTOR_RENEWING;
        t->renew_ns = 0;
        loop_wake(t->loop);
        return;
    }
    t->state = TRANSACTOR_FAILED;
    t->events.failed(t->arg, t->call.status, t->call.reason);
}

static void
transactor_opened(struct transactor *t)
{
    bool again = t->was_opened;
    t->state = TRANSACTOR_OPEN;
    t->was_opened = true;
    if (again) {
        t->events.ended(t->arg, STATUS_UNAVAILABLE, "Kafka was away for too long");
    } else {
        t->events.opened(t->arg);
    }
}

/* The call came back. */
static void
transactor_answered(struct transactor *t)
{
    transaction_call_clear(&t->call);
    switch (t->call.status) {
    case STATUS_OK:
    case STATUS_UNAVAILABLE:
        if (t->state == TRANSACTOR_OPENING) {
            transactor_opened(t);
            return;
        }
        t->state = TRANSACTOR_OPEN;
        t->events.ended(t->arg, t->call.status, t->call.reason);
        return;
    case STATUS_CLOSED:
        t->state = TRANSACTOR_FAILED; /* only transactor_destroy() stops it */
        return;
    default:
        transactor_fail(t);
        return;
    }
}

static void
transactor_heard(void *arg, uint32_t events)
{
    (void)events;
    struct transactor *t = arg;
    if (queue_take(t->answered) != NULL) {
        transactor_answered(t);
    }
}

static enum status
transactor_open(struct transactor *t)
{
    enum status status = queue_create(&t->asked, 2);
    if (status == STATUS_OK) {
        status = queue_create(&t->answered, 1);
    }
    if (status == STATUS_OK) {
        status =
            loop_watch(t->loop, queue_fd(t->answered), EPOLLIN, transactor_heard, t);
    }
    if (status == STATUS_OK) {
        status = loop_each_turn(t->loop, transactor_turn, t);
        t->has_turn = status == STATUS_OK;
    }
    if (status == STATUS_OK) {
        t->has_thread = pthread_create(&t->thread, NULL, transactor_work, t) == 0;
        status = t->has_thread ? STATUS_OK : STATUS_IO;
    }
    return status;
}

enum status
transactor_create(struct transactor **out,
                  struct loop *loop,
                  struct producer *producer,
                  const struct transactor_config *config,
                  const struct transactor_events *events,
                  void *arg)
{
    struct transactor *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return STATUS_NO_MEMORY;
    }
    t->loop = loop;
    t->producer = producer;
    t->config = *config;
    t->events = *events;
    t->arg = arg;
    t->call.timeout_ns = config->timeout_ns;
    t->call.stopping = &t->stopping;
    enum status status = transactor_open(t);
    if (status != STATUS_OK) {
        transactor_destroy(&t);
        return status;
    }
    transactor_ask(t, TRANSACTION_INIT, TRANSACTOR_OPENING);
    *out = t;
    return STATUS_OK;
}

static bool
is_asked(const struct transactor *t)
{
    return t->state == TRANSACTOR_OPENING || t->state == TRANSACTOR_ENDING;
}

/* Waits for the thread, to which reports must go on coming, and for no event. */
static void
transactor_wait(struct transactor *t, int64_t end_ns)
{
    while (is_asked(t) && clock_mono_ns() < end_ns) {
        producer_serve(t->producer);
        if (queue_wait(t->answered, CLOSE_POLL_NS) != NULL) {
            transaction_call_clear(&t->call);
            t->state =
                t->call.status == STATUS_OK || t->call.status == STATUS_UNAVAILABLE
                    ? TRANSACTOR_OPEN
                    : TRANSACTOR_FAILED;
        }
    }
}

/* So that readers of committed records need not wait for the timeout. */
static void
transactor_close(struct transactor *t)
{
    int64_t end_ns = clock_mono_ns() + CLOSE_WAIT_NS;
    transactor_wait(t, end_ns);
    if (t->state == TRANSACTOR_OPEN) {
        transactor_ask(t, TRANSACTION_ABORT, TRANSACTOR_ENDING);
        transactor_wait(t, end_ns);
    }
    atomic_store(&t->stopping, true);
    enum status status = queue_give(t->asked, &t->stop);
    (void)status; /* has room for the one call and the stop */
    transactor_wait(t, clock_mono_ns() + t->config.timeout_ns + CLOSE_WAIT_NS);
    pthread_join(t->thread, NULL);
    transaction_call_clear(&t->call);
}

void
transactor_destroy(struct transactor **transactor)
{
    struct transactor *t = *transactor;
    if (t == NULL) {
        return;
    }
    if (t->has_turn) {
        loop_no_turn(t->loop, transactor_turn, t);
    }
    if (t->answered != NULL) {
        loop_unwatch(t->loop, queue_fd(t->answered));
    }
    if (t->has_thread) {
        transactor_close(t);
    }
    queue_destroy(&t->asked);
    queue_destroy(&t->answered);
    free(t);
    *transactor = NULL;
}

bool
transactor_is_open(const struct transactor *transactor)
{
    return transactor->state == TRANSACTOR_OPEN;
}

enum status
transactor_offsets(struct transactor *transactor,
                   const struct consumer *consumer,
                   const struct partition *parts,
                   size_t count)
{
    struct transaction_call *call = &transactor->call;
    struct group_offsets *groups =
        realloc(call->groups, (call->group_count + 1) * sizeof(*groups));
    if (groups == NULL) {
        return STATUS_NO_MEMORY;
    }
    call->groups = groups;
    rd_kafka_consumer_group_metadata_t *membership = consumer_membership(consumer);
    if (membership == NULL) {
        return STATUS_CONFLICT;
    }
    groups[call->group_count++] = (struct group_offsets){
        .membership = membership, .list = offsets_list(parts, count)};
    return STATUS_OK;
}

void
transactor_commit(struct transactor *transactor)
{
    transactor_ask(transactor, TRANSACTION_COMMIT, TRANSACTOR_ENDING);
}

void
transactor_abort(struct transactor *transactor)
{
    transaction_call_clear(&transactor->call);
    transactor_ask(transactor, TRANSACTION_ABORT, TRANSACTOR_ENDING);
}
