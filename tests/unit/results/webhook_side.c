/* SPDX-License-Identifier: Apache-2.0 */
/* The receiver, the journal and the turns of webhooks under test. */
#include "webhook_side.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS (30 * NS_PER_S)
#define TTL_US      3600000000LL

enum { ATTEMPTS = 4 };

static const int64_t delays_ns[ATTEMPTS] = {0, NS_PER_MS, NS_PER_MS, NS_PER_MS};

struct hook hook;

static struct uuid_source source;
static char url[HOOK_TEXT_MAX]; /* of the reply that was made last */

static bool
journal_is_ours(void *arg, const struct uuid *id)
{
    (void)arg;
    (void)id;
    return !hook.foreign;
}

static void
journal_write(void *arg, const struct uuid *id, struct span bytes)
{
    struct arena arena;
    struct webhook_record *record = &hook.journal[hook.journal_count++];
    (void)arg;
    arena_init(&arena, 4096);
    cr_assert_leq(hook.journal_count, HOOK_CALLS_MAX);
    cr_assert_eq(webhook_record_decode(bytes, &arena, record, NULL), STATUS_OK);
    cr_assert(uuid_equal(&record->id, id));
    cr_assert_eq(record->state == WEBHOOK_PENDING, record->body.size > 0);
    arena_fini(&arena);
}

static void
copy_header(struct http_exchange *x, const char *name, char *out)
{
    struct span value = http_header(x, name);
    snprintf(out, HOOK_TEXT_MAX, "%.*s", (int)value.size, (const char *)value.data);
}

void
hook_answer(struct http_exchange *x, int code)
{
    const struct http_header header = {"Retry-After", hook.receiver.retry_after};
    http_respond(x, code, &header, hook.receiver.retry_after != NULL, NULL);
}

static void
on_call(void *arg, struct http_exchange *x)
{
    (void)arg;
    size_t n = hook.receiver.calls++;
    cr_assert_lt(n, HOOK_CALLS_MAX);
    char timestamp[HOOK_TEXT_MAX];
    struct span body = http_body(x);
    copy_header(x, "webhook-id", hook.receiver.ids[n]);
    copy_header(x, "webhook-signature", hook.receiver.signatures[n]);
    copy_header(x, "webhook-timestamp", timestamp);
    hook.receiver.timestamps[n] = strtoll(timestamp, NULL, 10);
    hook.receiver.bodies[n] = strndup((const char *)body.data, body.size);
    cr_assert_eq(http_method(x), HTTP_POST);
    if (hook.receiver.codes[n] == 0) {
        hook.receiver.held[hook.receiver.held_count++] = x;
    } else {
        hook_answer(x, hook.receiver.codes[n]);
    }
}

void
hook_open_store(void)
{
    const struct store_config config = {.directory = hook.directory.path,
                                        .topic = "leat.replies",
                                        .bytes_max = 64 << 20,
                                        .ttl_us = TTL_US};
    cr_assert_eq(store_open(&hook.store, &config, NULL), STATUS_OK);
}

void
hook_setup(void)
{
    struct http_server_config config;
    http_server_defaults(&config);
    config.listen = "127.0.0.1:0";
    directory_create(&hook.directory);
    uuid_source_init(&source);
    cr_assert_eq(loop_create(&hook.loop), STATUS_OK);
    cr_assert_eq(http_server_create(&hook.receiver.server, hook.loop, &config, on_call,
                                    NULL, NULL),
                 STATUS_OK);
    hook_open_store();
}

void
hook_teardown(void)
{
    for (size_t i = 0; i < hook.receiver.held_count; i++) {
        hook_answer(hook.receiver.held[i], 200);
    }
    webhooks_destroy(&hook.webhooks);
    store_close(&hook.store);
    http_server_destroy(&hook.receiver.server);
    loop_destroy(&hook.loop);
    for (size_t i = 0; i < hook.receiver.calls; i++) {
        free(hook.receiver.bodies[i]);
    }
    directory_remove(&hook.directory);
}

const char *
hook_secret(const char *text)
{
    return directory_write(&hook.directory, "secret", text);
}

struct webhooks_config
hook_config(const char *secret_file)
{
    return (struct webhooks_config){
        .secret_file = secret_file,
        .allow_private = true,
        .timeout_ns = 5 * NS_PER_S,
        .attempts_max = ATTEMPTS,
        .pending_max = 100,
        .delays_ns = delays_ns,
        .pause_ns = 20 * NS_PER_MS,
        .lifetime_ns = 60 * NS_PER_S,
        .ttl_us = TTL_US,
        .journal = {.is_ours = journal_is_ours, .write = journal_write},
    };
}

void
hook_start(const struct webhooks_config *config)
{
    struct fault fault = {0};
    cr_assert_eq(webhooks_create(&hook.webhooks, hook.loop, hook.store, config, &fault),
                 STATUS_OK, "%s", fault.text);
    webhooks_ownership_changed(hook.webhooks);
}

void
hook_start_plain(void)
{
    struct webhooks_config config = hook_config(hook_secret(SECRET));
    hook_start(&config);
}

struct reply
hook_reply(const char *path)
{
    snprintf(url, sizeof url, "http://%s%s", http_server_address(hook.receiver.server),
             path);
    return (struct reply){
        .id = uuid_mint(&source, clock_wall_us()),
        .model = span_of_text("digits"),
        .model_version = span_of_text("1"),
        .status = REPLY_SUCCEEDED,
        .timing = {.submitted_us = 1, .completed_us = 1700000000123456},
        .tenant = span_of_text("default"),
        .webhook = {.url = span_of_text(url)},
    };
}

void
hook_push(const struct reply *reply)
{
    const struct stored stored = {
        .arrived_us = clock_wall_us(), .terminal = true, .bytes = span_of_text("r")};
    cr_assert_eq(store_put(hook.store, &reply->id, &stored), STATUS_OK);
    webhooks_begin(hook.webhooks, reply, clock_mono_ns(), clock_wall_us());
}

void
hook_turn(void)
{
    int64_t now_ns = clock_mono_ns();
    int64_t wait_ns = webhooks_turn(hook.webhooks, now_ns) - now_ns;
    loop_turn(hook.loop, wait_ns < 5 * NS_PER_MS ? wait_ns : 5 * NS_PER_MS);
}

struct webhook_record
hook_view(const struct reply *reply)
{
    struct webhook_record record;
    cr_assert_eq(
        delivery_book_recall(webhooks_book(hook.webhooks), &reply->id, &record),
        STATUS_OK);
    return record;
}

bool
hook_is_known(const struct reply *reply)
{
    struct webhook_record record;
    return delivery_book_recall(webhooks_book(hook.webhooks), &reply->id, &record) ==
           STATUS_OK;
}

struct reply
hook_begin(void)
{
    struct reply reply = hook_reply("/hook");
    hook_push(&reply);
    return reply;
}

void
hook_settle(const struct reply *reply)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (hook_view(reply).state == WEBHOOK_PENDING) {
        cr_assert_lt(clock_mono_ns(), end_ns, "still pending");
        hook_turn();
    }
}

struct reply
hook_deliver(void)
{
    struct reply reply = hook_begin();
    hook_settle(&reply);
    return reply;
}

void
hook_await_attempt(const struct reply *reply)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (hook_view(reply).attempts == 0) {
        cr_assert_lt(clock_mono_ns(), end_ns, "no attempt");
        hook_turn();
    }
}

void
hook_await_calls(size_t count)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (hook.receiver.calls < count) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%zu calls", hook.receiver.calls);
        hook_turn();
    }
}
