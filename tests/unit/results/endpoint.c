/* SPDX-License-Identifier: Apache-2.0 */
/* Who is called next, and what an endpoint's answers do to its places. */
#include "results/endpoint.h"

#include "base/clock.h"
#include "base/uuid.h"
#include "results/delivery_line.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define PAUSE_NS NS_PER_S

static struct delivery_line line;
static struct uuid_source source;

static void
setup(void)
{
    uuid_source_init(&source);
    delivery_line_init(&line, 20000, PAUSE_NS, NULL);
}

static void
teardown(void)
{
    delivery_line_fini(&line);
}

TestSuite(endpoint, .init = setup, .fini = teardown);

static struct waiting_delivery *
add(const char *url, int64_t due_ns)
{
    struct uuid id = uuid_mint(&source, 1);
    const struct delivery_times times = {.due_ns = due_ns,
                                         .lives_until_ns = 1000 * NS_PER_S};
    struct waiting_delivery *d =
        delivery_line_add(&line, &id, span_of_text(url), times);
    cr_assert_not_null(d);
    return d;
}

static struct waiting_delivery *
take(int64_t now_ns)
{
    struct waiting_delivery *d = NULL;
    return delivery_line_take(&line, now_ns, &d) == DELIVERY_NONE ? NULL : d;
}

static void
answer(struct waiting_delivery *d, enum endpoint_verdict verdict, int64_t now_ns)
{
    delivery_line_answered(&line, d, &verdict, now_ns);
}

Test(endpoint, gives_four_places_and_no_more)
{
    for (int i = 0; i < 6; i++) {
        add("http://a/x", 0);
    }
    struct waiting_delivery *first = take(1);
    for (int i = 1; i < ENDPOINT_PLACES; i++) {
        cr_assert_not_null(take(1));
    }
    cr_assert_null(take(1));
    answer(first, ENDPOINT_FINE, 2);
    cr_assert_not_null(take(2));
    cr_assert_null(take(2));
}

Test(endpoint, with_ten_thousand_in_line_lets_another_go_before_them)
{
    for (int i = 0; i < 10000; i++) {
        add("http://dead/x", 0);
    }
    struct waiting_delivery *healthy = add("http://alive/x", 0);
    bool came = false;
    for (int i = 0; i < ENDPOINT_PLACES + 1; i++) {
        came = came || take(1) == healthy;
    }
    cr_assert(came);
}

Test(endpoint, takes_turns_with_others)
{
    enum { ENDPOINTS = 5, EACH = 4 };
    int taken[ENDPOINTS] = {0};
    for (int i = 0; i < ENDPOINTS * EACH; i++) {
        char url[32];
        snprintf(url, sizeof url, "http://%d/", i / EACH);
        add(url, 0)->user = &taken[i / EACH];
    }
    for (int i = 0; i < ENDPOINTS; i++) {
        struct waiting_delivery *d = NULL;
        cr_assert_eq(delivery_line_take(&line, 1, &d), DELIVERY_CALL);
        int *count = d->user;
        cr_assert_eq(++*count, 1);
    }
}

Test(endpoint, that_fails_ten_times_in_a_row_is_left_alone_then_tried_once)
{
    int64_t now_ns = 1;
    for (int i = 0; i < 30; i++) {
        add("http://dead/x", 0);
    }
    for (int i = 0; i < ENDPOINT_FAILURES_MAX; i++) {
        struct waiting_delivery *d = take(now_ns);
        cr_assert_not_null(d, "%d", i);
        answer(d, ENDPOINT_FAILED, now_ns);
    }
    cr_assert_null(take(now_ns));
    cr_assert_eq(delivery_line_next(&line), now_ns + PAUSE_NS);
    now_ns += PAUSE_NS;
    struct waiting_delivery *probe = take(now_ns);
    cr_assert_not_null(probe);
    cr_assert_null(take(now_ns), "one at a time until it answers");
    answer(probe, ENDPOINT_FAILED, now_ns);
    cr_assert_eq(delivery_line_next(&line), now_ns + 2 * PAUSE_NS);
    now_ns += 2 * PAUSE_NS;
    probe = take(now_ns);
    answer(probe, ENDPOINT_FINE, now_ns);
    cr_assert_not_null(take(now_ns));
    cr_assert_not_null(take(now_ns), "a place more with every success");
    cr_assert_null(take(now_ns));
}

Test(endpoint, pauses_no_longer_than_sixty_times_the_first)
{
    struct map endpoints;
    map_init(&endpoints, 10, 1);
    struct endpoint *e = endpoint_borrow(&endpoints, span_of_text("http://a"));
    int64_t now_ns = 0;
    for (int i = 0; i < 40; i++) {
        endpoint_note(e, ENDPOINT_FAILED, now_ns, PAUSE_NS);
        now_ns = e->paused_until_ns > now_ns ? e->paused_until_ns : now_ns + 1;
    }
    cr_assert_eq(e->pause_ns, ENDPOINT_PAUSES_MAX * PAUSE_NS);
    endpoint_return(&endpoints, e);
    map_fini(&endpoints);
}

Test(endpoint, that_wants_less_has_one_place_after_a_pause)
{
    for (int i = 0; i < 4; i++) {
        add("http://busy/x", 0);
    }
    answer(take(1), ENDPOINT_SLOW_DOWN, 1);
    cr_assert_null(take(2));
    cr_assert_not_null(take(1 + PAUSE_NS));
    cr_assert_null(take(1 + PAUSE_NS));
}

Test(endpoint, that_is_dead_gives_up_what_has_lived_too_long)
{
    struct waiting_delivery *d = NULL;
    for (int i = 0; i < ENDPOINT_FAILURES_MAX; i++) {
        add("http://dead/x", 0);
        answer(take(1), ENDPOINT_FAILED, 1);
    }
    add("http://dead/x", 0)->lives_until_ns = 5;
    cr_assert_eq(delivery_line_take(&line, 4, &d), DELIVERY_NONE);
    cr_assert_eq(delivery_line_next(&line), 5);
    cr_assert_eq(delivery_line_take(&line, 5, &d), DELIVERY_OVER);
    delivery_line_remove(&line, d);
}

Test(endpoint, holds_half_of_all_places_in_memory_at_most)
{
    delivery_line_fini(&line);
    delivery_line_init(&line, 10, PAUSE_NS, NULL);
    for (int i = 0; i < 5; i++) {
        add("http://a/x", 0);
    }
    struct uuid id = uuid_mint(&source, 1);
    const struct delivery_times times = {.due_ns = 0};
    cr_assert_null(delivery_line_add(&line, &id, span_of_text("http://a/y"), times));
    for (int i = 0; i < 5; i++) {
        add("http://b/x", 0);
    }
    cr_assert_null(delivery_line_add(&line, &id, span_of_text("http://c/y"), times));
}

Test(endpoint, forgets_what_is_removed_wherever_it_stands)
{
    struct waiting_delivery *timed = add("http://a/x", 100);
    struct waiting_delivery *queued[3];
    for (int i = 0; i < 3; i++) {
        queued[i] = add("http://b/x", 0);
    }
    struct waiting_delivery *calling = NULL;
    cr_assert_eq(delivery_line_take(&line, 1, &calling), DELIVERY_CALL);
    struct uuid id = calling->id;
    delivery_line_remove(&line, timed);
    for (int i = 0; i < 3; i++) {
        if (queued[i] != calling) {
            delivery_line_remove(&line, queued[i]);
        }
    }
    cr_assert_null(take(200));
    cr_assert_eq(delivery_line_find(&line, &id), calling);
    answer(calling, ENDPOINT_FINE, 201);
    delivery_line_remove(&line, calling);
    cr_assert_eq(line.count, 0);
    cr_assert_eq(line.endpoints.count, 0);
}
