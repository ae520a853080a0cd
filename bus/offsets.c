/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about offsets and partitions that a consumer asks the brokers, and its
 * commits: calls that may wait, apart from the flow of records in consumer.c.
 */
#include "bus/offsets.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/client.h"

#define COMMIT_WAIT_NS (5 * NS_PER_S)

rd_kafka_topic_partition_list_t *
offsets_list(const struct partition *parts, size_t count)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, parts[i].topic, parts[i].partition)
            ->offset = parts[i].offset;
    }
    return list;
}

enum status
offsets_resolve(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    rd_kafka_resp_err_t error =
        rd_kafka_committed(rk, asked, client_timeout_ms(COMMIT_WAIT_NS));
    for (int i = 0; error == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++) {
        int64_t committed = asked->elems[i].offset;
        if (list->elems[i].offset == OFFSET_COMMITTED) {
            list->elems[i].offset = committed < 0 ? OFFSET_BEGINNING : committed;
        }
    }
    rd_kafka_topic_partition_list_destroy(asked);
    return client_status(error);
}

static enum status
offsets_commit_wait(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_resp_err_t error = rd_kafka_commit_queue(rk, list, queue, NULL, NULL);
    rd_kafka_event_t *event = NULL;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        event = rd_kafka_queue_poll(queue, client_timeout_ms(COMMIT_WAIT_NS));
        error =
            event == NULL ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event);
    }
    if (event != NULL) {
        rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    return error == RD_KAFKA_RESP_ERR__TIMED_OUT ? STATUS_TIMEOUT
                                                 : client_status(error);
}

enum status
offsets_commit(rd_kafka_t *rk, const struct partition *parts, size_t count, bool wait)
{
    rd_kafka_topic_partition_list_t *list = offsets_list(parts, count);
    enum status status = wait ? offsets_commit_wait(rk, list)
                              : client_status(rd_kafka_commit(rk, list, 1));
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

enum status
offsets_partitions(rd_kafka_t *rk,
                   const char *topic,
                   int64_t timeout_ns,
                   int32_t *count)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    if (handle == NULL) {
        return STATUS_INVALID;
    }
    enum status status =
        client_ask_partitions(rk, handle, client_timeout_ms(timeout_ns), count);
    rd_kafka_topic_destroy(handle);
    if (status == STATUS_OK && *count == 0) {
        return STATUS_NOT_FOUND;
    }
    return status;
}

static rd_kafka_topic_partition_list_t *
offsets_add_topic(rd_kafka_t *rk,
                  rd_kafka_topic_partition_list_t *list,
                  const char *topic,
                  int64_t timeout_ns)
{
    int32_t count = 0;
    enum status status = offsets_partitions(rk, topic, timeout_ns, &count);
    if (status != STATUS_OK) {
        rd_kafka_topic_partition_list_destroy(list);
        return NULL;
    }
    for (int32_t i = 0; i < count; i++) {
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = OFFSET_COMMITTED;
    }
    return list;
}

rd_kafka_topic_partition_list_t *
offsets_list_all(rd_kafka_t *rk,
                 const char *const *topics,
                 size_t count,
                 int64_t timeout_ns)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (size_t i = 0; list != NULL && i < count; i++) {
        list = offsets_add_topic(rk, list, topics[i], timeout_ns);
    }
    return list;
}

enum status
offsets_bounds(rd_kafka_t *rk,
               const char *topic,
               int32_t partition,
               int64_t timeout_ns,
               int64_t *low,
               int64_t *high)
{
    return client_status(rd_kafka_query_watermark_offsets(
        rk, topic, partition, low, high, client_timeout_ms(timeout_ns)));
}
