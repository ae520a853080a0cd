/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a consumer group has come in a topic, and where the topic ends. The calls
 * block, so they are made on a thread of their own, with a client that does nothing
 * else (an admin call was seen to leave a producer unable to deliver,
 * librdkafka 2.0.2).
 */
#ifndef BUS_LAG_H
#define BUS_LAG_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"

#include <stdbool.h>
#include <stdint.h>

struct lag;

/** One question and its answer. */
struct lag_question {
    const char *group;
    const char *topic;
    int32_t partitions; /* 0 … partitions - 1 are asked for */
    int64_t *committed; /* [partitions] what the group reads next; where it committed
                           nothing, the first offset that is there */
    int64_t *end;       /* [partitions] behind the last record */
    int64_t as_of_ns;   /* monotonic time of the committed offsets */
    bool answered;      /* false: the arrays and as_of_ns mean nothing */
};

/** Called on the loop with a question that ended. */
typedef void (*lag_fn)(void *context, struct lag_question *question);

MUST_CHECK enum status lag_open(struct lag **out,
                                struct loop *loop,
                                const struct bus_config *bus,
                                lag_fn fn,
                                void *context,
                                struct fault *fault);

/** Questions under way are forgotten. Accepts NULL. @blocks up to 5 s */
void lag_close(struct lag **lag);

/** @return STATUS_OK: everything it points to is lent until fn is called; STATUS_FULL
 */
MUST_CHECK enum status lag_ask(struct lag *lag, struct lag_question *question);

#endif
