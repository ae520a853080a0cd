/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics and the table of statuses. */
#include "base/metric.h"

#include "base/status.h"

#include <criterion/criterion.h>

#include <stdio.h>

static struct metric table[] = {
    {.name = "leat_test_total", .labels = "kind=\"a\"", .help = "Things."},
    {.name = "leat_test_total", .labels = "kind=\"b\""},
    {.name = "leat_wait_seconds", .help = "Waits.", .kind = METRIC_SECONDS},
};

Test(metric, renders_the_prometheus_text_format)
{
    metric_register(table, 3);
    metric_register(table, 3);
    metric_add(&table[0], 5);
    metric_observe(&table[2], 3000000);
    metric_observe(&table[2], 60000000000);
    struct buf out;
    buf_init(&out, 100000);
    metric_render(&out);
    buf_append_byte(&out, 0);
    const char *text = (const char *)out.data;
    cr_assert(strstr(text, "# TYPE leat_test_total counter\n"
                           "leat_test_total{kind=\"a\"} 5\n"
                           "leat_test_total{kind=\"b\"} 0\n") != NULL);
    cr_assert(strstr(text, "leat_wait_seconds_bucket{le=\"0.0025\"} 0\n") != NULL);
    cr_assert(strstr(text, "leat_wait_seconds_bucket{le=\"0.005\"} 1\n") != NULL);
    cr_assert(strstr(text, "leat_wait_seconds_bucket{le=\"+Inf\"} 2\n") != NULL);
    cr_assert(strstr(text, "leat_wait_seconds_sum{} 60.003\n") != NULL);
    buf_fini(&out);
}

Test(status, has_a_name_and_a_code_for_each_and_reads_names_back)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        const char *name = status_name((enum status)i);
        cr_assert_eq(status_from_name(span_of_text(name)), (enum status)i);
        cr_assert(status_http_code((enum status)i) >= 200);
    }
    cr_assert_eq(status_from_name(span_of_text("no such")), STATUS_INTERNAL);
}
