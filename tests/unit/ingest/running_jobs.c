/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/running_jobs.h"

#include "base/buf.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define SECOND_US 1000000LL
#define NOW_US    (1700000000 * SECOND_US)
#define LATER_US  (NOW_US + 3 * SECOND_US + 1) /* what was left out is gone */

static struct running_jobs *jobs;

static void
setup(void)
{
    cr_assert_eq(running_jobs_create(&jobs, 42), STATUS_OK);
}

static void
teardown(void)
{
    running_jobs_destroy(&jobs);
}

TestSuite(running_jobs, .init = setup, .fini = teardown);

static struct uuid
id_of(unsigned number)
{
    struct uuid id = {{0}};
    memcpy(id.bytes, &number, sizeof(number));
    return id;
}

/** @return what it is answered, of `count` ids from `first` on */
static enum status
say(const char *key,
    unsigned first,
    size_t count,
    int64_t published_us,
    int64_t heard_us)
{
    static struct uuid ids[RUNNING_IDS_MAX];
    for (size_t i = 0; i < count; i++) {
        ids[i] = id_of(first + (unsigned)i);
    }
    const struct running running = {.model = span_of_text("m"),
                                    .instance = span_of_text("a"),
                                    .published_us = published_us,
                                    .ids = ids,
                                    .id_count = count};
    struct buf b;
    struct fault fault = {.text = ""};
    buf_init(&b, 1 << 20);
    running_encode(&running, &b);
    enum status status =
        running_jobs_apply(jobs, span_of_text(key), buf_span(&b), heard_us, &fault);
    buf_fini(&b);
    return status;
}

static void
say_now(const char *key, unsigned first, size_t count)
{
    cr_assert_eq(say(key, first, count, 0, NOW_US), STATUS_OK);
}

static void
withdraw(const char *key)
{
    struct fault fault;
    cr_assert_eq(
        running_jobs_apply(jobs, span_of_text(key), (struct span){0}, NOW_US, &fault),
        STATUS_OK);
}

static bool
runs(unsigned number, int64_t now_us)
{
    struct uuid id = id_of(number);
    return running_jobs_has(jobs, &id, now_us);
}

Test(running_jobs, are_none_at_first)
{
    cr_assert(!runs(1, NOW_US));
    cr_assert(!running_jobs_expire(jobs, NOW_US));
    cr_assert_eq(running_jobs_changes(jobs), 0);
}

Test(running_jobs, are_told_by_keys_of_their_own)
{
    cr_assert(running_jobs_is_key(span_of_text("running:m@a")));
    cr_assert(!running_jobs_is_key(span_of_text("running/1@a")));
    cr_assert(!running_jobs_is_key(span_of_text("run")));
    cr_assert(!running_jobs_is_key(span_of(NULL, 0)));
}

Test(running_jobs, are_those_of_the_newest_record_of_a_batcher)
{
    say_now("running:m@a", 1, 3);
    cr_assert(runs(1, NOW_US) && runs(3, NOW_US) && !runs(4, NOW_US));
    uint64_t changes = running_jobs_changes(jobs);
    say_now("running:m@a", 3, 2);
    cr_assert(!runs(1, LATER_US) && runs(3, LATER_US) && runs(4, LATER_US));
    cr_assert_gt(running_jobs_changes(jobs), changes);
}

Test(running_jobs, of_batchers_and_models_stand_side_by_side)
{
    say_now("running:m@a", 1, 1);
    say_now("running:m@b", 2, 1);
    say_now("running:n@a", 3, 1);
    withdraw("running:m@b");
    cr_assert(runs(1, LATER_US) && !runs(2, LATER_US) && runs(3, LATER_US));
    withdraw("running:unknown@b");
}

Test(running_jobs, that_another_batcher_runs_anew_stay_when_the_first_one_is_dropped)
{
    say_now("running:m@a", 1, 2);
    say_now("running:m@b", 1, 1);
    withdraw("running:m@a");
    cr_assert(runs(1, LATER_US) && !runs(2, LATER_US));
    cr_assert(running_jobs_expire(jobs, LATER_US));
    cr_assert(runs(1, LATER_US));
    withdraw("running:m@b");
    cr_assert(!runs(1, LATER_US));
}

Test(running_jobs, stay_for_3_seconds_after_they_were_left_out_for_their_end_may_come)
{
    say_now("running:m@a", 1, 1);
    withdraw("running:m@a");
    cr_assert(runs(1, LATER_US - 1));
    cr_assert(running_jobs_expire(jobs, LATER_US - 1));
    uint64_t changes = running_jobs_changes(jobs);
    cr_assert(!running_jobs_expire(jobs, LATER_US));
    cr_assert_gt(running_jobs_changes(jobs), changes);
    cr_assert(!runs(1, NOW_US));
}

Test(running_jobs, are_dropped_when_nothing_is_heard_for_15_seconds)
{
    say_now("running:m@a", 1, 1);
    cr_assert(running_jobs_expire(jobs, NOW_US + 15 * SECOND_US));
    cr_assert(runs(1, NOW_US + 15 * SECOND_US));
    cr_assert(!runs(1, NOW_US + 15 * SECOND_US + 1));
    uint64_t changes = running_jobs_changes(jobs);
    cr_assert(!running_jobs_expire(jobs, NOW_US + 15 * SECOND_US + 1));
    cr_assert_gt(running_jobs_changes(jobs), changes);
    cr_assert(!runs(1, NOW_US));
}

Test(running_jobs, of_records_that_were_there_before_count_from_their_publishing)
{
    cr_assert_eq(say("running:m@a", 1, 1, NOW_US - 20 * SECOND_US, 0), STATUS_OK);
    cr_assert(!runs(1, NOW_US));
    cr_assert_eq(say("running:m@b", 2, 1, NOW_US - 5 * SECOND_US, 0), STATUS_OK);
    cr_assert(runs(2, NOW_US));
    cr_assert_eq(say("running:m@c", 3, 1, INT64_MIN, 0), STATUS_OK);
    cr_assert(!runs(3, NOW_US));
    cr_assert_eq(say("running:m@d", 4, 1, INT64_MAX, 0), STATUS_OK);
    cr_assert(runs(4, NOW_US));
}

Test(running_jobs, stand_when_a_record_cannot_be_read)
{
    struct fault fault = {.text = ""};
    say_now("running:m@a", 1, 1);
    cr_assert_neq(running_jobs_apply(jobs, span_of_text("running:m@a"),
                                     span_of_text("\xc3\x01nonsense"), NOW_US, &fault),
                  STATUS_OK);
    cr_assert_neq(fault.text[0], '\0');
    cr_assert(runs(1, NOW_US));
}

Test(running_jobs, are_bounded_in_number_and_what_is_beyond_is_left_out)
{
    enum { FULL = RUNNING_JOBS_MAX / RUNNING_IDS_MAX };
    char key[32];
    for (unsigned i = 0; i < FULL; i++) {
        snprintf(key, sizeof(key), "running:m@%u", i);
        say_now(key, i * RUNNING_IDS_MAX, RUNNING_IDS_MAX);
    }
    cr_assert_eq(say("running:m@more", RUNNING_JOBS_MAX, 1, 0, NOW_US), STATUS_FULL);
    cr_assert(!runs(RUNNING_JOBS_MAX, NOW_US));
    withdraw("running:m@0");
    cr_assert(running_jobs_expire(jobs, LATER_US));
    say_now("running:m@more", RUNNING_JOBS_MAX, 1);
    cr_assert(runs(RUNNING_JOBS_MAX, LATER_US));
    cr_assert(runs(RUNNING_JOBS_MAX - 1, LATER_US));
}

Test(running_jobs, come_from_a_bounded_number_of_batchers)
{
    char key[32];
    for (unsigned i = 0; i < RUNNING_SETS_MAX; i++) {
        snprintf(key, sizeof(key), "running:m@%u", i);
        say_now(key, i, 1);
    }
    cr_assert_eq(say("running:m@more", 1 << 20, 1, 0, NOW_US), STATUS_FULL);
    say_now("running:m@7", 1 << 20, 1);
    cr_assert(runs(1 << 20, NOW_US));
    cr_assert(!running_jobs_expire(jobs, NOW_US + 16 * SECOND_US));
}
