/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits: each ends once, whatever happens around it. A model that is a plain array is
 * put through the same random operations.
 */
#include "results/correlate.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <stdlib.h>

enum { IDS = 20, WAITS = 400, LIMIT = 64, STEPS = 200000 };

struct asker {
    struct correlate *correlate;
    struct results_wait *wait;
    struct asker *forgets; /* in its callback */
    int calls;
    enum status status;
    const struct reply *reply;
};

static struct uuid
id_of(unsigned n)
{
    struct uuid id = {{0}};
    id.bytes[15] = (uint8_t)n;
    id.bytes[3] = (uint8_t)(n * 37);
    return id;
}

static void
on_answer(void *waiter, enum status status, const struct reply *reply)
{
    struct asker *a = waiter;
    a->calls++;
    a->status = status;
    a->reply = reply;
    if (a->forgets != NULL) {
        correlate_forget(a->correlate, a->forgets->wait);
    }
}

static enum status
expect(struct correlate *c, struct asker *a, unsigned id, int64_t deadline_ns)
{
    const struct wanted wanted = {
        .id = id_of(id), .deadline_ns = deadline_ns, .fn = on_answer, .waiter = a};
    a->correlate = c;
    return correlate_expect(c, &wanted, &a->wait);
}

static size_t
answer(struct correlate *c, unsigned id)
{
    struct reply reply = {.id = id_of(id), .status = REPLY_SUCCEEDED};
    return correlate_answer(c, &reply);
}

Test(correlate, answers_everybody_who_waits_for_the_id_and_nobody_else)
{
    struct correlate c;
    struct asker a[3] = {{0}};
    correlate_init(&c, LIMIT, 1);
    cr_assert_eq(expect(&c, &a[0], 1, 100), STATUS_OK);
    cr_assert_eq(expect(&c, &a[1], 1, 200), STATUS_OK);
    cr_assert_eq(expect(&c, &a[2], 2, 300), STATUS_OK);
    cr_assert_eq(answer(&c, 1), 2);
    cr_assert_eq(answer(&c, 1), 0);
    cr_assert_eq(a[0].calls, 1);
    cr_assert_eq(a[1].calls, 1);
    cr_assert_eq(a[1].status, STATUS_OK);
    cr_assert_eq(a[2].calls, 0);
    cr_assert_eq(correlate_count(&c), 1);
    correlate_fini(&c);
}

Test(correlate, gives_out_due_waits_by_deadline_and_not_before)
{
    struct correlate c;
    struct asker a[2] = {{0}};
    struct wanted wanted;
    correlate_init(&c, LIMIT, 1);
    cr_assert_eq(correlate_next(&c), TIME_NEVER);
    cr_assert_eq(expect(&c, &a[0], 1, 200), STATUS_OK);
    cr_assert_eq(expect(&c, &a[1], 1, 100), STATUS_OK);
    cr_assert_eq(correlate_next(&c), 100);
    cr_assert_not(correlate_due(&c, 99, &wanted));
    cr_assert(correlate_due(&c, 100, &wanted));
    cr_assert_eq(wanted.waiter, &a[1]);
    cr_assert_not(correlate_due(&c, 199, &wanted));
    cr_assert_eq(answer(&c, 1), 1);
    cr_assert_eq(a[0].calls, 1);
    correlate_fini(&c);
}

Test(correlate, lets_an_answered_waiter_forget_its_neighbour)
{
    struct correlate c;
    correlate_init(&c, LIMIT, 1);
    for (int first = 0; first < 2; first++) {
        struct asker a[2] = {{0}};
        a[first].forgets = &a[1 - first];
        a[1 - first].forgets = &a[first];
        cr_assert_eq(expect(&c, &a[0], 1, 100), STATUS_OK);
        cr_assert_eq(expect(&c, &a[1], 1, 100), STATUS_OK);
        cr_assert_eq(answer(&c, 1), 1);
        cr_assert_eq(a[0].calls + a[1].calls, 1);
        cr_assert_eq(correlate_count(&c), 0);
    }
    correlate_fini(&c);
}

Test(correlate, refuses_waits_over_its_limit_and_takes_them_again_afterwards)
{
    struct correlate c;
    struct asker a[3] = {{0}};
    correlate_init(&c, 2, 1);
    cr_assert_eq(expect(&c, &a[0], 1, 100), STATUS_OK);
    cr_assert_eq(expect(&c, &a[1], 2, 100), STATUS_OK);
    cr_assert_eq(expect(&c, &a[2], 1, 100), STATUS_FULL);
    correlate_forget(&c, a[0].wait);
    cr_assert_eq(expect(&c, &a[2], 3, 100), STATUS_OK);
    cr_assert_eq(answer(&c, 3), 1);
    cr_assert_eq(answer(&c, 1), 0);
    cr_assert_eq(a[0].calls, 0);
    correlate_fini(&c);
}

static bool
is_odd(void *arg, const struct uuid *id)
{
    (void)arg;
    return id->bytes[15] % 2 == 1;
}

Test(correlate, ends_the_matching_waits_with_the_given_status)
{
    struct correlate c;
    struct asker a[10] = {{0}};
    correlate_init(&c, LIMIT, 1);
    for (unsigned i = 0; i < 10; i++) {
        cr_assert_eq(expect(&c, &a[i], i / 2, 100 + i), STATUS_OK);
    }
    cr_assert_eq(correlate_end(&c, STATUS_MISDIRECTED, is_odd, NULL), 4);
    for (unsigned i = 0; i < 10; i++) {
        bool odd = (i / 2) % 2 == 1;
        cr_assert_eq(a[i].calls, odd);
        cr_assert(!odd || a[i].status == STATUS_MISDIRECTED);
    }
    cr_assert_eq(correlate_end(&c, STATUS_CLOSED, NULL, NULL), 6);
    cr_assert_eq(correlate_count(&c), 0);
    cr_assert_eq(a[0].status, STATUS_CLOSED);
    correlate_fini(&c);
}

struct model {
    struct asker askers[WAITS];
    unsigned id[WAITS];
    int64_t deadline_ns[WAITS];
    bool waiting[WAITS];
    int expected_calls[WAITS];
    size_t count;
};

static void
model_expect(struct model *m, struct correlate *c, size_t n, int64_t now_ns)
{
    if (m->waiting[n]) {
        return;
    }
    m->id[n] = (unsigned)(random() % IDS);
    m->deadline_ns[n] = now_ns + random() % 50;
    enum status status = expect(c, &m->askers[n], m->id[n], m->deadline_ns[n]);
    cr_assert_eq(status, m->count == LIMIT ? STATUS_FULL : STATUS_OK);
    m->waiting[n] = status == STATUS_OK;
    m->count += m->waiting[n];
}

static void
model_answer(struct model *m, struct correlate *c, unsigned id)
{
    size_t expected = 0;
    for (size_t i = 0; i < WAITS; i++) {
        if (m->waiting[i] && m->id[i] == id) {
            m->waiting[i] = false;
            m->expected_calls[i]++;
            expected++;
        }
    }
    m->count -= expected;
    cr_assert_eq(answer(c, id), expected);
}

static void
model_forget(struct model *m, struct correlate *c, size_t n)
{
    if (m->waiting[n]) {
        correlate_forget(c, m->askers[n].wait);
        m->waiting[n] = false;
        m->count--;
    }
}

static void
model_due(struct model *m, struct correlate *c, int64_t now_ns)
{
    struct wanted wanted;
    while (correlate_due(c, now_ns, &wanted)) {
        size_t n = (size_t)((struct asker *)wanted.waiter - m->askers);
        cr_assert(m->waiting[n]);
        cr_assert_leq(m->deadline_ns[n], now_ns);
        m->waiting[n] = false;
        m->count--;
    }
    for (size_t i = 0; i < WAITS; i++) {
        cr_assert(!m->waiting[i] || m->deadline_ns[i] > now_ns);
    }
}

Test(correlate, does_what_a_naive_list_does_under_random_operations)
{
    static struct model m;
    struct correlate c;
    correlate_init(&c, LIMIT, 7);
    srandom(20260101);
    for (int64_t now_ns = 0; now_ns < STEPS; now_ns++) {
        size_t n = (size_t)(random() % WAITS);
        long what = random() % 100;
        if (what < 60) {
            model_expect(&m, &c, n, now_ns);
        } else if (what < 75) {
            model_answer(&m, &c, (unsigned)(random() % IDS));
        } else if (what < 95) {
            model_forget(&m, &c, n);
        } else {
            model_due(&m, &c, now_ns);
        }
        cr_assert_eq(correlate_count(&c), m.count);
        cr_assert_eq(m.askers[n].calls, m.expected_calls[n]);
    }
    for (size_t i = 0; i < WAITS; i++) {
        cr_assert_eq(m.askers[i].calls, m.expected_calls[i]);
    }
    correlate_fini(&c);
}
