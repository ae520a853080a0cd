/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate for every change of the former and of the cost model: a short run of the
 * simulator with the real ones, against the reference figures, and that the simulator
 * itself would notice what it is there to notice.
 */
#include "base/clock.h"
#include "bench/simulate/campaign.h"
#include "bench/simulate/list.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct device device = {.alpha_ns = 1e6,
                                     .beta_ns = 100e3,
                                     .stage_ns = 50e3,
                                     .stage_row_ns = 1000,
                                     .rows_max = 8,
                                     .slo_ns = 20 * NS_PER_MS};

static struct load
load_of(double rate, uint64_t seed)
{
    return (struct load){.rate = rate,
                         .duration_ns = NS_PER_S,
                         .seed = seed,
                         .kind_count = 1,
                         .kinds = {{1, 20 * NS_PER_MS, 1, 1, 0}}};
}

static struct score
run(const struct policy *policy, double rate, uint64_t seed)
{
    const struct load load = load_of(rate, seed);
    struct score score;
    score_init(&score);
    engine_run(policy, &device, &load, &score);
    return score;
}

Test(simulate, every_rule_keeps_to_its_reference_and_ours_to_its_bars)
{
    static struct campaign campaign;
    struct bar bars[BARS_MAX];
    campaign_run(&campaign, true, NULL);
    size_t count = campaign_judge(&campaign, bars);
    cr_assert(count > 10 && count <= BARS_MAX);
    for (size_t i = 0; i < count; i++) {
        cr_expect(bars[i].holds, "%s: %.3f (limit %.3f)", bars[i].text, bars[i].value,
                  bars[i].limit);
    }
}

Test(simulate, a_figure_out_of_its_band_is_told)
{
    const struct reference r = {.mean_ms = 10, .p99_ms = 20, .good = 80};
    struct outcome o = {.mean_ms = 10, .p99_ms = 20, .good = 80};
    cr_assert_float_eq(reference_distance(&r, &o, false, true), 0, 1e-9);
    o.mean_ms = 9;
    cr_assert_float_eq(reference_distance(&r, &o, false, true), 1, 1e-9);
    cr_assert_float_eq(reference_distance(&r, &o, false, false), 0, 1e-9);
    o.p99_ms = 24;
    cr_assert_float_eq(reference_distance(&r, &o, false, false), 2, 1e-9);
    o.good = 56;
    cr_assert_float_eq(reference_distance(&r, &o, false, false), 3, 1e-9);
    cr_assert(reference_distance(&r, &o, true, false) > 10);
}

Test(simulate, a_run_repeats_itself_from_its_seed)
{
    struct score first = run(policy_find("jit-edf"), 2000, 1);
    struct score again = run(policy_find("jit-edf"), 2000, 1);
    struct score other = run(policy_find("jit-edf"), 2000, 2);
    struct outcome a = tally_outcome(&first.all);
    struct outcome b = tally_outcome(&again.all);
    struct outcome c = tally_outcome(&other.all);
    cr_assert_float_eq(a.mean_ms, b.mean_ms, 1e-12);
    cr_assert_float_eq(a.max_ms, b.max_ms, 1e-12);
    cr_assert(a.mean_ms < c.mean_ms || a.mean_ms > c.mean_ms);
    score_fini(&first);
    score_fini(&again);
    score_fini(&other);
}

Test(simulate, every_policy_meets_the_same_requests_and_ends_each)
{
    uint64_t offered = 0;
    for (const struct policy *p = policies; p->name != NULL; p++) {
        struct score s = run(p, 6000, 3); /* twice what the device can do */
        offered = offered == 0 ? s.all.offered : offered;
        cr_expect_eq(s.all.offered, offered, "%s", p->name);
        cr_expect_eq(s.breaches.never, 0, "%s", p->name);
        cr_expect_eq(s.breaches.twice, 0, "%s", p->name);
        score_fini(&s);
    }
    cr_assert(offered > 5500 && offered < 6500);
}

Test(simulate, one_request_alone_takes_staging_and_a_run)
{
    struct score s = run(policy_find("greedy"), 3, 5);
    struct outcome o = tally_outcome(&s.all);
    cr_assert(s.all.count > 0);
    cr_assert_float_eq(o.mean_ms, 0.051 + 1.1, 1e-6);
    cr_assert_float_eq(o.max_ms, 0.051 + 1.1, 1e-6);
    score_fini(&s);
}

Test(simulate, bursts_keep_the_mean_rate)
{
    struct load load = load_of(3000, 7);
    load.bursty = true;
    load.duration_ns = 60 * NS_PER_S;
    struct stream stream;
    struct request r;
    uint64_t count = 0;
    stream_init(&stream, &load);
    while (stream_next(&stream, &r)) {
        count++;
    }
    cr_assert(count > 160000 && count < 200000, "%lu", (unsigned long)count);
}

/* A policy that breaks the rules: the newest first, all at once, and late. */
struct cheat {
    struct former_entry *newest;
};

static void
cheat_init(void *state, const struct policy *policy, const struct device *d)
{
    (void)state;
    (void)policy;
    (void)d;
}

static void
cheat_fini(void *state)
{
    (void)state;
}

static void
cheat_arrive(void *state, struct former_entry *e)
{
    struct cheat *c = state;
    e->next = c->newest;
    c->newest = e;
}

static void
cheat_decide(void *state, const struct moment *m, struct decision *decision)
{
    struct cheat *c = state;
    decision->wake_ns = TIME_NEVER;
    while (m->under_way == 0 && c->newest != NULL) {
        struct former_entry *e = c->newest;
        c->newest = e->next;
        list_append(&decision->batch, e);
        decision->too_late++;
    }
}

static void
cheat_finished(void *state, const struct run *run)
{
    (void)state;
    (void)run;
}

Test(simulate, broken_rules_are_noticed)
{
    const struct policy_ops ops = {.size = sizeof(struct cheat),
                                   .init = cheat_init,
                                   .fini = cheat_fini,
                                   .arrive = cheat_arrive,
                                   .decide = cheat_decide,
                                   .finished = cheat_finished};
    const struct policy policy = {.name = "cheat", .ops = &ops};
    struct score s = run(&policy, 12000, 4);
    cr_assert(s.breaches.disorder > 0);
    cr_assert(s.breaches.over_limit > 0);
    cr_assert(s.breaches.too_late == s.all.offered);
    score_fini(&s);
}
