/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random puts, looks, passing time, commits and restarts, against what a few lines of
 * plain memory say should be found. A failure prints the seed; LEAT_SEED repeats it.
 */
#include "base/clock.h"
#include "directory.h"
#include "results/store.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20, IDS = 400, STEPS = 30000 };

#define TTL_US       3600000000LL
#define SHORT_TTL_US 300000000LL

struct known {
    struct uuid id;
    bool queued;
    bool ended;
    bool delivered;
    int64_t arrived_us; /* of the record that counts */
    uint64_t content;
};

static struct directory directory;
static struct store *store;
static struct uuid_source ids;
static struct known model[IDS];
static uint64_t random_state;
static int64_t now_us; /* wall */
static int64_t bytes_max;

static void
setup(void)
{
    directory_create(&directory);
    uuid_source_init(&ids);
    now_us = clock_wall_us(); /* and runs ahead: closing a store looks at the clock */
    bytes_max = 64 * MIB;
    const char *seed = getenv("LEAT_SEED");
    random_state =
        seed == NULL ? (uint64_t)clock_mono_ns() | 1 : strtoull(seed, NULL, 10);
    fprintf(stderr, "LEAT_SEED=%llu\n", (unsigned long long)random_state);
}

static void
teardown(void)
{
    directory_remove(&directory);
}

TestSuite(store_model, .init = setup, .fini = teardown, .timeout = 120);

/* xorshift64 (Marsaglia 2003). */
static uint64_t
draw(uint64_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % below;
}

static void
open_store(void)
{
    const struct store_config config = {.directory = directory.path,
                                        .topic = "t",
                                        .bytes_max = bytes_max,
                                        .ttl_us = TTL_US,
                                        .delivered_ttl_us = SHORT_TTL_US};
    struct fault fault = {0};
    cr_assert_eq(store_open(&store, &config, &fault), STATUS_OK, "%s", fault.text);
}

static struct span
content_of(uint64_t content)
{
    static uint64_t words[150];
    words[0] = content;
    return span_of(words, sizeof content + content % (sizeof words - sizeof content));
}

/* A third tells its time, a third a time that is ahead, the rest none. */
static void
forget(struct known *k)
{
    int64_t ahead_us = draw(2) == 0 ? 0 : (int64_t)draw(2 * TTL_US);
    *k = (struct known){.id = uuid_mint(&ids, now_us + ahead_us)};
    if (draw(3) == 0) {
        k->id.bytes[6] = (uint8_t)(k->id.bytes[6] & 0x0f) | 0x40;
    }
}

static bool
is_over(const struct known *k)
{
    return k->arrived_us + TTL_US < now_us;
}

static void
put(struct known *k)
{
    if (k->ended && is_over(k)) {
        forget(k); /* whether it is still known is nobody's promise */
    }
    struct known next = {.id = k->id,
                         .queued = true,
                         .ended = draw(4) != 0,
                         .arrived_us = now_us,
                         .content = draw(1 << 30)};
    next.delivered = next.ended && draw(3) == 0;
    const struct stored r = {.arrived_us = now_us,
                             .terminal = next.ended,
                             .delivered = next.delivered,
                             .bytes = content_of(next.content)};
    bool news = next.ended ? !k->ended : !k->ended && !(k->queued && !is_over(k));
    bool either = !next.ended && k->queued && !k->ended && is_over(k);
    enum status status = store_put(store, &k->id, &r);
    cr_assert(either || status == (news ? STATUS_OK : STATUS_CONFLICT), "%s",
              status_name(status));
    if (status == STATUS_OK) {
        *k = next;
    }
}

static void
check(const struct known *k)
{
    struct stored r = {0};
    int64_t ttl_us = k->delivered ? SHORT_TTL_US : TTL_US;
    bool there = k->queued && k->arrived_us + ttl_us >= now_us;
    enum status status = store_get(store, &k->id, now_us, &r);
    cr_assert_eq(status, there ? STATUS_OK : STATUS_NOT_FOUND,
                 "%s: ended %d delivered %d age %lld ahead %lld", status_name(status),
                 k->ended, k->delivered, (long long)(now_us - k->arrived_us),
                 (long long)(uuid_minted_us(&k->id) - k->arrived_us));
    if (there) {
        cr_assert_eq(r.terminal, k->ended);
        cr_assert_eq(r.arrived_us, k->arrived_us);
        cr_assert(span_equal(r.bytes, content_of(k->content)));
    }
    if (k->ended && !is_over(k)) {
        cr_assert(store_ended(store, &k->id, now_us));
    }
}

static void
check_all(void)
{
    for (size_t i = 0; i < IDS; i++) {
        check(&model[i]);
    }
}

static void
step(void)
{
    switch (draw(400)) {
    case 0:
        store_close(&store);
        open_store();
        check_all();
        break;
    case 1:
        now_us += (int64_t)draw(TTL_US / 4);
        break;
    case 2:
        check_all();
        break;
    case 3:
    case 4:
    case 5:
        cr_assert_eq(store_commit(store, now_us), STATUS_OK);
        break;
    default:
        now_us += (int64_t)draw(TTL_US / 20000);
        put(&model[draw(IDS)]);
        check(&model[draw(IDS)]);
        break;
    }
}

Test(store_model, finds_what_plain_memory_would_find)
{
    open_store();
    for (size_t i = 0; i < IDS; i++) {
        forget(&model[i]);
    }
    for (int i = 0; i < STEPS; i++) {
        step();
        cr_assert_not(store_damaged(store));
    }
    store_close(&store);
}

/* Ids in order of time: what is missing must all be older than what is there. */
static void
check_order(size_t count, const struct uuid *made)
{
    struct stored r;
    bool there = false;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        bool has = store_get(store, &made[i], now_us, &r) == STATUS_OK;
        cr_assert(has || !there, "row %zu went before an older one", i);
        there = has;
        found += has;
    }
    cr_assert(there, "the newest is kept");
    cr_assert_geq(found, count < 100 ? count : 100);
}

Test(store_model, evicts_the_oldest_first_through_restarts)
{
    enum { COUNT = 20000 };
    static struct uuid made[COUNT];
    bytes_max = 3 * MIB;
    open_store();
    for (size_t i = 0; i < COUNT; i++) {
        now_us += (int64_t)draw(TTL_US / COUNT) / (draw(2) == 0 ? 1 : 100) + 1000;
        made[i] = uuid_mint(&ids, now_us);
        const struct stored r = {now_us, true, false, content_of(draw(1 << 20))};
        cr_assert_eq(store_put(store, &made[i], &r), STATUS_OK);
        if (draw(50) == 0) {
            cr_assert_eq(store_commit(store, now_us), STATUS_OK);
        }
        if (draw(4000) == 0) {
            store_close(&store);
            open_store();
            check_order(i + 1, made);
        }
    }
    cr_assert_eq(store_commit(store, now_us), STATUS_OK);
    check_order(COUNT, made);
    cr_assert_not(store_damaged(store));
    store_close(&store);
}
