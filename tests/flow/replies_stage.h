/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The results room on the in-process broker: replies are produced as a batcher would,
 * and come out at waits and finds; across restarts too. One stage a test, which is a
 * process of its own.
 */
#ifndef TESTS_FLOW_REPLIES_STAGE_H
#define TESTS_FLOW_REPLIES_STAGE_H

#include "base/clock.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "results/results.h"
#include "schemas/message.h"

#include <stddef.h>
#include <stdint.h>

#define REPLIES_PATIENCE_NS (30 * NS_PER_S)
#define REPLIES_TENANT      "acme"

struct replies_stage {
    struct loop *loop;
    struct results *results;
    char directory[64];
    struct results_config config; /* for the next replies_open() */
};

extern struct replies_stage replies_stage;

struct waiter {
    int calls;
    enum status status;
    enum reply_status reply_status;
    char error[64];
};

/** The stage with results opened but not yet ready; and its end. */
void replies_setup(void);
void replies_teardown(void);

/** Opens results anew after results_destroy(). */
void replies_open(void);
void replies_await_ready(void);

/** Produces a reply of REPLIES_TENANT, or any bytes, under this id. */
void
replies_produce(const struct uuid *id, enum reply_status status, const char *message);
void replies_produce_bytes(const struct uuid *id, const void *bytes, size_t size);
/** Until all that was produced has arrived. */
void replies_await_produced(void);

/** An id of that time; of long enough ago that nobody else can have taken it in a
 * rebalance. */
struct uuid replies_mint_at(int64_t wall_us);
struct uuid replies_mint(void);

/** Waits for a reply; `arg` of the callback is the waiter. */
struct results_wait *
replies_expect(const struct uuid *id, int64_t in_ns, struct waiter *w);
void replies_on_answer(void *arg, enum status status, const struct reply *reply);
/** Until it was called. */
void replies_await(const struct waiter *w);

/** Whether a tenant finds it; and what REPLIES_TENANT finds, which must be there. */
enum status replies_find(const struct uuid *id, const char *tenant);
enum reply_status replies_found(const struct uuid *id);
/** Until REPLIES_TENANT finds it. */
void replies_await_found(const struct uuid *id);

#endif
