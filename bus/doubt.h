/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a topic that Kafka called unknown is there again. Until then librdkafka 2.0.2
 * must not be given a new assignment: it would lose count of the partitions that it has
 * put aside, and its end would never come. Private to the room.
 */
#ifndef BUS_DOUBT_H
#define BUS_DOUBT_H

#include "base/loop.h"
#include "bus/prober.h"

#include <librdkafka/rdkafka.h>

#include <stdint.h>

enum doubt_state {
    DOUBT_NONE,
    DOUBT_ASKING, /* the topic is not there, as far as known */
    DOUBT_OVER,   /* it is; what is read is to be settled anew */
};

struct doubt {
    enum doubt_state state;
    struct loop *loop;
    rd_kafka_t *rk;
    struct prober *prober; /* from the first doubt on */
    struct probe probe;    /* its topic is held while it is lent */
    bool lent;
    int64_t ask_ns; /* not to be asked before */
};

/** Begins, or begins again. */
void doubt_raise(struct doubt *d);

/** @param[in] topic asked for; @return when it wants to be called next */
int64_t doubt_turn(struct doubt *d, const char *topic, int64_t now_ns);

/** @blocks up to 1 s */
void doubt_fini(struct doubt *d);

#endif
