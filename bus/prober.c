/* SPDX-License-Identifier: Apache-2.0 */
/* Two bounded queues and a thread between them. */
#include "bus/prober.h"

#include "base/clock.h"
#include "base/queue.h"
#include "bus/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { PROBES_MAX = 64, ANSWER_WAIT_MS = 300 };

struct prober {
    struct loop *loop;
    struct queue *asked;
    struct queue *answered;
    probe_fn fn;
    void *context;
    size_t open; /* asked and not yet handed back */
    struct probe stop;
    atomic_bool stopping;
    bool has_thread;
    pthread_t thread;
};

static void
probe_run(struct probe *probe)
{
    probe->answered = true;
    probe->partitions = 0;
    for (int i = 0; i < LANE_COUNT && probe->rk[i] != NULL; i++) {
        enum status status = client_ask_partitions(probe->rk[i], probe->topic[i],
                                                   ANSWER_WAIT_MS, &probe->partitions);
        if (status != STATUS_OK) {
            probe->answered = false;
            return;
        }
    }
}

static void *
prober_work(void *arg)
{
    struct prober *p = arg;
    for (;;) {
        struct probe *probe = queue_wait(p->asked, 3600 * NS_PER_S);
        if (probe == &p->stop) {
            return NULL;
        }
        if (probe == NULL) {
            continue;
        }
        if (!atomic_load(&p->stopping)) {
            probe_run(probe);
        }
        /* Cannot be full: as many places as probes can be open. */
        enum status status = queue_give(p->answered, probe);
        (void)status;
    }
}

static void
prober_answers(void *arg, uint32_t events)
{
    (void)events;
    struct prober *p = arg;
    struct probe *probe;
    while ((probe = queue_take(p->answered)) != NULL) {
        p->open--;
        p->fn(p->context, probe);
    }
}

enum status
prober_create(struct prober **out, struct loop *loop, probe_fn fn, void *context)
{
    struct prober *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return STATUS_NO_MEMORY;
    }
    p->loop = loop;
    p->fn = fn;
    p->context = context;
    enum status status = queue_create(&p->asked, PROBES_MAX + 1);
    if (status == STATUS_OK) {
        status = queue_create(&p->answered, PROBES_MAX);
    }
    if (status == STATUS_OK) {
        status = loop_watch(loop, queue_fd(p->answered), EPOLLIN, prober_answers, p);
    }
    if (status == STATUS_OK) {
        p->has_thread = pthread_create(&p->thread, NULL, prober_work, p) == 0;
        status = p->has_thread ? STATUS_OK : STATUS_IO;
    }
    if (status != STATUS_OK) {
        prober_destroy(&p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void
prober_destroy(struct prober **prober)
{
    struct prober *p = *prober;
    if (p == NULL) {
        return;
    }
    if (p->has_thread) {
        atomic_store(&p->stopping, true);
        enum status status = queue_give(p->asked, &p->stop);
        (void)status; /* it has one place more than probes can be open */
        pthread_join(p->thread, NULL);
    }
    if (p->answered != NULL) {
        loop_unwatch(p->loop, queue_fd(p->answered));
    }
    queue_destroy(&p->asked);
    queue_destroy(&p->answered);
    free(p);
    *prober = NULL;
}

enum status
prober_ask(struct prober *prober, struct probe *probe)
{
    if (prober->open == PROBES_MAX) {
        return STATUS_FULL;
    }
    enum status status = queue_give(prober->asked, probe);
    if (status == STATUS_OK) {
        prober->open++;
    }
    return status;
}
