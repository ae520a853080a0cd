/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deliveries with attempts left, in memory: which one is to be called next. Each
 * waits for its time, then in the line of its endpoint; endpoints take turns, so that
 * no one's ten thousand stand in front of another's one. About two hundred bytes a
 * delivery: URL and body stay in the store. Pure.
 */
#ifndef RESULTS_DELIVERY_LINE_H
#define RESULTS_DELIVERY_LINE_H

#include "base/heap.h"
#include "base/map.h"
#include "base/span.h"
#include "base/uuid.h"
#include "results/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One delivery. It stands in exactly one place: waits for its time, waits for its
 * endpoint, is being called, or was just taken as over. */
struct waiting_delivery {
    struct heap_node due;            /* first; waits for its time */
    struct endpoint_waiting waiting; /* for its endpoint */
    struct uuid id;
    int64_t due_ns;
    int64_t lives_until_ns; /* it is over then, if its endpoint's breaker is open */
    struct endpoint *endpoint;
    bool calling;
    void *user;                    /* of the line */
    struct waiting_delivery *next; /* all of them */
    struct waiting_delivery **link;
};

struct delivery_line {
    struct heap due;
    struct heap ready; /* endpoints by wake_ns */
    struct map by_id;
    struct map endpoints;
    struct waiting_delivery *all;
    size_t count;
    size_t limit;
    int64_t pause_ns;
    uint64_t turn;
    void *user;
};

/** @param[in] user given to each delivery @param[in] pause_ns see endpoint_note() */
void
delivery_line_init(struct delivery_line *l, size_t limit, int64_t pause_ns, void *user);
void delivery_line_fini(struct delivery_line *l);

struct delivery_times {
    int64_t due_ns;
    int64_t lives_until_ns;
};

/**
 * Adds one; NULL at the limit, if its endpoint holds half of it, or without memory. The
 * id is not there yet.
 */
struct waiting_delivery *delivery_line_add(struct delivery_line *l,
                                           const struct uuid *id,
                                           struct span url,
                                           struct delivery_times times);
void delivery_line_remove(struct delivery_line *l, struct waiting_delivery *d);
struct waiting_delivery *
delivery_line_find(const struct delivery_line *l, const struct uuid *id);

/** Waits for a new time, wherever it stood. @return false: no memory, stands nowhere */
bool delivery_line_schedule(struct delivery_line *l,
                            struct waiting_delivery *d,
                            int64_t due_ns);

enum delivery_turn {
    DELIVERY_NONE, /* nothing now */
    DELIVERY_CALL, /* is calling now, until delivery_line_answered() */
    DELIVERY_OVER  /* lived too long at an endpoint that is dead; stands nowhere */
};

/** The next one's turn. @param[out] d unless DELIVERY_NONE */
enum delivery_turn delivery_line_take(struct delivery_line *l,
                                      int64_t now_ns,
                                      struct waiting_delivery **d);

/** The call has ended; d stands nowhere. @param[in] verdict NULL: it says nothing */
void delivery_line_answered(struct delivery_line *l,
                            struct waiting_delivery *d,
                            const enum endpoint_verdict *verdict,
                            int64_t now_ns);

/** Monotonic time at which delivery_line_take() may give one. */
int64_t delivery_line_next(const struct delivery_line *l);

#endif
