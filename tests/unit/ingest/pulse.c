/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/pulse.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <jansson.h>

static struct pulse *pulse;

static void
setup(void)
{
    cr_assert_eq(pulse_create(&pulse), STATUS_OK);
}

static void
teardown(void)
{
    pulse_destroy(&pulse);
}

TestSuite(pulse, .init = setup, .fini = teardown);

static json_t *
written(int64_t now_ns)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_append_text(&b, "{");
    pulse_write(pulse, now_ns, &b);
    buf_append_text(&b, "}");
    json_t *document = json_loadb((const char *)b.data, b.size, 0, NULL);
    cr_assert_not_null(document);
    buf_fini(&b);
    return document;
}

static json_int_t
taken_at(const json_t *document, size_t second)
{
    const json_t *seconds = json_object_get(document, "seconds");
    cr_assert_eq(json_array_size(seconds), PULSE_SECONDS);
    return json_integer_value(
        json_object_get(json_array_get(seconds, second), "taken"));
}

Test(pulse, counts_by_the_second_oldest_first)
{
    int64_t now_ns = 1000 * NS_PER_S;
    pulse_taken(pulse, now_ns - NS_PER_S);
    pulse_taken(pulse, now_ns);
    pulse_taken(pulse, now_ns);
    json_t *document = written(now_ns);
    cr_assert_eq(taken_at(document, PULSE_SECONDS - 1), 2);
    cr_assert_eq(taken_at(document, PULSE_SECONDS - 2), 1);
    cr_assert_eq(taken_at(document, 0), 0);
    json_decref(document);
}

Test(pulse, forgets_what_is_older_than_a_minute)
{
    int64_t now_ns = 1000 * NS_PER_S;
    pulse_taken(pulse, now_ns - 60 * NS_PER_S);
    json_t *document = written(now_ns);
    for (size_t i = 0; i < PULSE_SECONDS; i++) {
        cr_assert_eq(taken_at(document, i), 0);
    }
    json_decref(document);
}

Test(pulse, knows_percentiles_of_latency_within_a_quarter)
{
    int64_t now_ns = 1000 * NS_PER_S;
    for (int64_t ms = 1; ms <= 100; ms++) {
        pulse_answered(pulse, now_ns, ms * NS_PER_MS, 4);
    }
    json_t *document = written(now_ns);
    const json_t *latency = json_object_get(document, "latency_ms");
    double p50 = json_real_value(json_object_get(latency, "p50"));
    double p99 = json_real_value(json_object_get(latency, "p99"));
    cr_assert(p50 >= 50 && p50 < 63, "%g", p50);
    cr_assert(p99 >= 99 && p99 < 124, "%g", p99);
    json_decref(document);
}

Test(pulse, has_no_latency_without_answers)
{
    json_t *document = written(1000 * NS_PER_S);
    cr_assert(json_is_null(json_object_get(document, "latency_ms")));
    json_decref(document);
}
