/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way: from the moment it is lent to the producer until nobody holds
 * a part of it any more. Three parties may hold one: the HTTP exchange that waits for
 * the answer (x), the results room (wait) and the producers (lent). Each lets go
 * exactly once, in any order; the last one returns the submission to its pool. The
 * exchange is answered exactly once, by outcome.c.
 */
#ifndef INGEST_SUBMISSION_H
#define INGEST_SUBMISSION_H

#include "base/buf.h"
#include "base/http_server.h"
#include "base/map.h"
#include "base/status.h"
#include "base/uuid.h"
#include "ingest/tenant.h"
#include "results/results.h"
#include "schemas/oip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ingest;

enum submission_mode {
    SUBMISSION_HELD, /* 200, or 504 when the wait ends */
    SUBMISSION_WAIT, /* 200, or 202 when the wait ends (Prefer: wait=n) */
    SUBMISSION_ASYNC /* 202 as soon as it is stored */
};

enum submission_state {
    SUBMISSION_SPARE,    /* in the pool */
    SUBMISSION_UNSTORED, /* the client waits, Kafka has not acknowledged everything */
    SUBMISSION_STORED,   /* the client waits for the model's answer */
    SUBMISSION_KEPT      /* the client was answered or left; its id is still known */
};

enum { PREFERENCE_SIZE = 32 };

struct submission {
    struct submission *next; /* in the list of its state */
    struct submission *previous;
    struct ingest *ingest;
    enum submission_state state;
    enum submission_mode mode;
    struct uuid id;
    const struct tenant *tenant; /* whose it is */
    struct http_exchange *x;     /* NULL: answered */
    struct results_wait *wait;   /* NULL: told, or not waited for */
    struct remote_wait *away;    /* the same while another instance owns the id */
    struct buf record;           /* the request, lent until its report */
    struct buf queued;           /* the QUEUED record, likewise */
    unsigned lent;               /* records not yet reported */
    bool request_stored;         /* Kafka acknowledged the request */
    size_t charged_bytes;        /* counted by admission; 0 = given back */
    int64_t began_ns;
    int64_t ends_ns;                  /* of the wait */
    size_t model;                     /* its number in the catalogue */
    struct oip_answer answer;         /* what the caller asked to see */
    void *answer_memory;              /* owns what answer points to */
    char preference[PREFERENCE_SIZE]; /* for Preference-Applied; "" = none */
};

struct submission_list {
    struct submission *first; /* oldest */
    struct submission *last;
};

enum { SPARE_BUFS = 256 };

struct submission_pool {
    struct submission_list lists[SUBMISSION_KEPT + 1]; /* by state */
    struct map by_id;
    size_t count; /* made, spare ones included */
    size_t limit;
    struct buf bufs[SPARE_BUFS]; /* memory for records, ready for reuse */
    size_t buf_count;
};

/** @param[in] limit submissions at most */
void submission_pool_init(struct submission_pool *pool, size_t limit, uint64_t seed);

/** Every submission must be spare again. */
void submission_pool_fini(struct submission_pool *pool);

/**
 * A zeroed submission of this tenant in state UNSTORED under this id. At the limit the
 * oldest kept one has to go, as far as no producer holds it.
 *
 * @return STATUS_OK; STATUS_FULL; STATUS_NO_MEMORY; STATUS_CONFLICT if the id is known
 */
MUST_CHECK enum status submission_take(struct ingest *ingest,
                                       const struct uuid *id,
                                       const struct tenant *tenant,
                                       struct submission **out);

/** The tenant's submission of an id, or NULL; another's is as good as none. */
struct submission *submission_find(const struct submission_pool *pool,
                                   const struct uuid *id,
                                   const struct tenant *tenant);

/** The one place where a state changes. */
void submission_move(struct submission *s, enum submission_state state);

/**
 * After a party let go: gives back what is not needed any more, admission's count
 * first, the submission itself when nobody holds it. s may be gone afterwards.
 */
void submission_settle(struct submission *s);

/** An empty buffer with memory to reuse; give it back when its record is reported. */
struct buf buf_borrow(struct submission_pool *pool, size_t limit);
void buf_return(struct submission_pool *pool, struct buf *b);

#endif
