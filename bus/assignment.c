/* SPDX-License-Identifier: Apache-2.0 */
/* Eager protocol only: each change replaces the whole set. */
#include "bus/assignment.h"

#include "bus/client.h"
#include "bus/membership.h"
#include "bus/offsets.h"

#include <stdlib.h>

/* What is to be read later is left out: then nothing is fetched for it. */
static enum status
assignment_read(struct assignment *a, const rd_kafka_topic_partition_list_t *all)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(all->cnt);
    for (int i = 0; i < all->cnt; i++) {
        const rd_kafka_topic_partition_t *part = &all->elems[i];
        if (part->offset != OFFSET_LATER) {
            rd_kafka_topic_partition_list_add(list, part->topic, part->partition)
                ->offset = part->offset;
        }
    }
    enum status status = STATUS_OK;
    if (a->dev && list->cnt > 0) {
        status = offsets_resolve(a->rk, list);
    }
    if (status == STATUS_OK) {
        status = client_status(rd_kafka_assign(a->rk, list));
    }
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static void
assignment_forget_membership(struct assignment *a)
{
    if (a->membership != NULL) {
        rd_kafka_consumer_group_metadata_destroy(a->membership);
        a->membership = NULL;
    }
}

void
assignment_fini(struct assignment *a)
{
    assignment_forget_membership(a);
    positions_clear(&a->positions);
}

enum status
assignment_gain(struct assignment *a, rd_kafka_topic_partition_list_t *list)
{
    size_t count = (size_t)list->cnt;
    assignment_forget_membership(a);
    a->membership = membership_take(a->rk);
    if (count == 0) {
        positions_clear(&a->positions);
        if (a->events->assigned != NULL) {
            a->events->assigned(a->arg, NULL, 0);
        }
        return assignment_read(a, list);
    }
    struct partition *parts = calloc(count, sizeof(*parts));
    if (parts == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct partition){list->elems[i].topic, list->elems[i].partition,
                                      OFFSET_COMMITTED};
    }
    if (a->events->assigned != NULL) {
        a->events->assigned(a->arg, parts, count);
    }
    for (size_t i = 0; i < count; i++) {
        list->elems[i].offset = parts[i].offset;
    }
    /* A pause outlives the assignment in which it was asked for. */
    rd_kafka_resume_partitions(a->rk, list);
    enum status status = positions_set(&a->positions, parts, count);
    free(parts);
    return status == STATUS_OK ? assignment_read(a, list) : status;
}

/* @return whether the user is done with them */
static bool
assignment_revoke(struct assignment *a, bool lost)
{
    bool done = true;
    size_t count = a->positions.count;
    struct partition *parts = count == 0 ? NULL : calloc(count, sizeof(*parts));
    for (size_t i = 0; parts != NULL && i < count; i++) {
        const struct position *at = &a->positions.items[i];
        parts[i] = (struct partition){at->topic, at->partition, at->next};
    }
    if (parts != NULL && a->events->revoked != NULL) {
        done = a->events->revoked(a->arg, parts, count, lost);
    }
    free(parts);
    return done || lost;
}

void
assignment_lose(struct assignment *a, bool lost)
{
    a->leaving = true;
    if (assignment_revoke(a, lost)) {
        assignment_leave(a);
    }
}

void
assignment_leave(struct assignment *a)
{
    a->leaving = false;
    assignment_forget_membership(a);
    positions_clear(&a->positions);
    rd_kafka_assign(a->rk, NULL);
}

enum status
assignment_set(struct assignment *a, const struct partition *parts, size_t count)
{
    enum status status = positions_set(&a->positions, parts, count);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_topic_partition_list_t *list = offsets_list(parts, count);
    status = assignment_read(a, list);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

enum status
assignment_repeat(struct assignment *a)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)a->positions.count);
    for (size_t i = 0; i < a->positions.count; i++) {
        const struct position *at = &a->positions.items[i];
        rd_kafka_topic_partition_list_add(list, at->topic, at->partition)->offset =
            at->next;
    }
    enum status status = assignment_read(a, list);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static enum status
assignment_switch(struct assignment *a, const struct position *at, bool on)
{
    struct partition part = {at->topic, at->partition, OFFSET_COMMITTED};
    rd_kafka_topic_partition_list_t *list = offsets_list(&part, 1);
    rd_kafka_resp_err_t error = on ? rd_kafka_resume_partitions(a->rk, list)
                                   : rd_kafka_pause_partitions(a->rk, list);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        error = list->elems[0].err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return client_status(error);
}

enum status
assignment_pause(struct assignment *a, const char *topic, int32_t partition)
{
    struct position *at = positions_find(&a->positions, topic, partition);
    return at == NULL ? STATUS_NOT_FOUND : assignment_switch(a, at, false);
}

enum status
assignment_resume(struct assignment *a, const char *topic, int32_t partition)
{
    struct position *at = positions_find(&a->positions, topic, partition);
    if (at == NULL) {
        return STATUS_NOT_FOUND;
    }
    at->resumed = true; /* librdkafka 2.0.2 may go back a little after a pause */
    return assignment_switch(a, at, true);
}
