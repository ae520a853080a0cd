/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each partition of the replies topic has been read since it came, and how far
 * there is to go: a partition is behind until all that was there when it came is in.
 * What a person sees while a store is rebuilt. Pure but for memory.
 */
#ifndef RESULTS_REPLAY_H
#define RESULTS_REPLAY_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct replay_part {
    bool owned;
    bool caught_up;
    bool waiting;      /* where to begin is not known yet */
    bool bounded;      /* its end is known */
    int64_t from;      /* first offset to be read; -1: not known */
    int64_t next;      /* offset of the next record; -1: not known */
    int64_t end;       /* caught up when next reaches it, if bounded */
    int64_t newest_us; /* latest arrival read; 0: none */
    int64_t committed; /* last told to Kafka */
};

struct replay {
    struct replay_part *parts;
    size_t count; /* of parts */
    size_t owned;
    size_t behind;
    int64_t records;  /* read since the first fell behind */
    int64_t begun_ns; /* when that was */
};

void replay_fini(struct replay *r);

/**
 * A partition came.
 *
 * @param[in] next where reading begins; -1: replay_bound() will tell
 * @return STATUS_OK; STATUS_INVALID: no such number; STATUS_NO_MEMORY
 */
MUST_CHECK enum status replay_own(struct replay *r,
                                  int32_t partition,
                                  int64_t next,
                                  int64_t newest_us,
                                  int64_t now_ns);
void replay_lose(struct replay *r, int32_t partition);

/** A partition begins anew at an offset that the next record will tell. */
void replay_restart(struct replay *r, int32_t partition, int64_t now_ns);

/** Its end is known, and where it begins if that was open. */
void replay_bound(struct replay *r, int32_t partition, int64_t start, int64_t end);

/** Notes a record. */
void replay_read(struct replay_part *part, struct replay *r, int64_t offset);

/** The end was reached, wherever it is. */
void replay_reach_end(struct replay *r, int32_t partition);

/** One that is owned, else NULL. */
struct replay_part *replay_find(const struct replay *r, int32_t partition);

bool replay_caught_up(const struct replay *r, int32_t partition);

/** Records still to be read, as far as ends are known. */
int64_t replay_left(const struct replay *r);

/** One line in sum and one per partition, for people. */
void replay_describe(const struct replay *r, int64_t now_ns, struct buf *out);

#endif
