/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/admission.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct admission a;
static struct tenants *tenants;
static const struct tenant *acme;
static const struct tenant *bolt;
static struct admission_refusal why;

static void
setup(void)
{
    const struct tenant_limits none = {0};
    cr_assert_eq(tenants_create(&tenants, &none), STATUS_OK);
    cr_assert_eq(tenants_know(tenants, span_of_text("acme"), &acme), STATUS_OK);
    cr_assert_eq(tenants_know(tenants, span_of_text("bolt"), &bolt), STATUS_OK);
    admission_init(&a, 3, 100);
}

static void
teardown(void)
{
    admission_fini(&a);
    tenants_destroy(&tenants);
}

TestSuite(admission, .init = setup, .fini = teardown);

static enum status
take(const struct tenant *tenant, size_t bytes, int64_t now_ns)
{
    const struct admission_ask ask = {
        .tenant = tenant, .bytes = bytes, .now_ns = now_ns};
    why = (struct admission_refusal){.detail = ""};
    return admission_take(&a, &ask, &why);
}

static void
limit(const struct tenant *tenant, const struct tenant_limits limits)
{
    tenant_limit(tenants, tenant, &limits);
}

Test(admission, refuses_more_requests_than_its_limit_until_one_leaves)
{
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(take(acme, 1, 0), STATUS_OK);
    }
    cr_assert_eq(take(bolt, 1, 0), STATUS_FULL);
    admission_give(&a, acme, 1, 0);
    cr_assert_eq(take(bolt, 1, 0), STATUS_OK);
}

Test(admission, refuses_more_bytes_than_its_limit)
{
    cr_assert_eq(take(acme, 60, 0), STATUS_OK);
    cr_assert_eq(take(acme, 41, 0), STATUS_FULL);
    cr_assert_eq(take(acme, 40, 0), STATUS_OK);
    admission_give(&a, acme, 60, 0);
    cr_assert_eq(a.all.bytes, 40);
    cr_assert_eq(a.all.requests, 1);
}

Test(admission, says_that_a_request_over_the_whole_limit_never_fits)
{
    cr_assert_eq(take(acme, 101, 0), STATUS_TOO_LARGE);
    cr_assert_eq(take(acme, 100, 0), STATUS_OK);
}

Test(admission, holds_each_tenant_to_its_own_limits)
{
    limit(acme, (struct tenant_limits){.inflight_max = 1, .inflight_bytes_max = 50});
    cr_assert_eq(take(acme, 51, 0), STATUS_TOO_LARGE);
    cr_assert_eq(take(acme, 1, 0), STATUS_OK);
    cr_assert_eq(take(acme, 1, 0), STATUS_FULL);
    cr_assert_geq(why.retry_after_s, 1);
    cr_assert_eq(take(bolt, 60, 0), STATUS_OK, "another tenant is not concerned");
    admission_give(&a, acme, 1, 0);
    cr_assert_eq(take(acme, 1, 0), STATUS_OK);
}

Test(admission, gives_each_who_is_refused_a_time_of_his_own)
{
    admission_init(&a, 1000, 1000000);
    int64_t now_ns = 0;
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(take(acme, 1, now_ns), STATUS_OK);
    }
    for (int i = 0; i < 200; i++) { /* ten a second leave, and others come */
        now_ns += NS_PER_S / 10;
        admission_give(&a, acme, 1, now_ns);
        cr_assert_eq(take(acme, 1, now_ns), STATUS_OK);
    }
    for (int64_t i = 0; i < 100; i++) {
        cr_assert_eq(take(acme, 1, now_ns), STATUS_FULL);
        int64_t wanted_s = (i + 1 + 9) / 10;
        cr_assert_leq(llabs(why.retry_after_s - wanted_s), 1, "%d: %d s", (int)i,
                      (int)why.retry_after_s);
    }
}

Test(admission, never_says_less_than_a_second_or_more_than_an_hour)
{
    cr_assert_eq(share_retry_s(5, 7), 1);
    cr_assert_eq(share_retry_s(NS_PER_S + 1, 0), 2);
    cr_assert_eq(share_retry_s(NS_PER_S, 0), 1);
    cr_assert_eq(share_retry_s(86400 * NS_PER_S, 0), 3600);
}

Test(admission, lets_a_tenant_send_at_its_rate_and_a_burst_at_once)
{
    admission_init(&a, 1000, 1000000);
    limit(acme, (struct tenant_limits){.rate_per_s = 10, .burst = 20});
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(take(acme, 1, 0), STATUS_OK);
    }
    cr_assert_eq(take(acme, 1, 0), STATUS_FULL);
    cr_assert_eq(take(bolt, 1, 0), STATUS_OK);
    cr_assert_eq(take(acme, 1, NS_PER_S / 10), STATUS_OK, "a token later");
    cr_assert_eq(take(acme, 1, NS_PER_S / 10), STATUS_FULL);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(take(acme, 1, 60 * NS_PER_S), STATUS_OK, "full again, no fuller");
    }
    cr_assert_eq(take(acme, 1, 60 * NS_PER_S), STATUS_FULL);
}

Test(admission, admits_who_comes_back_when_told_to_by_a_rate)
{
    enum { REFUSED = 50 };
    admission_init(&a, 1000, 1000000);
    limit(acme, (struct tenant_limits){.rate_per_s = 10, .burst = 10});
    int64_t due_s[REFUSED];
    for (int i = 0; i < 10; i++) {
        cr_assert_eq(take(acme, 1, 0), STATUS_OK);
    }
    for (int i = 0; i < REFUSED; i++) {
        cr_assert_eq(take(acme, 1, 0), STATUS_FULL);
        due_s[i] = why.retry_after_s;
    }
    for (int i = 0; i < REFUSED; i++) {
        cr_assert_eq(take(acme, 1, due_s[i] * NS_PER_S), STATUS_OK, "number %d", i);
    }
    cr_assert_leq(due_s[REFUSED - 1], 6, "no later than needed");
}

Test(admission, says_how_a_bucket_stands)
{
    struct share_tokens tokens;
    cr_assert_not(share_tokens(tenant_share(acme), tenant_limits(acme), &tokens));
    limit(acme, (struct tenant_limits){.rate_per_s = 2, .burst = 10});
    cr_assert_eq(take(acme, 1, 0), STATUS_OK);
    cr_assert(share_tokens(tenant_share(acme), tenant_limits(acme), &tokens));
    cr_assert_eq(tokens.quota, 10);
    cr_assert_eq(tokens.window_s, 5);
    cr_assert_eq(tokens.left, 9);
    cr_assert_eq(tokens.full_in_s, 1);
}

/* A model of 64 a second in batches of a second, callers with 20 s. */
static struct admission_ask
in_line(int64_t waiting, int64_t now_ns)
{
    return (struct admission_ask){
        .tenant = acme,
        .bytes = 1,
        .line = {.waiting = waiting, .drain_per_s = 64, .batch_ns = NS_PER_S},
        .patience_ns = 20 * NS_PER_S,
        .now_ns = now_ns,
    };
}

Test(admission, refuses_what_cannot_be_answered_before_its_deadline)
{
    admission_init(&a, 10000, 1000000);
    struct admission_ask ask = in_line(16 * 64, 0);
    cr_assert_eq(admission_take(&a, &ask, &why), STATUS_OK);
    ask = in_line(20 * 64, 0);
    cr_assert_eq(admission_take(&a, &ask, &why), STATUS_FULL);
    ask.patience_ns = 0;
    cr_assert_eq(admission_take(&a, &ask, &why), STATUS_OK, "it has no deadline");
    ask = in_line(20 * 64, 0);
    ask.line.drain_per_s = 0;
    cr_assert_eq(admission_take(&a, &ask, &why), STATUS_OK, "nothing is known");
}

Test(admission, refuses_nobody_while_less_than_a_batch_waits)
{
    struct admission_ask ask = in_line(40, 0);
    ask.patience_ns = NS_PER_S / 10;
    cr_assert_eq(admission_take(&a, &ask, &why), STATUS_OK);
}

/* The burst: what is refused comes back when it was told to, to a line that drains. */
Test(admission, admits_who_comes_back_when_told_to_by_the_line)
{
    enum { BURST = 5000, SECONDS = 120 };
    static int due[SECONDS];
    int64_t waiting = 0;
    admission_init(&a, BURST, 1000000);
    int refused = 0;
    for (int i = 0; i < BURST; i++) {
        const struct admission_ask ask = in_line(waiting, 0);
        if (admission_take(&a, &ask, &why) == STATUS_OK) {
            waiting++;
            continue;
        }
        cr_assert_lt(why.retry_after_s, SECONDS);
        due[why.retry_after_s]++;
        refused++;
    }
    cr_assert_geq(waiting, 900);
    cr_assert_leq(waiting, 18 * 64);
    int again = 0;
    for (int s = 1; s < SECONDS; s++) {
        for (int64_t left = waiting < 64 ? waiting : 64; s > 1 && left > 0; left--) {
            waiting--; /* the batch of this second */
            admission_give(&a, acme, 1, s * NS_PER_S);
        }
        for (int i = 0; i < due[s]; i++) {
            const struct admission_ask ask = in_line(waiting, s * NS_PER_S);
            bool taken = admission_take(&a, &ask, &why) == STATUS_OK;
            waiting += taken ? 1 : 0;
            again += taken ? 0 : 1;
        }
    }
    cr_assert_gt(refused, 3000);
    cr_assert_leq(again * 10, refused, "%d of %d were refused again", again, refused);
}

static struct uuid
key_number(int number)
{
    struct uuid key = {{0}};
    memcpy(key.bytes, &number, sizeof(number));
    return key;
}

/* A burst comes back while others come for the first time, half as many as can be
 * answered. */
Test(admission, keeps_its_promise_while_others_come)
{
    enum { BURST = 3000, SECONDS = 120, NEW = 32 };
    static int due[SECONDS][BURST];
    static int count[SECONDS];
    admission_init(&a, 10000, 10000000);
    int64_t waiting = 0;
    int told = 0;
    int broken = 0;
    int strangers = 0;
    for (int i = 0; i < BURST; i++) {
        struct admission_ask ask = in_line(waiting, 0);
        ask.key = key_number(i);
        if (admission_take(&a, &ask, &why) == STATUS_OK) {
            waiting++;
        } else {
            due[why.retry_after_s][count[why.retry_after_s]++] = i;
            told++;
        }
    }
    for (int s = 1; s < SECONDS; s++) {
        int64_t now_ns = s * NS_PER_S;
        for (int64_t left = waiting < 64 ? waiting : 64; s > 1 && left > 0; left--) {
            waiting--;
            admission_give(&a, acme, 1, now_ns);
        }
        for (int i = 0; i < NEW; i++) { /* before the others */
            struct admission_ask ask = in_line(waiting, now_ns);
            ask.key = key_number(BURST + s * NEW + i);
            bool taken = admission_take(&a, &ask, &why) == STATUS_OK;
            waiting += taken ? 1 : 0;
            strangers += taken ? 1 : 0;
        }
        for (int i = 0; i < count[s]; i++) {
            struct admission_ask ask = in_line(waiting, now_ns);
            ask.key = key_number(due[s][i]);
            cr_assert(admission_wants_key(&a, &ask));
            bool taken = admission_take(&a, &ask, &why) == STATUS_OK;
            waiting += taken ? 1 : 0;
            broken += taken ? 0 : 1;
        }
    }
    cr_assert_gt(told, 1500);
    cr_assert_leq(broken * 10, told, "%d of %d promises were broken", broken, told);
    cr_assert_gt(strangers, 1000);
}

/* None of those who were refused comes back. */
Test(admission, keeps_no_room_for_ever)
{
    admission_init(&a, 10000, 10000000);
    int64_t waiting = 0;
    for (int i = 0; i < 3000; i++) {
        struct admission_ask ask = in_line(waiting, 0);
        ask.patience_ns = 3 * NS_PER_S;
        ask.key = key_number(i);
        waiting += admission_take(&a, &ask, &why) == STATUS_OK ? 1 : 0;
    }
    cr_assert_lt(waiting, 200);
    struct admission_ask ask = in_line(0, 20 * NS_PER_S);
    ask.patience_ns = 3 * NS_PER_S;
    ask.key = key_number(5000);
    cr_assert_eq(admission_take(&a, &ask, &why), STATUS_OK, "nothing waits");
}
