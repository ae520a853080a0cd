/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger as one line of JSON: totals, then the same for each group of requests,
 * then what the answers tell of batches. Late is right but after the SLO; goodput is
 * what was right in time of all that was offered.
 */
#include "base/clock.h"
#include "bench/feed/ledger.h"

#include <stdio.h>
#include <stdlib.h>

enum group { GROUP_ALL, GROUP_FLOODER, GROUP_OTHERS, GROUP_SLO, GROUP_SLO2, GROUPS };

static const char *const group_names[GROUPS] = {"all", "flooder", "others", "slo",
                                                "slo2"};

struct report {
    const struct ledger *ledger;
    int64_t *values; /* room for one number an entry */
    size_t count;
};

static bool
belongs(const struct entry *e, enum group group)
{
    switch (group) {
    case GROUP_FLOODER:
        return e->due.tenant == 0;
    case GROUP_OTHERS:
        return e->due.tenant != 0;
    case GROUP_SLO:
        return !e->due.second;
    case GROUP_SLO2:
        return e->due.second;
    default:
        return true;
    }
}

static bool
is_late(const struct entry *e)
{
    return e->due.slo_ns > 0 && e->answered_ns - e->due.due_ns > e->due.slo_ns;
}

static int
ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void
sort(struct report *r)
{
    qsort(r->values, r->count, sizeof(*r->values), ascending);
}

static int64_t
quantile(const struct report *r, double q)
{
    return r->count == 0 ? 0 : r->values[(size_t)(q * (double)(r->count - 1) + 0.5)];
}

static double
quantile_ms(const struct report *r, double q)
{
    return (double)quantile(r, q) / 1e6;
}

static void
print_group(struct report *r, enum group group)
{
    size_t answers[ANSWER_COUNT] = {0};
    size_t offered = 0;
    size_t late = 0;
    r->count = 0;
    for (size_t i = 0; i < r->ledger->count; i++) {
        const struct entry *e = &r->ledger->entries[i];
        if (!e->due.counted || !belongs(e, group)) {
            continue;
        }
        offered++;
        answers[e->answer]++;
        if (e->answer == ANSWER_RIGHT) {
            late += is_late(e);
            r->values[r->count++] = e->answered_ns - e->due.due_ns;
        }
    }
    sort(r);
    printf(
        "\"offered\": %zu, \"right\": %zu, \"wrong\": %zu, \"expired\": %zu, "
        "\"failed\": %zu, \"missing\": %zu, \"late\": %zu, \"goodput\": %.2f, "
        "\"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f",
        offered, answers[ANSWER_RIGHT], answers[ANSWER_WRONG], answers[ANSWER_EXPIRED],
        answers[ANSWER_FAILED], answers[ANSWER_MISSING], late,
        offered == 0 ? 0
                     : 100.0 * (double)(answers[ANSWER_RIGHT] - late) / (double)offered,
        quantile_ms(r, .5), quantile_ms(r, .9), quantile_ms(r, .99), quantile_ms(r, 1));
}

/*
 * The steady rate is that between the first and the last tenth to be completed: what
 * the devices do while all of them have work.
 */
static void
print_rates(struct report *r, const struct pattern *p)
{
    int64_t last_ns = 0;
    r->count = 0;
    for (size_t i = 0; i < r->ledger->count; i++) {
        const struct entry *e = &r->ledger->entries[i];
        if (e->due.counted && e->answer == ANSWER_RIGHT) {
            r->values[r->count++] = e->completed_us;
            last_ns = e->answered_ns > last_ns ? e->answered_ns : last_ns;
        }
    }
    sort(r);
    double steady_s = (double)(quantile(r, .9) - quantile(r, .1)) / 1e6;
    double makespan_s = r->count == 0 ? 0 : (double)(last_ns - p->begin_ns) / 1e9;
    printf(", \"makespan_s\": %.3f, \"rate\": %.1f, \"steady_rate\": %.1f", makespan_s,
           makespan_s > 0 ? (double)r->count / makespan_s : 0,
           steady_s > 0 ? 0.8 * (double)r->count / steady_s : 0);
}

/* From the due instant to the batcher, for all it ended: the first hop, and what is
 * late from Kafka already. */
static void
print_arrivals(struct report *r, const struct ledger *l)
{
    r->count = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct entry *e = &l->entries[i];
        if (e->due.counted && e->answer != ANSWER_MISSING) {
            r->values[r->count++] = e->received_ns - e->due.due_ns;
        }
    }
    sort(r);
    printf(", \"arrive_p50_ms\": %.3f, \"arrive_p99_ms\": %.3f", quantile_ms(r, .5),
           quantile_ms(r, .99));
}

struct ran {
    int64_t started_us;
    int64_t completed_us;
    int32_t rows;
};

static int
by_start(const void *a, const void *b)
{
    const struct ran *x = a;
    const struct ran *y = b;
    if (x->started_us != y->started_us) {
        return x->started_us < y->started_us ? -1 : 1;
    }
    return x->completed_us < y->completed_us ? -1 : x->completed_us > y->completed_us;
}

/* The batches that the answers came out of, each once, by begin. @return their count */
static size_t
list_batches(const struct ledger *l, struct ran *ran)
{
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct entry *e = &l->entries[i];
        if (e->due.counted && e->started_us > 0) {
            ran[count++] = (struct ran){e->started_us, e->completed_us, e->batch_rows};
        }
    }
    qsort(ran, count, sizeof(*ran), by_start);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_start(&ran[kept - 1], &ran[i]) != 0) {
            ran[kept++] = ran[i];
        }
    }
    return kept;
}

/*
 * The device was idle between two batches although there was work: counted where the
 * next batch is as large as the largest. Means something for one device only.
 */
static void
print_batches(struct report *r, const struct ran *ran, size_t count)
{
    double rows = 0;
    int32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        rows += ran[i].rows;
        most = ran[i].rows > most ? ran[i].rows : most;
    }
    r->count = 0;
    for (size_t i = 1; i < count; i++) {
        if (ran[i].rows == most) {
            r->values[r->count++] = ran[i].started_us - ran[i - 1].completed_us;
        }
    }
    sort(r);
    printf(", \"batches\": %zu, \"batch_mean\": %.2f, \"gap_p50_us\": %lld, "
           "\"gap_p99_us\": %lld",
           count, count == 0 ? 0 : rows / (double)count, (long long)quantile(r, .5),
           (long long)quantile(r, .99));
}

bool
ledger_print(const struct ledger *l, const struct pattern *p)
{
    struct report r = {.ledger = l, .values = calloc(l->count + 1, sizeof(*r.values))};
    struct ran *ran = calloc(l->count + 1, sizeof(*ran));
    bool good = r.values != NULL && ran != NULL;
    if (good) {
        printf("{");
        print_group(&r, GROUP_ALL);
        print_rates(&r, p);
        print_arrivals(&r, l);
        print_batches(&r, ran, list_batches(l, ran));
        printf(", \"duplicates\": %llu", (unsigned long long)l->duplicates);
        for (int group = GROUP_FLOODER; group < GROUPS; group++) {
            printf(", \"%s\": {", group_names[group]);
            print_group(&r, (enum group)group);
            printf("}");
        }
        printf("}\n");
    }
    free(r.values);
    free(ran);
    return good;
}
