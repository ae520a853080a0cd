/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question to the owner of an id, asked again for as long as there is patience: the
 * owner may be dead, or a rebalance may have made another one of it. What is said to
 * the owner and what becomes of its answer is the user's (forward.c, remote_wait.c).
 * Ends exactly once, on a turn of the loop, never inside errand_begin().
 */
#ifndef INGEST_ERRAND_H
#define INGEST_ERRAND_H

#include "base/http_call.h"
#include "base/status.h"
#include "base/uuid.h"
#include "ingest/peer_call.h"

#include <stdbool.h>
#include <stdint.h>

struct ingest;
struct errand;

/** Fills in what is to be said now; what it points to lives until the next turn. */
typedef void (*errand_ask_fn)(struct errand *e, struct peer_request *request);

/**
 * The errand is over and its user's again, to free or to begin anew.
 *
 * @param[in] status STATUS_OK: answer is the owner's; STATUS_CONFLICT: this very
 *                   instance owns the id now; STATUS_UNAVAILABLE: out of patience,
 *                   STATUS_CLOSED: shutting down; else why no call can be made
 * @param[in] answer borrowed during the call; NULL unless STATUS_OK
 */
typedef void (*errand_end_fn)(struct errand *e,
                              enum status status,
                              const struct http_answer *answer);

/** The first member of what its user allocates with malloc. */
struct errand {
    struct errand *next; /* among those that rest */
    struct errand *previous;
    struct ingest *ingest;
    struct uuid id;
    errand_ask_fn ask;
    errand_end_fn end;
    int64_t patience_ns; /* from the first failure on */
    int64_t give_up_ns;  /* 0: nothing has failed yet */
    int64_t due_ns;
    bool lent; /* to a call, or about to be: not in the list */
    bool dropped;
};

/** Those that rest until they are due. */
struct errand_list {
    struct errand *first;
};

/**
 * @param[in] e with id, ask, end and patience_ns set, else zeroed
 * @param[in] due_ns not before, monotonic; 0 = at once
 */
void errand_begin(struct ingest *ingest, struct errand *e, int64_t due_ns);

/** Nobody wants to know any more: end is not called, e is freed now or later. */
void errand_drop(struct errand *e);

/** Does what is due. @return when the next is due */
int64_t errands_turn(struct ingest *ingest, int64_t now_ns);

/** Ends those that rest, with STATUS_CLOSED. */
void errands_close(struct ingest *ingest);

#endif
