/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendering of the metric tables in the Prometheus text format 0.0.4. Histogram buckets
 * are fixed: seconds from 0.5 ms to 10 s, sizes in powers of two.
 */
#include "base/metric.h"

#include <string.h>

enum { METRIC_TABLES = 32 };

struct metric_table {
    struct metric *rows;
    size_t count;
};

static struct metric_table tables[METRIC_TABLES];
static size_t table_count;

/* Upper bounds; what is above the last falls into +Inf only. */
static const double seconds_bounds[METRIC_BUCKETS] = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.075, 0.1,
    0.15,   0.25,  0.5,    0.75,  1,    2.5,   5,     7.5,  10,    30};

static double
bound_of(const struct metric *m, unsigned at)
{
    return m->kind == METRIC_SECONDS ? seconds_bounds[at] : (double)(1U << at);
}

void
metric_register(struct metric *table, size_t count)
{
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i].rows == table) {
            return;
        }
    }
    if (table_count < METRIC_TABLES) {
        tables[table_count++] = (struct metric_table){.rows = table, .count = count};
    }
}

void
metric_observe(struct metric *m, int64_t value)
{
    double real = m->kind == METRIC_SECONDS ? (double)value / 1e9 : (double)value;
    metric_add(m, value);
    atomic_fetch_add_explicit(&m->count, 1, memory_order_relaxed);
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        if (real <= bound_of(m, i)) {
            atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
            return;
        }
    }
}

static void
render_histogram(const struct metric *m, struct buf *out)
{
    const char *labels = m->labels == NULL ? "" : m->labels;
    const char *comma = m->labels == NULL ? "" : ",";
    unsigned long long seen = 0;
    for (unsigned i = 0; i < METRIC_BUCKETS; i++) {
        seen += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        buf_append_format(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", m->name, labels,
                          comma, bound_of(m, i), seen);
    }
    unsigned long long count = atomic_load_explicit(&m->count, memory_order_relaxed);
    double sum = (double)atomic_load_explicit(&m->value, memory_order_relaxed);
    sum = m->kind == METRIC_SECONDS ? sum / 1e9 : sum;
    buf_append_format(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", m->name, labels, comma,
                      count);
    buf_append_format(out, "%s_sum{%s} %.9g\n%s_count{%s} %llu\n", m->name, labels, sum,
                      m->name, labels, count);
}

static void
render_row(const struct metric *m, struct buf *out)
{
    if (m->kind == METRIC_SECONDS || m->kind == METRIC_SIZES) {
        render_histogram(m, out);
        return;
    }
    long long value = atomic_load_explicit(&m->value, memory_order_relaxed);
    const char *labels = m->labels == NULL ? "" : m->labels;
    buf_append_format(out, "%s{%s} %lld\n", m->name, labels, value);
}

static const char *
kind_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_SECONDS:
    case METRIC_SIZES:
        break;
    }
    return "histogram";
}

void
metric_render(struct buf *out)
{
    for (size_t t = 0; t < table_count; t++) {
        const struct metric_table *table = &tables[t];
        for (size_t i = 0; i < table->count; i++) {
            const struct metric *m = &table->rows[i];
            if (i == 0 || strcmp(m->name, m[-1].name) != 0) {
                buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", m->name,
                                  m->help == NULL ? "" : m->help, m->name,
                                  kind_name(m->kind));
            }
            render_row(m, out);
        }
    }
}
