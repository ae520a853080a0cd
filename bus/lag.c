/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Committed offsets come by a client of each group that never joins it: the admin call
 * for any group ends the process when Kafka does not answer in time
 * (librdkafka issues 3663 and 4605). Ends come by one ListOffsets request to each
 * leader: offsets_for_times() passes the logical offsets on as the timestamps that mean
 * them (-1 end, -2 beginning).
 */
#include "bus/lag.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/asker.h"
#include "bus/client.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUESTIONS_MAX = 1024, ANSWER_WAIT_MS = 1000, GROUP_SIZE = 256 };

struct watcher {
    struct watcher *next;
    rd_kafka_t *rk; /* NULL: could not be made */
    char group[GROUP_SIZE];
};

struct lag {
    const struct bus_config *bus;
    rd_kafka_t *rk;
    struct watcher *watchers; /* the asker's thread; after it has ended the loop's */
    struct asker *asker;
    lag_fn fn;
    void *context;
};

/* A consumer of its group that never joins; made when it is first asked for. */
static rd_kafka_t *
watcher_make(const struct lag *lag, const char *group)
{
    struct fault fault = {.text = ""};
    rd_kafka_conf_t *settings = NULL;
    rd_kafka_t *rk = NULL;
    enum status status =
        client_settings(&settings, lag->bus, CLIENT_CONSUMER, NULL, 0, &fault);
    if (status == STATUS_OK) {
        status = client_set(settings, "group.id", group, &fault);
    }
    if (status == STATUS_OK) { /* else it waits for transactions that run */
        status = client_set(settings, "isolation.level", "read_uncommitted", &fault);
    }
    if (status == STATUS_OK) {
        status = client_create(&rk, settings, CLIENT_CONSUMER, &fault);
    } else if (settings != NULL) {
        rd_kafka_conf_destroy(settings);
    }
    if (status != STATUS_OK) {
        log_warn("lag_unknown", log_text("group", group),
                 log_text("reason", fault.text));
    }
    return rk;
}

static struct watcher *
watcher_of(struct lag *lag, const char *group)
{
    struct watcher *w = lag->watchers;
    while (w != NULL && strcmp(w->group, group) != 0) {
        w = w->next;
    }
    if (w != NULL) {
        return w;
    }
    w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return NULL;
    }
    snprintf(w->group, sizeof(w->group), "%s", group);
    w->rk = watcher_make(lag, group);
    w->next = lag->watchers;
    lag->watchers = w;
    return w;
}

/* -1 where nothing is committed. */
static bool
ask_committed(struct lag *lag, struct lag_question *q)
{
    const struct watcher *w = watcher_of(lag, q->group);
    if (w == NULL || w->rk == NULL) {
        return false;
    }
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(q->partitions);
    rd_kafka_topic_partition_list_add_range(list, q->topic, 0, q->partitions - 1);
    bool answered =
        rd_kafka_committed(w->rk, list, ANSWER_WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; answered && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *part = &list->elems[i];
        answered = part->err == RD_KAFKA_RESP_ERR_NO_ERROR;
        q->committed[part->partition] = part->offset < 0 ? -1 : part->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return answered;
}

/* Asks for a logical offset of those partitions whose place is still negative. */
static bool
ask_missing(rd_kafka_t *rk,
            const struct lag_question *q,
            int64_t logical,
            int64_t *offsets)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(q->partitions);
    for (int32_t p = 0; p < q->partitions; p++) {
        if (offsets[p] < 0) {
            rd_kafka_topic_partition_list_add(list, q->topic, p)->offset = logical;
        }
    }
    bool answered =
        list->cnt == 0 || rd_kafka_offsets_for_times(rk, list, ANSWER_WAIT_MS) ==
                              RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; answered && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *part = &list->elems[i];
        answered = part->err == RD_KAFKA_RESP_ERR_NO_ERROR && part->offset >= 0;
        offsets[part->partition] = part->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return answered;
}

static void
lag_work(void *context, void *question)
{
    struct lag *lag = context;
    struct lag_question *q = question;
    for (int32_t p = 0; p < q->partitions; p++) {
        q->committed[p] = -1;
        q->end[p] = -1;
    }
    q->answered = ask_committed(lag, q);
    q->as_of_ns = clock_mono_ns();
    q->answered = q->answered &&
                  ask_missing(lag->rk, q, RD_KAFKA_OFFSET_BEGINNING, q->committed) &&
                  ask_missing(lag->rk, q, RD_KAFKA_OFFSET_END, q->end);
}

static void
lag_done(void *context, void *question)
{
    struct lag *lag = context;
    lag->fn(lag->context, question);
}

enum status
lag_open(struct lag **out,
         struct loop *loop,
         const struct bus_config *bus,
         lag_fn fn,
         void *context,
         struct fault *fault)
{
    struct lag *lag = calloc(1, sizeof(*lag));
    if (lag == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "kafka lag: no memory");
    }
    lag->bus = bus;
    lag->fn = fn;
    lag->context = context;
    rd_kafka_conf_t *settings = NULL;
    enum status status = client_settings(&settings, bus, CLIENT_ADMIN, NULL, 0, fault);
    if (status == STATUS_OK) {
        status = client_create(&lag->rk, settings, CLIENT_ADMIN, fault);
    }
    const struct asker_config config = {
        .limit = QUESTIONS_MAX, .work = lag_work, .done = lag_done, .context = lag};
    if (status == STATUS_OK && asker_create(&lag->asker, loop, &config) != STATUS_OK) {
        status = fault_set(fault, STATUS_NO_MEMORY, "kafka lag: no thread");
    }
    if (status != STATUS_OK) {
        lag_close(&lag);
        return status;
    }
    *out = lag;
    return STATUS_OK;
}

void
lag_close(struct lag **lag)
{
    struct lag *l = *lag;
    *lag = NULL;
    if (l == NULL) {
        return;
    }
    asker_destroy(&l->asker);
    while (l->watchers != NULL) {
        struct watcher *w = l->watchers;
        l->watchers = w->next;
        if (w->rk != NULL) {
            rd_kafka_destroy(w->rk);
        }
        free(w);
    }
    if (l->rk != NULL) {
        rd_kafka_destroy(l->rk);
    }
    free(l);
}

enum status
lag_ask(struct lag *lag, struct lag_question *question)
{
    return asker_ask(lag->asker, question);
}
