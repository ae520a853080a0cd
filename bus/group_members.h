/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which member of a consumer group was assigned which partition of a topic, asked of
 * the group's coordinator. librdkafka answers that only to a call that blocks, so a
 * thread with a client of its own makes it; answers come back on the loop.
 */
#ifndef BUS_GROUP_MEMBERS_H
#define BUS_GROUP_MEMBERS_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"

#include <stddef.h>
#include <stdint.h>

struct group_members;

enum { GROUP_CLIENT_ID_SIZE = 256 };

struct group_share {
    int32_t partition;
    char client_id[GROUP_CLIENT_ID_SIZE]; /* of the member; longer ones are cut */
};

/**
 * @param[in] status STATUS_OK; STATUS_UNAVAILABLE: no answer, or the group is being
 *                   rebalanced: ask again later
 * @param[in] shares of the topic, in no order; valid during the call
 */
typedef void (*group_members_fn)(void *arg,
                                 enum status status,
                                 const struct group_share *shares,
                                 size_t count);

struct group_members_config {
    const char *group; /* borrowed for the life of the object */
    const char *topic; /* borrowed likewise */
    group_members_fn fn;
    void *arg;
};

MUST_CHECK enum status group_members_create(struct group_members **out,
                                            struct loop *loop,
                                            const struct bus_config *bus,
                                            const struct group_members_config *config,
                                            struct fault *fault);

/** Joins the thread; fn is not called any more. @blocks up to 1 s */
void group_members_destroy(struct group_members **members);

/** fn will be called once. Not while a question is under way. @blocks never */
void group_members_ask(struct group_members *members);

#endif
