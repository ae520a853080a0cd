/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies are kept whole, so quantiles are exact. */
#include "bench/simulate/score.h"

#include <stdio.h>
#include <stdlib.h>

/* A backlog that grows steadily more than doubles the latency from the second quarter
 * to the last. */
#define GROWTH_MOST 1.8

void
score_init(struct score *s)
{
    *s = (struct score){0};
}

void
score_fini(struct score *s)
{
    free(s->all.latencies_ns);
    for (int i = 0; i < GROUPS; i++) {
        free(s->kinds[i].latencies_ns);
    }
    score_init(s);
}

static void
tally_add(struct tally *t, const struct request *r, int64_t done_ns)
{
    t->offered++;
    if (done_ns == 0) {
        return;
    }
    if (t->count == t->capacity) {
        t->capacity = t->capacity == 0 ? 4096 : t->capacity * 2;
        t->latencies_ns = realloc(t->latencies_ns, t->capacity * sizeof(int64_t));
        if (t->latencies_ns == NULL) {
            fprintf(stderr, "bench-simulate: no memory\n");
            exit(71);
        }
    }
    t->good += done_ns <= r->entry.deadline_ns;
    t->latencies_ns[t->count++] = done_ns - r->entry.arrived_ns;
}

void
score_add(struct score *s, const struct load *load, struct request *r, int64_t done_ns)
{
    s->breaches.twice += r->ended;
    r->ended = true;
    tally_add(&s->all, r, done_ns);
    tally_add(&s->kinds[r->kind], r, done_ns);
    if (done_ns > 0) {
        int64_t quarter = r->entry.arrived_ns * QUARTERS / load->duration_ns;
        s->quarter_ns[quarter] += (double)(done_ns - r->entry.arrived_ns);
        s->quarter_count[quarter]++;
    }
}

static int
latency_order(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

struct outcome
tally_outcome(struct tally *t)
{
    struct outcome o = {0};
    if (t->offered > 0) {
        o.good = 100.0 * (double)t->good / (double)t->offered;
    }
    if (t->count == 0) {
        return o;
    }
    double sum_ns = 0;
    for (size_t i = 0; i < t->count; i++) {
        sum_ns += (double)t->latencies_ns[i];
    }
    qsort(t->latencies_ns, t->count, sizeof(int64_t), latency_order);
    o.mean_ms = sum_ns / (double)t->count / 1e6;
    o.p99_ms = (double)t->latencies_ns[t->count * 99 / 100] / 1e6;
    o.max_ms = (double)t->latencies_ns[t->count - 1] / 1e6;
    return o;
}

bool
score_is_unstable(const struct score *s)
{
    double second = s->quarter_ns[1] / (double)(s->quarter_count[1] + 1);
    double last = s->quarter_ns[3] / (double)(s->quarter_count[3] + 1);
    return last > GROWTH_MOST * second;
}
