/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Committed offsets come by the admin call for any group, ends by one ListOffsets
 * request to each leader: offsets_for_times() passes the logical offsets on as the
 * timestamps that mean them (-1 end, -2 beginning).
 */
#include "bus/lag.h"

#include "base/clock.h"
#include "bus/asker.h"
#include "bus/client.h"

#include <librdkafka/rdkafka.h>

#include <stdlib.h>

enum { QUESTIONS_MAX = 1024, ANSWER_WAIT_MS = 1000, WORDS_SIZE = 200 };

struct lag {
    rd_kafka_t *rk;
    struct asker *asker;
    lag_fn fn;
    void *context;
};

/* Takes the answer to one group's committed offsets; -1 where nothing is. */
static bool
committed_take(rd_kafka_event_t *event, struct lag_question *q)
{
    size_t count = 0;
    const rd_kafka_group_result_t **groups =
        rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event), &count);
    if (count == 0 || rd_kafka_group_result_error(groups[0]) != NULL) {
        return false;
    }
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_group_result_partitions(groups[0]);
    for (int i = 0; i < list->cnt; i++) {
        int32_t partition = list->elems[i].partition;
        if (partition >= 0 && partition < q->partitions &&
            list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            q->committed[partition] =
                list->elems[i].offset < 0 ? -1 : list->elems[i].offset;
        }
    }
    return true;
}

static bool
ask_group(rd_kafka_t *rk, rd_kafka_AdminOptions_t *options, struct lag_question *q)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(q->partitions);
    rd_kafka_topic_partition_list_add_range(list, q->topic, 0, q->partitions - 1);
    rd_kafka_ListConsumerGroupOffsets_t *ask =
        rd_kafka_ListConsumerGroupOffsets_new(q->group, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_ListConsumerGroupOffsets(rk, &ask, 1, options, queue);
    /* librdkafka's own timeout ends the call; a little more for it to arrive. */
    rd_kafka_event_t *event =
        rd_kafka_queue_poll(queue, ANSWER_WAIT_MS + ANSWER_WAIT_MS / 2);
    bool answered = event != NULL &&
                    rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR &&
                    committed_take(event, q);
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_ListConsumerGroupOffsets_destroy(ask);
    rd_kafka_topic_partition_list_destroy(list);
    return answered;
}

static bool
ask_committed(rd_kafka_t *rk, struct lag_question *q)
{
    char why[WORDS_SIZE];
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
    bool answered = rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_WAIT_MS,
                                                              why, sizeof(why)) ==
                        RD_KAFKA_RESP_ERR_NO_ERROR &&
                    ask_group(rk, options, q);
    rd_kafka_AdminOptions_destroy(options);
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
    const struct lag *lag = context;
    struct lag_question *q = question;
    for (int32_t p = 0; p < q->partitions; p++) {
        q->committed[p] = -1;
        q->end[p] = -1;
    }
    q->answered = ask_committed(lag->rk, q);
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
