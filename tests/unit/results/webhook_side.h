/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of webhooks share: deliveries to a receiver on the same loop that answers
 * what the test tells it to. The schedule is given in milliseconds; nothing sleeps, the
 * loop turns until the delivery has come where it should.
 */
#ifndef TESTS_UNIT_RESULTS_WEBHOOK_SIDE_H
#define TESTS_UNIT_RESULTS_WEBHOOK_SIDE_H

#include "base/http_server.h"
#include "base/loop.h"
#include "directory.h"
#include "results/store.h"
#include "results/webhooks.h"
#include "schemas/codec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOOK_CALLS_MAX = 64, HOOK_TEXT_MAX = 512 };

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"

struct receiver {
    struct http_server *server;
    int codes[HOOK_CALLS_MAX]; /* to answer; 0 = hold */
    const char *retry_after;
    size_t calls;
    char ids[HOOK_CALLS_MAX][HOOK_TEXT_MAX];
    char signatures[HOOK_CALLS_MAX][HOOK_TEXT_MAX];
    int64_t timestamps[HOOK_CALLS_MAX];
    char *bodies[HOOK_CALLS_MAX];
    struct http_exchange *held[HOOK_CALLS_MAX];
    size_t held_count;
};

struct hook {
    struct directory directory;
    struct loop *loop;
    struct store *store;
    struct webhooks *webhooks;
    struct receiver receiver;
    bool foreign; /* the ids are another's */
    size_t journal_count;
    struct webhook_record journal[HOOK_CALLS_MAX]; /* as read; their spans are gone */
};

extern struct hook hook; /* of this test, which is a process of its own */

void hook_setup(void);
void hook_teardown(void);
void hook_open_store(void);

/** Writes the file of secrets. @return its path, valid until the next */
const char *hook_secret(const char *text);
struct webhooks_config hook_config(const char *secret_file);
void hook_start(const struct webhooks_config *config);
/** With SECRET and what hook_config() says. */
void hook_start_plain(void);

/** A succeeded reply whose webhook is this path; its URL is valid until the next. */
struct reply hook_reply(const char *path);
/** It has come: keeps it and begins the delivery. */
void hook_push(const struct reply *reply);
/** Both, of a reply with the webhook /hook; and until the delivery has ended. */
struct reply hook_begin(void);
struct reply hook_deliver(void);

/** One turn of the loop; until the delivery has ended; until its first attempt has
 * failed; until the receiver was called so often. */
void hook_turn(void);
void hook_settle(const struct reply *reply);
void hook_await_attempt(const struct reply *reply);
void hook_await_calls(size_t count);

/** What is known of the delivery; its spans are valid until the next turn. */
struct webhook_record hook_view(const struct reply *reply);
bool hook_is_known(const struct reply *reply);

/** Answers a call that was held. */
void hook_answer(struct http_exchange *x, int code);

#endif
