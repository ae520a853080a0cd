/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random lives of a former in front of a simulated device: requests of all kinds
 * arrive, batches are taken when planned or at any other moment, some requests are
 * canceled or given back. Whatever happens, the promises of former.h hold at every
 * step.
 */
#include "former_side.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

enum { LIVES = 4000, STEPS = 160, ENTRIES = STEPS * 4 };

#define MS NS_PER_MS

struct life {
    struct side s;
    struct former_config config;
    unsigned seed;
    unsigned tenants;
    unsigned levels;
    unsigned signatures;
    uint32_t rows_most; /* of a request */
    int64_t budget_ns;  /* of those with a deadline, at most */
    struct former_entry entries[ENTRIES];
    bool is_out[ENTRIES];
    size_t added;
    size_t out;
    int64_t ends_ns[FORMER_DEPTH]; /* of the batches under way, in order */
};

static unsigned
draw(struct life *l, unsigned below)
{
    return (unsigned)rand_r(&l->seed) % below;
}

static void
begin(struct life *l, unsigned seed)
{
    memset(l, 0, sizeof *l);
    l->seed = seed;
    l->tenants = 1 + draw(l, 6);
    l->levels = 1 + draw(l, 3);
    l->signatures = 1 + draw(l, 3);
    l->rows_most = draw(l, 2) == 0 ? 1 : 1 + draw(l, 16);
    l->budget_ns = (1 + (int64_t)draw(l, 60)) * MS;
    l->config = (struct former_config){.patience_ns = (1 + (int64_t)draw(l, 50)) * MS,
                                       .max_delay_ns = draw(l, 4) == 0 ? 3 * MS : 0,
                                       .shed = draw(l, 2) == 0};
    side_open(&l->s, ENTRIES, l->config);
    l->s.ask.rows_max = 16 + draw(l, 48);
    l->s.ask.bytes_max = draw(l, 2) == 0 ? 1 << 20 : 400;
    l->s.ask.reply_ns = draw(l, 2) * 300 * NS_PER_US;
    if (draw(l, 3) == 0) {
        static const uint32_t buckets[] = {4, 16, 32};
        cost_init(&l->s.run, 64, buckets, 3);
        for (uint32_t rows = 1; rows <= 64; rows++) {
            cost_observe(&l->s.run, rows, side_run_ns(rows));
        }
    }
}

static void
arrive(struct life *l)
{
    if (l->added == ENTRIES) {
        return;
    }
    struct former_entry *e = &l->entries[l->added];
    *e = side_entry(TIME_NEVER);
    e->arrived_ns = l->s.ask.now_ns;
    if (draw(l, 4) > 0) {
        e->deadline_ns = e->arrived_ns + 1 + draw(l, (unsigned)l->budget_ns);
    }
    e->signature = draw(l, l->signatures);
    e->tenant = draw(l, l->tenants);
    e->level = 1 + draw(l, l->levels);
    e->rows = 1 + draw(l, l->rows_most);
    e->bytes = 1 + draw(l, 60);
    e->partition = (int32_t)draw(l, 3);
    e->offset = (int64_t)l->added++;
    side_add(&l->s, e);
}

static void
note_out(struct life *l, const struct former_entry *e)
{
    size_t i = (size_t)(e - l->entries);
    cr_assert_not(l->is_out[i], "given out twice");
    l->is_out[i] = true;
    l->out++;
}

static size_t
note_all_out(struct life *l, const struct former_list *list)
{
    size_t count = 0;
    uint64_t rows = 0;
    for (const struct former_entry *e = list->first; e != NULL; e = e->next) {
        note_out(l, e);
        rows += e->rows;
        count++;
    }
    cr_assert_eq(count, list->count);
    cr_assert_eq(rows, list->rows);
    return count;
}

static bool
makes_it(const struct life *l, const struct former_entry *e, uint32_t rows)
{
    const struct former_ask *ask = &l->s.ask;
    int64_t start_ns = ask->now_ns + cost_bound(ask->stage, rows);
    start_ns = start_ns > ask->free_ns ? start_ns : ask->free_ns;
    return e->deadline_ns == TIME_NEVER ||
           start_ns + cost_bound(ask->run, rows) + ask->reply_ns <= e->deadline_ns;
}

/** Nothing of the same queue that is due before it, or came before it, still waits. */
static void
check_order(const struct life *l, const struct former_entry *taken)
{
    for (size_t i = 0; i < l->added; i++) {
        const struct former_entry *e = &l->entries[i];
        if (!l->is_out[i] && e->signature == taken->signature &&
            e->level == taken->level && e->tenant == taken->tenant) {
            cr_assert(taken->due_ns < e->due_ns ||
                      (taken->due_ns == e->due_ns && taken->arrival < e->arrival));
        }
    }
}

static void
check_batch(struct life *l, const struct former_list *batch)
{
    size_t bytes = 0;
    (void)note_all_out(l, batch);
    for (const struct former_entry *e = batch->first; e != NULL; e = e->next) {
        bytes += e->bytes;
        cr_assert_eq(e->signature, batch->first->signature);
        cr_assert(makes_it(l, e, (uint32_t)batch->rows), "seed %u: would be late",
                  l->seed);
        check_order(l, e);
    }
    cr_assert_leq(batch->rows, l->s.ask.rows_max);
    cr_assert_leq(bytes, l->s.ask.bytes_max);
}

static void
check_shed(struct life *l, const struct former_list *shed, size_t others)
{
    (void)note_all_out(l, shed);
    for (const struct former_entry *e = shed->first; e != NULL; e = e->next) {
        cr_assert_neq(e->deadline_ns, TIME_NEVER);
        if (makes_it(l, e, e->rows)) {
            cr_assert(l->config.shed);
            cr_assert_gt(others, 0, "the last one is run, not given up");
        }
    }
}

static void
take(struct life *l)
{
    struct former_ask *ask = &l->s.ask;
    size_t before = former_count(l->s.f);
    struct former_list batch;
    struct former_list shed;
    former_take(l->s.f, ask, &batch, &shed);
    if (ask->under_way == FORMER_DEPTH) {
        cr_assert_eq(batch.count + shed.count, 0, "no more than the depth");
        return;
    }
    cr_assert_eq(former_count(l->s.f), before - batch.count - shed.count);
    cr_assert(batch.count > 0 || former_count(l->s.f) == 0, "an idle device is fed");
    check_shed(l, &shed, batch.count + former_count(l->s.f));
    check_batch(l, &batch);
    if (batch.count > 0) {
        int64_t start_ns = ask->now_ns + side_stage_ns((uint32_t)batch.rows);
        start_ns = start_ns > ask->free_ns ? start_ns : ask->free_ns;
        ask->free_ns = start_ns + side_run_ns((uint32_t)batch.rows);
        l->ends_ns[ask->under_way++] = ask->free_ns;
    }
}

static void
expire(struct life *l)
{
    struct former_list expired;
    int64_t next_ns = former_next_expiry(l->s.f, &l->s.ask);
    former_expire(l->s.f, &l->s.ask, &expired);
    cr_assert_eq(expired.count > 0, next_ns <= l->s.ask.now_ns);
    for (const struct former_entry *e = expired.first; e != NULL; e = e->next) {
        cr_assert_not(makes_it(l, e, e->rows));
    }
    (void)note_all_out(l, &expired);
    cr_assert_gt(former_next_expiry(l->s.f, &l->s.ask), l->s.ask.now_ns);
}

static void
pass_time(struct life *l)
{
    struct former_ask *ask = &l->s.ask;
    ask->now_ns += draw(l, 2 * (unsigned)MS);
    while (ask->under_way > 0 && l->ends_ns[0] <= ask->now_ns) {
        l->ends_ns[0] = l->ends_ns[1];
        ask->under_way--;
    }
}

static void
take_out(struct life *l)
{
    struct former_list removed;
    size_t i = l->added == 0 ? 0 : draw(l, (unsigned)l->added);
    if (l->added > 0 && !l->is_out[i] && draw(l, 8) > 0) {
        former_withdraw(l->s.f, &l->entries[i]);
        note_out(l, &l->entries[i]);
    } else if (draw(l, 8) == 0) {
        former_remove(l->s.f, (int32_t)draw(l, 3), (int64_t)i, &removed);
        (void)note_all_out(l, &removed);
    }
}

static void
step(struct life *l)
{
    unsigned what = draw(l, 16);
    struct former_plan plan;
    for (unsigned n = draw(l, 8); what < 8 && n > 0; n--) {
        arrive(l);
    }
    if (what == 8) {
        take_out(l);
    } else if (what == 9) {
        take(l);
    }
    pass_time(l);
    if (what % 2 == 0) {
        expire(l);
    }
    former_plan(l->s.f, &l->s.ask, &plan);
    cr_assert_eq(plan.latest_start_ns == TIME_NEVER, former_count(l->s.f) == 0);
    if (plan.close_ns <= l->s.ask.now_ns) {
        cr_assert_lt(l->s.ask.under_way, FORMER_DEPTH);
        take(l);
    }
}

static void
end(struct life *l)
{
    l->s.ask.under_way = 0;
    l->s.ask.free_ns = 0;
    while (former_count(l->s.f) > 0 && draw(l, 50) > 0) {
        take(l);
        l->s.ask.under_way = 0;
    }
    struct former_list rest;
    former_empty(l->s.f, &rest);
    (void)note_all_out(l, &rest);
    cr_assert_eq(l->out, l->added, "each came out once");
    cr_assert_eq(former_count(l->s.f), 0);
    cr_assert_eq(former_rows(l->s.f), 0);
    cr_assert_eq(former_bytes(l->s.f), 0);
    side_close(&l->s);
}

Test(former_life, keeps_its_promises_in_random_lives)
{
    static struct life l;
    for (unsigned seed = 1; seed <= LIVES; seed++) {
        begin(&l, seed);
        for (int i = 0; i < STEPS; i++) {
            step(&l);
        }
        end(&l);
    }
}
