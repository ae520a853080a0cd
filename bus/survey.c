/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka's search by time sends the time as it is given, and -1 and -2 mean end and
 * beginning in that request (ListOffsets, Kafka protocol guide): so one call answers
 * for all partitions, where its call for the bounds would be needed once for each.
 *
 * The end is asked for before the time: where no record is young enough, reading begins
 * at that end, and what came in between must not be passed over.
 */
#include "bus/survey.h"

#include "base/clock.h"
#include "base/queue.h"
#include "bus/client.h"
#include "bus/offsets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>

/* Together below what surveyor_destroy() promises: it looks between two calls. */
enum { ALL_WAIT_MS = 1500, ONE_WAIT_MS = 300, SILENT_MAX = 3 };

struct surveyor {
    struct loop *loop;
    rd_kafka_t *rk;
    bool has_times;
    survey_fn fn;
    void *arg;
    struct queue *asked;
    struct queue *answered;
    bool open; /* asked and not yet handed back */
    struct survey stop;
    atomic_bool stopping;
    bool has_thread;
    pthread_t thread;
};

/* A run of the bounds of a survey. */
struct stretch {
    const char *topic;
    struct bound *bounds;
    size_t count;
    int wait_ms;
};

static void
note(struct bound *b, int64_t when, const rd_kafka_topic_partition_t *found)
{
    if (found->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        b->status = client_status(found->err);
    } else if (when == OFFSET_END) {
        b->high = found->offset;
    } else if (when == OFFSET_BEGINNING) {
        b->low = found->offset;
    } else {
        b->since = found->offset < 0 ? OFFSET_END : found->offset;
    }
}

/* @param[in] when a time in ms, OFFSET_END or OFFSET_BEGINNING */
static enum status
ask(rd_kafka_t *rk, const struct stretch *s, int64_t when)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)s->count);
    for (size_t i = 0; i < s->count; i++) {
        rd_kafka_topic_partition_list_add(list, s->topic, s->bounds[i].partition)
            ->offset = when;
    }
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(rk, list, s->wait_ms);
    for (size_t i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < s->count; i++) {
        note(&s->bounds[i], when, &list->elems[i]);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return client_status(error);
}

static enum status
ask_all(struct surveyor *s, const struct stretch *stretch, int64_t wall_us)
{
    const int64_t whens[] = {OFFSET_END, OFFSET_BEGINNING, wall_us / 1000};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < stretch->count; i++) {
        stretch->bounds[i].status = STATUS_OK;
    }
    for (size_t i = 0; status == STATUS_OK && i < 3; i++) {
        if (atomic_load(&s->stopping)) {
            return STATUS_CLOSED;
        }
        if (i < 2 || s->has_times) {
            status = ask(s->rk, stretch, whens[i]);
        }
    }
    for (size_t i = 0; i < stretch->count; i++) {
        struct bound *b = &stretch->bounds[i];
        b->status = status == STATUS_OK ? b->status : status;
        b->since = s->has_times ? b->since : b->low;
    }
    return status;
}

/* One leader that is away spoils the answer for all: then each is asked for alone,
 * unless nobody answers at all. */
static void
survey_run(struct surveyor *s, struct survey *survey)
{
    struct stretch all = {survey->topic, survey->bounds, survey->count, ALL_WAIT_MS};
    enum status status = offsets_partitions(
        s->rk, survey->topic, ALL_WAIT_MS * NS_PER_MS, &survey->partition_count);
    if (status != STATUS_OK) {
        survey->partition_count = 0;
    }
    if (survey->count == 0 || ask_all(s, &all, survey->wall_us) == STATUS_OK) {
        return;
    }
    int silent = 0;
    for (size_t i = 0; i < survey->count && silent < SILENT_MAX; i++) {
        struct stretch one = {survey->topic, &survey->bounds[i], 1, ONE_WAIT_MS};
        status = ask_all(s, &one, survey->wall_us);
        silent = status == STATUS_OK ? 0 : silent + 1;
        if (status == STATUS_CLOSED) {
            return;
        }
    }
}

static void *
surveyor_work(void *arg)
{
    struct surveyor *s = arg;
    for (;;) {
        struct survey *survey = queue_wait(s->asked, 3600 * NS_PER_S);
        if (survey == &s->stop) {
            return NULL;
        }
        if (survey == NULL) {
            continue;
        }
        survey_run(s, survey);
        /* Cannot be full: one is open at a time. */
        enum status status = queue_give(s->answered, survey);
        (void)status;
    }
}

static void
surveyor_answers(void *arg, uint32_t events)
{
    (void)events;
    struct surveyor *s = arg;
    struct survey *survey = queue_take(s->answered);
    if (survey != NULL) {
        s->open = false;
        s->fn(s->arg, survey);
    }
}

enum status
surveyor_create(struct surveyor **out,
                struct loop *loop,
                rd_kafka_t *rk,
                bool has_times,
                survey_fn fn,
                void *arg)
{
    struct surveyor *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return STATUS_NO_MEMORY;
    }
    s->loop = loop;
    s->rk = rk;
    s->has_times = has_times;
    s->fn = fn;
    s->arg = arg;
    enum status status = queue_create(&s->asked, 2);
    if (status == STATUS_OK) {
        status = queue_create(&s->answered, 1);
    }
    if (status == STATUS_OK) {
        status = loop_watch(loop, queue_fd(s->answered), EPOLLIN, surveyor_answers, s);
    }
    if (status == STATUS_OK) {
        s->has_thread = pthread_create(&s->thread, NULL, surveyor_work, s) == 0;
        status = s->has_thread ? STATUS_OK : STATUS_IO;
    }
    if (status != STATUS_OK) {
        surveyor_destroy(&s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void
surveyor_destroy(struct surveyor **surveyor)
{
    struct surveyor *s = *surveyor;
    if (s == NULL) {
        return;
    }
    if (s->has_thread) {
        atomic_store(&s->stopping, true);
        enum status status = queue_give(s->asked, &s->stop);
        (void)status; /* it has one place more than surveys can be open */
        pthread_join(s->thread, NULL);
    }
    if (s->answered != NULL) {
        loop_unwatch(s->loop, queue_fd(s->answered));
    }
    queue_destroy(&s->asked);
    queue_destroy(&s->answered);
    free(s);
    *surveyor = NULL;
}

enum status
surveyor_ask(struct surveyor *surveyor, struct survey *survey)
{
    if (surveyor->open) {
        return STATUS_FULL;
    }
    enum status status = queue_give(surveyor->asked, survey);
    surveyor->open = status == STATUS_OK;
    return status;
}
