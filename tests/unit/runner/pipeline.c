/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots on their way through leat-runner: one stage and two, their order and times, and
 * slots that the parent takes back.
 */
#include "base/clock.h"
#include "parent.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>
#include <time.h>

#define SLOT ((uint64_t)256 * 1024)
#define SIM                                                                            \
    "platform=sim\nmax_batch_size=8\nproperty.input.0=x UINT8 -1,4\n"                  \
    "property.sim.hang.on=04\nproperty.sim.lose.on=05\n"
#define STAGED SIM "property.sim.decode=2ms\nproperty.sim.alpha=2ms\n"

static void
load(struct parent *p, struct loaded *l, const char *lines)
{
    parent_load(p, l, 0, SLOT, lines);
    cr_assert(parent_expect(p, "loaded"), "%s", p->message);
}

static void
start(struct parent *p, struct loaded *l, const char *lines)
{
    parent_start(p);
    load(p, l, lines);
}

static void
submit(struct loaded *l, unsigned index, const char *first_byte)
{
    fill_bytes(loaded_slot(l, index), 1, first_byte);
    loaded_submit(l, loaded_slot(l, index));
}

/* Whether the child writes that time within 30 s. */
static bool
comes(const _Atomic int64_t *time_ns)
{
    static const struct timespec pause = {.tv_nsec = NS_PER_MS};
    for (int i = 0; i < 30000 && atomic_load(time_ns) == 0; i++) {
        nanosleep(&pause, NULL);
    }
    return atomic_load(time_ns) != 0;
}

static void
kill_child(struct parent *p)
{
    cr_assert_eq(kill(p->child, SIGKILL), 0);
    cr_assert_eq(parent_wait_exit(p), 1000 + SIGKILL);
}

Test(pipeline, prepares_one_batch_while_another_runs_and_takes_no_third)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, STAGED);
    struct slot_head *hangs = loaded_slot(&l, 2);
    struct slot_head *waits = loaded_slot(&l, 0);
    submit(&l, 2, "\4");
    submit(&l, 0, "a");
    submit(&l, 1, "b");
    cr_assert(comes(&hangs->started_ns));
    cr_assert(comes(&waits->prepared_ns));
    cr_assert(loaded_withdraw(loaded_slot(&l, 1)));
    cr_assert_eq(atomic_load(&hangs->state), SLOT_RUNNING);
    cr_assert_eq(atomic_load(&waits->state), SLOT_RUNNING);
    cr_assert_eq(atomic_load(&waits->started_ns), 0);
    cr_assert_not(loaded_withdraw(waits));
    kill_child(&p);
    loaded_close(&l);
}

Test(pipeline, takes_no_second_batch_while_one_runs_where_there_is_one_stage)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, SIM);
    submit(&l, 0, "\4");
    submit(&l, 1, "a");
    submit(&l, 2, "b");
    cr_assert(comes(&loaded_slot(&l, 0)->started_ns));
    cr_assert_not(loaded_withdraw(loaded_slot(&l, 0)));
    cr_assert(loaded_withdraw(loaded_slot(&l, 2)));
    cr_assert(loaded_withdraw(loaded_slot(&l, 1)));
    kill_child(&p);
    loaded_close(&l);
}

/* Runs three slots several times. @return the last one of them */
static struct slot_head *
run_rounds(struct loaded *l)
{
    static const unsigned order[] = {2, 0, 1};
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 3; i++) {
            submit(l, order[i], "a");
        }
        cr_assert(loaded_wait(l, 3));
        for (size_t i = 0; i < 3; i++) {
            const struct slot_head *slot = loaded_slot(l, order[i]);
            cr_assert_eq(slot->outcome, SLOT_SUCCEEDED);
            cr_assert_leq(slot->taken_ns, slot->prepared_ns);
            cr_assert_leq(slot->prepared_ns, slot->started_ns);
            cr_assert_leq(slot->started_ns, slot->completed_ns);
            cr_assert(i == 0 ||
                      loaded_slot(l, order[i - 1])->completed_ns <= slot->started_ns);
        }
    }
    return loaded_slot(l, order[2]);
}

Test(pipeline, keeps_the_order_and_tells_when_each_stage_began_and_ended)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, STAGED);
    const struct slot_head *slot = run_rounds(&l);
    cr_assert_geq(slot->prepared_ns - slot->taken_ns, 2 * NS_PER_MS);
    cr_assert_geq(slot->completed_ns - slot->started_ns, 2 * NS_PER_MS);
    parent_send(&p, "type=unload\ninstance=0\n");
    cr_assert(parent_expect(&p, "unloaded"));
    loaded_close(&l);
    parent_load(&p, &l, 0, SLOT, SIM);
    cr_assert(parent_expect(&p, "loaded"));
    slot = run_rounds(&l);
    cr_assert_eq(slot->prepared_ns, slot->taken_ns);
    loaded_close(&l);
    parent_stop(&p);
}

Test(pipeline, answers_a_batch_that_cannot_be_prepared_in_its_turn)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, STAGED);
    for (unsigned i = 0; i < 3; i++) {
        fill_bytes(loaded_slot(&l, i), 1, "a");
        loaded_slot(&l, i)->rows = i == 1 ? 9 : 1;
        loaded_submit(&l, loaded_slot(&l, i));
    }
    cr_assert(loaded_wait(&l, 3));
    cr_assert_eq(loaded_slot(&l, 0)->outcome, SLOT_SUCCEEDED);
    cr_assert_eq(loaded_slot(&l, 1)->outcome, SLOT_FAILED);
    cr_assert_not_null(strstr(loaded_slot(&l, 1)->error, "9 rows"));
    cr_assert_geq(loaded_slot(&l, 1)->started_ns, loaded_slot(&l, 0)->completed_ns);
    cr_assert_eq(loaded_slot(&l, 2)->outcome, SLOT_SUCCEEDED);
    loaded_close(&l);
    parent_stop(&p);
}

Test(pipeline, runs_what_is_filled_before_both_stages_stop)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, STAGED);
    for (unsigned i = 0; i < 3; i++) {
        submit(&l, i, "a");
    }
    parent_stop(&p);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(atomic_load(&loaded_slot(&l, i)->state), SLOT_DONE);
    }
    loaded_close(&l);
}

Test(pipeline, exits_75_on_a_lost_device_though_a_batch_is_prepared)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, STAGED);
    submit(&l, 0, "\5");
    submit(&l, 1, "a");
    cr_assert_eq(parent_wait_exit(&p), 75);
    cr_assert_eq(loaded_slot(&l, 0)->outcome, SLOT_DEVICE_LOST);
    cr_assert_neq(atomic_load(&loaded_slot(&l, 1)->state), SLOT_DONE);
    loaded_close(&l);
}

enum { BATCHES = 3000 };

/* What became of each batch, by its sequence. */
struct fates {
    int64_t taken_ns[BATCHES + 1]; /* 0 = withdrawn */
    unsigned ended;
    unsigned withdrawn;
};

/* Harvests or fills one slot, or withdraws it where its number ends in 0, 3, 6 or 9. */
static void
visit(struct loaded *l, struct fates *f, unsigned index)
{
    struct slot_head *slot = loaded_slot(l, index);
    uint32_t state = atomic_load(&slot->state);
    if (state == SLOT_FREE && l->sequence < BATCHES) {
        submit(l, index, "a");
    } else if (state == SLOT_FILLED && slot->sequence % 10 % 3 == 0 &&
               loaded_withdraw(slot)) {
        f->withdrawn++;
        f->ended++;
    } else if (state == SLOT_DONE) {
        cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
        f->taken_ns[slot->sequence] = slot->taken_ns;
        f->ended++;
        atomic_store(&slot->state, SLOT_FREE);
    }
}

static void
fill_and_withdraw(void (*begin)(struct parent *p), const char *lines)
{
    static struct fates f;
    struct parent p;
    struct loaded l;
    memset(&f, 0, sizeof f);
    begin(&p);
    load(&p, &l, lines);
    int64_t until_ns = clock_mono_ns() + 60 * NS_PER_S;
    while (f.ended < BATCHES && clock_mono_ns() < until_ns) {
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            visit(&l, &f, i);
        }
    }
    cr_assert_eq(f.ended, BATCHES);
    cr_assert_gt(f.withdrawn, 0);
    cr_assert(loaded_wait(&l, BATCHES - f.withdrawn));
    int64_t last_ns = 0;
    for (size_t i = 1; i <= BATCHES; i++) {
        if (f.taken_ns[i] != 0) {
            cr_assert_lt(last_ns, f.taken_ns[i], "batch %zu", i);
            last_ns = f.taken_ns[i];
        }
    }
    loaded_close(&l);
    parent_stop(&p);
}

Test(pipeline, runs_each_batch_or_lets_it_be_withdrawn_in_order)
{
    fill_and_withdraw(parent_start, SIM);
    fill_and_withdraw(parent_start, SIM "property.sim.decode=0\n");
    fill_and_withdraw(parent_start_python,
                      "platform=python\nmax_batch_size=8\n"
                      "dir=" LEAT_SOURCE_DIR "/tests/support/python\n"
                      "property.python.module=moody\n");
}
