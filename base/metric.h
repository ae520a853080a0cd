/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as tables: each module owns one static table and lists it in its header; the
 * process registers tables at setup; the admin listener renders them in the Prometheus
 * text format 0.0.4. Values are atomics: any thread may add.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"
#include "base/status.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_SECONDS, METRIC_SIZES };
enum { METRIC_BUCKETS = 20 };

struct metric {
    const char *name;   /* "leat_accepted_total"; rows of one name stand together */
    const char *labels; /* `status="succeeded"`, or NULL */
    const char *help;   /* one sentence; first row of a name only */
    enum metric_kind kind;
    atomic_int_fast64_t value; /* counter, gauge; histogram: sum in ns, or of sizes */
    atomic_uint_fast64_t count;
    atomic_uint_fast64_t buckets[METRIC_BUCKETS]; /* histogram, not cumulative */
};

/** Adds a table to what is rendered; it must live as long as the process. At most 32.
 */
void metric_register(struct metric *table, size_t count);

static inline void
metric_add(struct metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline void
metric_set(struct metric *m, int64_t n)
{
    atomic_store_explicit(&m->value, n, memory_order_relaxed);
}

/** One observation of a histogram: ns for METRIC_SECONDS, a plain number for
 * METRIC_SIZES. */
void metric_observe(struct metric *m, int64_t value);

void metric_render(struct buf *out);

#endif
