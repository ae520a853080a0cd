/* SPDX-License-Identifier: Apache-2.0 */
/* Spans point into librdkafka's fetch buffer, which the message keeps alive. */
#include "bus/record.h"

#include <stdlib.h>

enum { IDLE_MAX = 4096, US_PER_MS = 1000 };

struct record_cell {
    struct record record; /* first: a record's address is its cell's */
    struct record_pool *pool;
    struct record_cell *next;
};

static struct record_cell *
cell_take(struct record_pool *pool)
{
    struct record_cell *cell = pool->idle;
    if (cell == NULL) {
        return malloc(sizeof(*cell));
    }
    pool->idle = cell->next;
    pool->idle_count--;
    return cell;
}

struct record *
record_make(struct record_pool *pool, rd_kafka_message_t *message)
{
    struct record_cell *cell = cell_take(pool);
    if (cell == NULL) {
        return NULL;
    }
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    int64_t timestamp_ms = rd_kafka_message_timestamp(message, &type);
    *cell = (struct record_cell){
        .record = {.topic = rd_kafka_topic_name(message->rkt),
                   .partition = message->partition,
                   .offset = message->offset,
                   .timestamp_us = timestamp_ms > 0 ? timestamp_ms * US_PER_MS : 0,
                   .timestamp_is_brokers = type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME,
                   .key = span_of(message->key, message->key_len),
                   .value = span_of(message->payload, message->len),
                   .handle = message},
        .pool = pool,
    };
    pool->held++;
    return &cell->record;
}

void
record_release(struct record **r)
{
    struct record_cell *cell = (struct record_cell *)(void *)*r;
    *r = NULL;
    if (cell == NULL) {
        return;
    }
    struct record_pool *pool = cell->pool;
    rd_kafka_message_destroy(cell->record.handle);
    pool->held--;
    if (pool->idle_count == IDLE_MAX) {
        free(cell);
        return;
    }
    cell->next = pool->idle;
    pool->idle = cell;
    pool->idle_count++;
}

void
record_pool_fini(struct record_pool *pool)
{
    while (pool->idle != NULL) {
        struct record_cell *cell = pool->idle;
        pool->idle = cell->next;
        free(cell);
    }
    *pool = (struct record_pool){0};
}

enum status
record_header_find(const struct record *r, const char *name, struct span *value)
{
    rd_kafka_headers_t *headers = NULL;
    const void *data = NULL;
    size_t size = 0;
    if (rd_kafka_message_headers(r->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &data, &size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STATUS_NOT_FOUND;
    }
    *value = span_of(data, size);
    return STATUS_OK;
}

enum status
record_header_at(const struct record *r,
                 size_t i,
                 const char **name,
                 struct span *value)
{
    rd_kafka_headers_t *headers = NULL;
    const void *data = NULL;
    size_t size = 0;
    if (rd_kafka_message_headers(r->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_all(headers, i, name, &data, &size) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STATUS_NOT_FOUND;
    }
    *value = span_of(data, size);
    return STATUS_OK;
}
