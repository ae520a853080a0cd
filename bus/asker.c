/* SPDX-License-Identifier: Apache-2.0 */
/* Two bounded queues and a thread between them. */
#include "bus/asker.h"

#include "base/clock.h"
#include "base/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct asker {
    struct loop *loop;
    struct asker_config config;
    struct queue *asked;
    struct queue *answered;
    size_t open; /* asked and not yet handed back */
    char stop;   /* its address ends the thread */
    atomic_bool stopping;
    bool has_thread;
    pthread_t thread;
};

static void *
asker_work(void *arg)
{
    struct asker *a = arg;
    for (;;) {
        void *question = queue_wait(a->asked, 3600 * NS_PER_S);
        if (question == &a->stop) {
            return NULL;
        }
        if (question == NULL) {
            continue;
        }
        if (!atomic_load(&a->stopping)) {
            a->config.work(a->config.context, question);
        }
        /* Cannot be full: as many places as questions can be open. */
        enum status status = queue_give(a->answered, question);
        (void)status;
    }
}

static void
asker_answers(void *arg, uint32_t events)
{
    (void)events;
    struct asker *a = arg;
    void *question;
    while ((question = queue_take(a->answered)) != NULL) {
        a->open--;
        a->config.done(a->config.context, question);
    }
}

enum status
asker_create(struct asker **out, struct loop *loop, const struct asker_config *config)
{
    struct asker *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return STATUS_NO_MEMORY;
    }
    a->loop = loop;
    a->config = *config;
    enum status status = queue_create(&a->asked, config->limit + 1);
    if (status == STATUS_OK) {
        status = queue_create(&a->answered, config->limit);
    }
    if (status == STATUS_OK) {
        status = loop_watch(loop, queue_fd(a->answered), EPOLLIN, asker_answers, a);
    }
    if (status == STATUS_OK) {
        a->has_thread = pthread_create(&a->thread, NULL, asker_work, a) == 0;
        status = a->has_thread ? STATUS_OK : STATUS_IO;
    }
    if (status != STATUS_OK) {
        asker_destroy(&a);
        return status;
    }
    *out = a;
    return STATUS_OK;
}

void
asker_destroy(struct asker **asker)
{
    struct asker *a = *asker;
    *asker = NULL;
    if (a == NULL) {
        return;
    }
    if (a->has_thread) {
        atomic_store(&a->stopping, true);
        enum status status = queue_give(a->asked, &a->stop);
        (void)status; /* it has one place more than questions can be open */
        pthread_join(a->thread, NULL);
    }
    if (a->answered != NULL) {
        loop_unwatch(a->loop, queue_fd(a->answered));
    }
    queue_destroy(&a->asked);
    queue_destroy(&a->answered);
    free(a);
}

enum status
asker_ask(struct asker *asker, void *question)
{
    if (asker->open == asker->config.limit) {
        return STATUS_FULL;
    }
    enum status status = queue_give(asker->asked, question);
    if (status == STATUS_OK) {
        asker->open++;
    }
    return status;
}
