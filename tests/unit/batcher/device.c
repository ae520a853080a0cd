/* SPDX-License-Identifier: Apache-2.0 */
/* Models that share a lane: whose turn it is, and never two at once. */
#include "batcher/device.h"

#include <criterion/criterion.h>

#include <string.h>

/** A model with some batches to close, each of which takes run_ns. */
struct model {
    struct lane_user user;
    struct former_plan plan; /* of each */
    unsigned batches;
    unsigned *waiting; /* batches, of its own or of the other instance */
    int64_t run_ns;
    unsigned closed;
    unsigned handed_over; /* batches; slots count up from 0 */
    int64_t handed_over_ns;
    int64_t late_ns;
};

static struct devices devices;
static struct device *device;
static int64_t now_ns;

static void
plan(void *arg, unsigned index, const struct lane_state *state, struct former_plan *out)
{
    const struct model *m = arg;
    (void)index;
    (void)state;
    *out = (struct former_plan){.close_ns = TIME_NEVER, .latest_start_ns = TIME_NEVER};
    if (*m->waiting > 0) {
        *out = m->plan;
    }
}

static void
hand_over(void *arg, unsigned index, unsigned slot, int64_t at_ns)
{
    struct model *m = arg;
    (void)index;
    cr_assert_eq(slot, m->handed_over);
    m->handed_over++;
    m->handed_over_ns = at_ns;
}

static bool
close_one(void *arg, unsigned index, const struct lane_state *state)
{
    struct model *m = arg;
    m->late_ns = state->late_ns;
    --*m->waiting;
    const struct lane_batch b = {.slot = m->closed,
                                 .closed_ns = state->now_ns,
                                 .staged_ns = state->now_ns + 1,
                                 .run_ns = m->run_ns};
    m->closed++;
    if (device_lane_begin(&m->user, &b)) {
        hand_over(m, index, b.slot, state->now_ns);
    }
    return true;
}

static bool
waits(const void *arg)
{
    return *((const struct model *)arg)->waiting > 0;
}

static const struct lane_ops ops = {
    .plan = plan, .close = close_one, .hand_over = hand_over, .waits = waits};

static void
join(struct model *m, unsigned lane, unsigned batches, int64_t latest_start_ns)
{
    *m =
        (struct model){.user = {.ops = &ops, .arg = m, .index = lane},
                       .plan = {.close_ns = now_ns, .latest_start_ns = latest_start_ns},
                       .batches = batches,
                       .waiting = &m->batches,
                       .run_ns = 100};
    device_join(device, &m->user);
}

static void
set_up(void)
{
    devices = (struct devices){0};
    now_ns = 1000;
    device = devices_find(&devices, "cpu");
    cr_assert_not_null(device);
}

static void
tear_down(void)
{
    devices_fini(&devices);
}

TestSuite(device, .init = set_up, .fini = tear_down);

Test(device, is_the_same_for_the_same_name)
{
    cr_assert_eq(devices_find(&devices, "cpu"), device);
    cr_assert_neq(devices_find(&devices, "cpu:1"), device);
}

Test(device, closes_the_batch_first_that_must_start_first)
{
    struct model a;
    struct model b;
    join(&a, 0, 1, 9000);
    join(&b, 0, 1, 8000);
    cr_assert_eq(devices_dispatch(&devices, now_ns), TIME_NEVER);
    cr_assert_eq(b.handed_over, 1);
    cr_assert_eq(a.closed, 1);
    cr_assert_eq(a.handed_over, 0);
}

Test(device, never_has_batches_of_two_models_at_work_at_once)
{
    struct model a;
    struct model b;
    join(&a, 0, 2, 5000);
    join(&b, 0, 2, 6000);
    devices_dispatch(&devices, now_ns);
    cr_assert_eq(a.handed_over, 2);
    cr_assert_eq(b.closed, 0);
    device_lane_end(&a.user, 0, 1100, 1110);
    devices_dispatch(&devices, 1110);
    cr_assert_eq(b.closed, 1);
    cr_assert_eq(b.handed_over, 0);
    device_lane_end(&a.user, 1, 1200, 1210);
    cr_assert_eq(b.handed_over, 1);
    cr_assert_eq(b.handed_over_ns, 1210);
    a.batches = 1;
    devices_dispatch(&devices, 1210);
    cr_assert_eq(a.closed, 3);
    cr_assert_eq(a.handed_over, 2);
    device_lane_end(&b.user, 0, 1300, 1310);
    cr_assert_eq(a.handed_over, 3);
}

Test(device, has_lanes_that_know_nothing_of_each_other)
{
    struct model a;
    struct model b;
    join(&a, 0, 1, 5000);
    join(&b, 1, 1, 6000);
    devices_dispatch(&devices, now_ns);
    cr_assert_eq(a.handed_over, 1);
    cr_assert_eq(b.handed_over, 1);
}

Test(device, gives_work_to_the_lane_that_is_free_first)
{
    struct model one;
    struct model two;
    join(&one, 0, 1, 5000);
    join(&two, 1, 0, 5000);
    two.waiting = &one.batches;
    devices_dispatch(&devices, now_ns);
    cr_assert_eq(one.handed_over, 1);
    one.batches = 1;
    devices_dispatch(&devices, now_ns);
    cr_assert_eq(two.handed_over, 1);
    one.batches = 1;
    device_lane_end(&two.user, 0, 1040, 1041);
    devices_dispatch(&devices, 1041);
    cr_assert_eq(two.handed_over, 2);
}

Test(device, expects_to_be_free_when_all_under_way_has_run)
{
    struct model a;
    join(&a, 0, 1, 5000);
    const struct device_lane *lane = &device->lanes[0];
    cr_assert_leq(device_lane_free_ns(lane, now_ns), now_ns);
    devices_dispatch(&devices, now_ns);
    cr_assert_eq(device_lane_free_ns(lane, now_ns), 1000 + 1 + 100);
    a.batches = 1;
    devices_dispatch(&devices, 1050);
    cr_assert_eq(device_lane_free_ns(lane, 1050), 1101 + 100);
    /* The first takes longer than expected: the second cannot end sooner. */
    cr_assert_eq(device_lane_free_ns(lane, 1500), 1500 + 100);
    device_lane_end(&a.user, 0, 1510, 1520);
    cr_assert_eq(device_lane_free_ns(lane, 1520), 1510 + 100);
    device_lane_end(&a.user, 1, 1605, 1606);
    cr_assert_eq(device_lane_free_ns(lane, 1606), 1605);
}

Test(device, wants_to_be_called_when_the_next_batch_is_due_and_tells_if_it_was_late)
{
    struct model a;
    struct model b;
    join(&a, 0, 1, 5000);
    join(&b, 0, 1, 6000);
    a.plan.close_ns = 1400;
    b.plan.close_ns = 1300;
    cr_assert_eq(devices_dispatch(&devices, now_ns), 1300);
    cr_assert_eq(devices_dispatch(&devices, 1307), 1400);
    cr_assert_eq(b.closed, 1);
    cr_assert_eq(b.late_ns, 7);
    a.plan.close_ns = 1350;
    devices_dispatch(&devices, 1360);
    cr_assert_eq(a.closed, 1);
    cr_assert_eq(a.late_ns, 0);
}

Test(device, frees_the_place_of_a_model_whose_runner_died)
{
    struct model a;
    struct model b;
    join(&a, 0, 1, 5000);
    join(&b, 0, 1, 6000);
    devices_dispatch(&devices, now_ns);
    cr_assert_eq(b.handed_over, 0);
    device_lane_withdraw(&a.user, 0, 1700);
    cr_assert_eq(b.handed_over, 1);
    cr_assert_eq(device_lane_free_ns(&device->lanes[0], 1700), 1800);
    device_leave(&a.user);
    device_lane_end(&b.user, 0, 1750, 1760);
    cr_assert_eq(devices_dispatch(&devices, 1760), TIME_NEVER);
}

Test(device, lets_a_batch_withdrawn_from_behind_change_nothing_for_the_first)
{
    struct model a;
    struct model b;
    join(&a, 0, 1, 5000);
    join(&b, 0, 1, 6000);
    devices_dispatch(&devices, now_ns);
    device_lane_withdraw(&b.user, 0, 1050);
    cr_assert_eq(device_lane_free_ns(&device->lanes[0], 1050), 1101);
    cr_assert_eq(b.handed_over, 0);
}

Test(device, counts_idle_time_only_while_work_waited)
{
    struct model a;
    join(&a, 0, 2, 5000);
    devices_dispatch(&devices, now_ns);
    struct lane_past past = device_lane_end(&a.user, 0, 1100, 1110);
    cr_assert_eq(past.ended_ns, 0);
    past = device_lane_end(&a.user, 1, 1200, 1210);
    cr_assert_eq(past.ended_ns, 1100);
    cr_assert(past.work_waited, "it was closed behind the first");
    a.batches = 1;
    devices_dispatch(&devices, 1300);
    past = device_lane_end(&a.user, 2, 1400, 1410);
    cr_assert_eq(past.ended_ns, 1200);
    cr_assert_not(past.work_waited);
}
