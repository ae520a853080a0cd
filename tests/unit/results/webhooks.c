/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries to a receiver on the same loop that answers what the test tells it to.
 * The schedule is given in milliseconds; nothing sleeps, the loop turns until the
 * delivery has come where it should.
 */
#include "results/webhooks.h"

#include "base/clock.h"
#include "base/http_server.h"
#include "directory.h"
#include "results/signature.h"
#include "schemas/codec.h"
#include "schemas/tensor.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS_MAX = 64, TEXT_MAX = 512 };

#define SECRET      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"
#define PATIENCE_NS (10 * NS_PER_S)
#define TTL_US      3600000000LL

static const int64_t delays_ns[] = {0, NS_PER_MS, NS_PER_MS, NS_PER_MS};

struct receiver {
    struct http_server *server;
    int codes[CALLS_MAX]; /* to answer; 0 = hold */
    const char *retry_after;
    size_t calls;
    char ids[CALLS_MAX][TEXT_MAX];
    char signatures[CALLS_MAX][TEXT_MAX];
    int64_t timestamps[CALLS_MAX];
    char *bodies[CALLS_MAX];
    struct http_exchange *held[CALLS_MAX];
    size_t held_count;
};

static struct directory directory;
static struct loop *loop;
static struct store *store;
static struct webhooks *webhooks;
static struct receiver receiver;
static struct uuid_source source;

/* What others would read, and whether the ids are ours. */
static struct {
    bool foreign;
    size_t count;
    struct webhook_record records[CALLS_MAX]; /* their spans are gone */
} journal;

static bool
journal_is_ours(void *arg, const struct uuid *id)
{
    (void)arg;
    (void)id;
    return !journal.foreign;
}

static void
journal_write(void *arg, const struct uuid *id, struct span bytes)
{
    struct arena arena;
    struct webhook_record *record = &journal.records[journal.count++];
    (void)arg;
    arena_init(&arena, 4096);
    cr_assert_leq(journal.count, CALLS_MAX);
    cr_assert_eq(webhook_record_decode(bytes, &arena, record, NULL), STATUS_OK);
    cr_assert(uuid_equal(&record->id, id));
    cr_assert_eq(record->state == WEBHOOK_PENDING, record->body.size > 0);
    arena_fini(&arena);
}

static void
copy_header(struct http_exchange *x, const char *name, char *out)
{
    struct span value = http_header(x, name);
    snprintf(out, TEXT_MAX, "%.*s", (int)value.size, (const char *)value.data);
}

static void
answer(struct http_exchange *x, int code)
{
    const struct http_header header = {"Retry-After", receiver.retry_after};
    http_respond(x, code, &header, receiver.retry_after != NULL, NULL);
}

static void
on_call(void *arg, struct http_exchange *x)
{
    (void)arg;
    size_t n = receiver.calls++;
    cr_assert_lt(n, CALLS_MAX);
    char timestamp[TEXT_MAX];
    struct span body = http_body(x);
    copy_header(x, "webhook-id", receiver.ids[n]);
    copy_header(x, "webhook-signature", receiver.signatures[n]);
    copy_header(x, "webhook-timestamp", timestamp);
    receiver.timestamps[n] = strtoll(timestamp, NULL, 10);
    receiver.bodies[n] = strndup((const char *)body.data, body.size);
    cr_assert_eq(http_method(x), HTTP_POST);
    if (receiver.codes[n] == 0) {
        receiver.held[receiver.held_count++] = x;
    } else {
        answer(x, receiver.codes[n]);
    }
}

static void
open_store(void)
{
    const struct store_config config = {.directory = directory.path,
                                        .topic = "leat.replies",
                                        .bytes_max = 64 << 20,
                                        .ttl_us = TTL_US};
    cr_assert_eq(store_open(&store, &config, NULL), STATUS_OK);
}

static void
setup(void)
{
    struct http_server_config config;
    http_server_defaults(&config);
    config.listen = "127.0.0.1:0";
    directory_create(&directory);
    uuid_source_init(&source);
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    cr_assert_eq(
        http_server_create(&receiver.server, loop, &config, on_call, NULL, NULL),
        STATUS_OK);
    open_store();
}

static void
teardown(void)
{
    for (size_t i = 0; i < receiver.held_count; i++) {
        answer(receiver.held[i], 200);
    }
    webhooks_destroy(&webhooks);
    store_close(&store);
    http_server_destroy(&receiver.server);
    loop_destroy(&loop);
    for (size_t i = 0; i < receiver.calls; i++) {
        free(receiver.bodies[i]);
    }
    directory_remove(&directory);
}

TestSuite(webhooks, .init = setup, .fini = teardown);

static struct webhooks_config
config_of(const char *secret_file)
{
    return (struct webhooks_config){
        .secret_file = secret_file,
        .allow_private = true,
        .timeout_ns = 5 * NS_PER_S,
        .attempts_max = sizeof delays_ns / sizeof *delays_ns,
        .pending_max = 100,
        .delays_ns = delays_ns,
        .pause_ns = 20 * NS_PER_MS,
        .lifetime_ns = 60 * NS_PER_S,
        .ttl_us = TTL_US,
        .journal = {.is_ours = journal_is_ours, .write = journal_write},
    };
}

static void
start(const struct webhooks_config *config)
{
    struct fault fault = {0};
    cr_assert_eq(webhooks_create(&webhooks, loop, store, config, &fault), STATUS_OK,
                 "%s", fault.text);
    webhooks_ownership_changed(webhooks);
}

static void
start_plain(void)
{
    struct webhooks_config config =
        config_of(directory_write(&directory, "secret", SECRET));
    start(&config);
}

static struct reply
reply_to(const char *path, char url[static TEXT_MAX])
{
    snprintf(url, TEXT_MAX, "http://%s%s", http_server_address(receiver.server), path);
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

static void
push(const struct reply *reply)
{
    const struct stored stored = {
        .arrived_us = clock_wall_us(), .terminal = true, .bytes = span_of_text("r")};
    cr_assert_eq(store_put(store, &reply->id, &stored), STATUS_OK);
    webhooks_begin(webhooks, reply, clock_mono_ns(), clock_wall_us());
}

static void
turn(void)
{
    int64_t now_ns = clock_mono_ns();
    int64_t wait_ns = webhooks_turn(webhooks, now_ns) - now_ns;
    loop_turn(loop, wait_ns < 5 * NS_PER_MS ? wait_ns : 5 * NS_PER_MS);
}

/* Its spans are valid until the next turn. */
static struct webhook_record
view_of(const struct reply *reply)
{
    struct webhook_record record;
    cr_assert_eq(delivery_book_recall(webhooks_book(webhooks), &reply->id, &record),
                 STATUS_OK);
    return record;
}

static bool
is_known(const struct reply *reply)
{
    struct webhook_record record;
    return delivery_book_recall(webhooks_book(webhooks), &reply->id, &record) ==
           STATUS_OK;
}

static void
turn_until_settled(const struct reply *reply)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (view_of(reply).state == WEBHOOK_PENDING) {
        cr_assert_lt(clock_mono_ns(), end_ns, "still pending");
        turn();
    }
}

static void
turn_until_calls(size_t count)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (receiver.calls < count) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%zu calls", receiver.calls);
        turn();
    }
}

Test(webhooks, are_delivered_signed_and_say_what_happened)
{
    char url[TEXT_MAX];
    char expected[TEXT_MAX];
    char id[UUID_TEXT];
    struct secrets secrets;
    struct buf b;
    receiver.codes[0] = 204;
    start_plain();
    cr_assert(webhooks_enabled(webhooks));
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    uuid_format(&reply.id, id);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_eq(view_of(&reply).attempts, 1);
    snprintf(expected, sizeof expected, "msg_%.36s", id);
    cr_assert_str_eq(receiver.ids[0], expected);
    snprintf(expected, sizeof expected,
             "{\"type\":\"inference.succeeded\",\"timestamp\":"
             "\"2023-11-14T22:13:20.123456Z\",\"data\":{\"id\":\"%.36s\",",
             id);
    cr_assert_eq(strncmp(receiver.bodies[0], expected, strlen(expected)), 0, "%s",
                 receiver.bodies[0]);
    cr_assert_eq(
        secrets_read(&secrets, directory_write(&directory, "secret", SECRET), NULL),
        STATUS_OK);
    buf_init(&b, 4096);
    signature_write(&secrets, span_of_text(receiver.ids[0]), receiver.timestamps[0],
                    span_of_text(receiver.bodies[0]), &b);
    cr_assert(span_is_text(buf_span(&b), receiver.signatures[0]));
    cr_assert_leq(llabs(receiver.timestamps[0] - clock_wall_us() / 1000000), 5);
    buf_fini(&b);
}

Test(webhooks, are_tried_again_with_the_same_id_and_body_until_answered_2xx)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 500;
    receiver.codes[1] = 302;
    receiver.codes[2] = 200;
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    cr_assert_eq(receiver.calls, 3);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_eq(view_of(&reply).attempts, 3);
    cr_assert_str_eq(receiver.ids[0], receiver.ids[1]);
    cr_assert_str_eq(receiver.ids[0], receiver.ids[2]);
    cr_assert_str_eq(receiver.bodies[0], receiver.bodies[2]);
}

Test(webhooks, end_visibly_when_the_attempts_are_used_up)
{
    char url[TEXT_MAX];
    for (int i = 0; i < 4; i++) {
        receiver.codes[i] = 503;
    }
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_EXHAUSTED);
    cr_assert_eq(receiver.calls, 4);
}

Test(webhooks, stop_when_the_receiver_says_410)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 410;
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_STOPPED);
    cr_assert_eq(receiver.calls, 1);
}

Test(webhooks, wait_as_long_as_retry_after_says_and_an_hour_at_most)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 429;
    receiver.retry_after = "86400";
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (view_of(&reply).attempts == 0 && clock_mono_ns() < end_ns) {
        turn();
    }
    int64_t wait_us = view_of(&reply).due_us - clock_wall_us();
    cr_assert_leq(wait_us, 3600 * 1000000LL);
    cr_assert_geq(wait_us, 3590 * 1000000LL);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_PENDING);
}

Test(webhooks, to_private_addresses_are_refused_by_default)
{
    char url[TEXT_MAX];
    struct webhooks_config config =
        config_of(directory_write(&directory, "secret", SECRET));
    config.allow_private = false;
    start(&config);
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_EXHAUSTED);
    cr_assert_eq(receiver.calls, 0);
}

Test(webhooks, go_only_to_who_wanted_this_ending)
{
    const struct span failed[] = {span_of_text("failed"), span_of_text("expired")};
    char url[TEXT_MAX];
    start_plain();
    struct reply reply = reply_to("/hook", url);
    reply.webhook.events = failed;
    reply.webhook.event_count = 2;
    push(&reply);
    cr_assert_not(is_known(&reply));
    reply = reply_to("/hook", url);
    reply.webhook.events = failed;
    reply.webhook.event_count = 2;
    reply.status = REPLY_EXPIRED;
    receiver.codes[0] = 200;
    push(&reply);
    turn_until_settled(&reply);
    cr_assert_not_null(strstr(receiver.bodies[0], "\"inference.expired\""));
}

Test(webhooks, carry_small_outputs_and_a_path_to_large_ones)
{
    static uint8_t data[40000];
    char url[TEXT_MAX];
    struct tensor output = {.name = span_of_text("scores"),
                            .datatype = DATATYPE_UINT8,
                            .rank = 1,
                            .shape = {10},
                            .data = span_of(data, 10)};
    receiver.codes[0] = 200;
    receiver.codes[1] = 200;
    receiver.codes[2] = 200;
    start_plain();
    for (size_t i = 0; i < 3; i++) {
        static const size_t sizes[] = {10, 12000, 40000}; /* 12 kB print as 24 kB */
        struct reply reply = reply_to("/hook", url);
        output.shape[0] = (int64_t)sizes[i];
        output.data.size = sizes[i];
        reply.outputs = &output;
        reply.output_count = 1;
        push(&reply);
        turn_until_settled(&reply);
        const char *body = receiver.bodies[i];
        cr_assert_eq(strstr(body, "\"scores\"") != NULL, i == 0, "%zu", i);
        cr_assert_eq(strstr(body, "/result\"}}") != NULL, i != 0, "%s", body);
        cr_assert_lt(strlen(body), 20000);
    }
}

Test(webhooks, go_on_after_a_restart)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 500;
    receiver.retry_after = "1";
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (view_of(&reply).attempts == 0 && clock_mono_ns() < end_ns) {
        turn();
    }
    webhooks_destroy(&webhooks);
    store_close(&store);
    open_store();
    receiver.codes[1] = 200;
    start_plain();
    turn_until_settled(&reply);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_eq(view_of(&reply).attempts, 2);
    cr_assert_str_eq(receiver.ids[0], receiver.ids[1]);
}

Test(webhooks, are_made_again_after_a_stop_in_the_middle_of_a_call)
{
    char url[TEXT_MAX];
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_calls(1);
    webhooks_destroy(&webhooks);
    receiver.codes[1] = 200;
    start_plain();
    cr_assert_eq(view_of(&reply).state, WEBHOOK_PENDING);
    turn_until_settled(&reply);
    cr_assert_str_eq(receiver.ids[0], receiver.ids[1]);
}

Test(webhooks, to_one_server_go_four_at_a_time)
{
    enum { COUNT = 12 };
    char url[TEXT_MAX];
    struct reply replies[COUNT];
    start_plain();
    for (size_t i = 0; i < COUNT; i++) {
        replies[i] = reply_to(i % 2 == 0 ? "/a" : "/b?x", url);
        push(&replies[i]);
    }
    for (size_t done = 0; done < COUNT; done++) {
        size_t expected = done + 4 < COUNT ? done + 4 : COUNT;
        turn_until_calls(expected);
        turn();
        turn();
        cr_assert_eq(receiver.calls, expected);
        answer(receiver.held[done], 200);
    }
    receiver.held_count = 0;
    for (size_t i = 0; i < COUNT; i++) {
        turn_until_settled(&replies[i]);
        cr_assert_eq(view_of(&replies[i]).state, WEBHOOK_DELIVERED);
    }
}

Test(webhooks, over_the_bound_end_at_once)
{
    char url[TEXT_MAX];
    struct webhooks_config config =
        config_of(directory_write(&directory, "secret", SECRET));
    config.pending_max = 1;
    start(&config);
    struct reply first = reply_to("/hook", url);
    push(&first);
    struct reply second = reply_to("/hook", url);
    push(&second);
    cr_assert_eq(view_of(&first).state, WEBHOOK_PENDING);
    cr_assert_eq(view_of(&second).state, WEBHOOK_EXHAUSTED);
}

Test(webhooks, without_a_secret_end_at_once)
{
    char url[TEXT_MAX];
    struct webhooks_config config = config_of(NULL);
    start(&config);
    cr_assert_not(webhooks_enabled(webhooks));
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_EXHAUSTED);
}

Test(webhooks, with_urls_that_are_none_end_at_once)
{
    static const char *const urls[] = {"hook", "file:///etc/passwd", "http://[::1",
                                       "gopher://127.0.0.1/"};
    start_plain();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        char url[TEXT_MAX];
        struct reply reply = reply_to("/hook", url);
        reply.webhook.url = span_of_text(urls[i]);
        push(&reply);
        turn_until_settled(&reply);
        cr_assert_eq(view_of(&reply).state, WEBHOOK_EXHAUSTED, "%s", urls[i]);
    }
}

Test(webhooks, are_not_created_with_a_bad_secret_file)
{
    struct fault fault;
    struct webhooks_config config =
        config_of(directory_write(&directory, "secret", "nonsense\n"));
    cr_assert_eq(webhooks_create(&webhooks, loop, store, &config, &fault),
                 STATUS_INVALID);
    cr_assert_null(webhooks);
}

Test(webhooks, write_each_outcome_into_the_journal_by_rising_revision)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 500;
    receiver.codes[1] = 200;
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    cr_assert_eq(journal.count, 3, "begun, failed, delivered");
    for (size_t i = 0; i < journal.count; i++) {
        cr_assert_eq(journal.records[i].revision, (int64_t)i + 1);
        cr_assert_eq(journal.records[i].attempts, (int32_t)i);
        cr_assert_eq(journal.records[i].state == WEBHOOK_DELIVERED, i == 2);
    }
}

Test(webhooks, wait_until_the_journal_is_known_and_go_only_where_it_says_nothing)
{
    char url[TEXT_MAX];
    char done_url[TEXT_MAX];
    receiver.codes[0] = 200;
    start_plain();
    journal.foreign = true;
    struct reply reply = reply_to("/hook", url);
    struct reply done = reply_to("/done", done_url);
    push(&done);
    push(&reply);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    cr_assert_eq(receiver.calls, 0);
    cr_assert_eq(journal.count, 0);
    const struct webhook_record delivered = {.id = done.id,
                                             .state = WEBHOOK_DELIVERED,
                                             .revision = 2,
                                             .attempts = 1,
                                             .due_us = clock_wall_us()};
    struct buf b;
    buf_init(&b, 4096);
    webhook_record_encode(&delivered, &b);
    webhooks_learn(webhooks, &delivered, buf_span(&b));
    buf_fini(&b);
    journal.foreign = false;
    webhooks_ownership_changed(webhooks);
    turn_until_settled(&reply);
    cr_assert_eq(receiver.calls, 1);
    cr_assert_eq(view_of(&done).state, WEBHOOK_DELIVERED);
    cr_assert_eq(view_of(&done).revision, 2);
}

Test(webhooks, of_another_owner_are_no_longer_made)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 500;
    receiver.retry_after = "1";
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (view_of(&reply).attempts == 0 && clock_mono_ns() < end_ns) {
        turn();
    }
    journal.foreign = true;
    webhooks_ownership_changed(webhooks);
    cr_assert_geq(webhooks_turn(webhooks, clock_mono_ns() + 5 * NS_PER_S),
                  clock_mono_ns());
    cr_assert_eq(receiver.calls, 1);
}

Test(webhooks, that_ended_are_begun_anew_when_asked_for)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 410;
    receiver.codes[1] = 200;
    start_plain();
    struct reply reply = reply_to("/hook", url);
    push(&reply);
    turn_until_settled(&reply);
    int64_t revision = view_of(&reply).revision;
    cr_assert_eq(webhooks_redeliver(webhooks, &reply, clock_mono_ns()), STATUS_OK);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_PENDING);
    cr_assert_eq(view_of(&reply).attempts, 0);
    turn_until_settled(&reply);
    cr_assert_eq(view_of(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_gt(view_of(&reply).revision, revision);
    cr_assert_str_eq(receiver.ids[0], receiver.ids[1]);
    cr_assert_str_eq(receiver.bodies[0], receiver.bodies[1]);
    reply.webhook.url = span_of(NULL, 0);
    cr_assert_eq(webhooks_redeliver(webhooks, &reply, clock_mono_ns()),
                 STATUS_NOT_FOUND);
}

Test(webhooks, to_a_dead_endpoint_end_when_their_time_is_over)
{
    enum { COUNT = 30 };
    char url[TEXT_MAX];
    struct reply replies[COUNT];
    struct webhooks_config config =
        config_of(directory_write(&directory, "secret", SECRET));
    config.lifetime_ns = 0;
    config.attempts_max = 1;
    start(&config);
    for (size_t i = 0; i < COUNT; i++) {
        receiver.codes[i] = 500;
        replies[i] = reply_to("/hook", url);
        push(&replies[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        turn_until_settled(&replies[i]);
        cr_assert_eq(view_of(&replies[i]).state, WEBHOOK_EXHAUSTED);
    }
    cr_assert_lt(receiver.calls, 20, "the breaker opened: %zu calls", receiver.calls);
}

static void
count_listed(void *arg, const struct webhook_record *record)
{
    size_t *count = arg;
    cr_assert_eq(record->state, WEBHOOK_STOPPED);
    ++*count;
}

Test(webhooks, are_listed_page_by_page_to_their_tenant_only)
{
    enum { COUNT = 5 };
    char url[TEXT_MAX];
    size_t listed = 0;
    struct webhook_page page = {
        .tenant = span_of_text("default"), .state = WEBHOOK_STOPPED, .limit = 3};
    start_plain();
    for (size_t i = 0; i < COUNT; i++) {
        receiver.codes[i] = 410;
        struct reply reply = reply_to("/hook", url);
        reply.tenant = span_of_text(i == 2 ? "other" : "default");
        push(&reply);
        turn_until_settled(&reply);
    }
    struct delivery_book *book = webhooks_book(webhooks);
    cr_assert(delivery_book_list(book, &page, count_listed, &listed, &page.from));
    cr_assert_eq(listed, 3);
    cr_assert_not(delivery_book_list(book, &page, count_listed, &listed, &page.from));
    cr_assert_eq(listed, 4);
    page.state = WEBHOOK_DELIVERED;
    page.from = (struct uuid){{0}};
    cr_assert_not(delivery_book_list(book, &page, count_listed, &listed, &page.from));
    cr_assert_eq(listed, 4);
}

Test(webhooks, are_signed_with_the_new_secrets_after_a_reload)
{
    char url[TEXT_MAX];
    receiver.codes[0] = 200;
    receiver.codes[1] = 200;
    start_plain();
    struct reply first = reply_to("/hook", url);
    push(&first);
    turn_until_settled(&first);
    cr_assert_null(strchr(receiver.signatures[0], ' '));
    directory_write(&directory, "secret",
                    SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    cr_assert_eq(webhooks_reload(webhooks, NULL), STATUS_OK);
    struct reply second = reply_to("/hook", url);
    push(&second);
    turn_until_settled(&second);
    cr_assert_not_null(strchr(receiver.signatures[1], ' '));
    directory_write(&directory, "secret", "nonsense\n");
    cr_assert_eq(webhooks_reload(webhooks, NULL), STATUS_INVALID);
    cr_assert(webhooks_enabled(webhooks));
}
