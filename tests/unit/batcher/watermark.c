/* SPDX-License-Identifier: Apache-2.0 */
/* The only offset that may be committed is the one below which all is answered. */
#include "batcher/watermark.h"

#include <criterion/criterion.h>

#include <stdlib.h>

Test(watermark, has_nothing_to_commit_before_the_first_record)
{
    struct watermark w;
    watermark_init(&w, 8);
    cr_assert_eq(watermark_committable(&w), -1);
    watermark_end(&w, 3);
    cr_assert_eq(watermark_committable(&w), -1);
    watermark_fini(&w);
}

Test(watermark, stays_at_the_oldest_open_record_and_jumps_over_what_ended_before)
{
    struct watermark w;
    watermark_init(&w, 8);
    for (int64_t offset = 10; offset < 14; offset++) {
        cr_assert_eq(watermark_begin(&w, offset), STATUS_OK);
    }
    cr_assert_eq(watermark_committable(&w), 10);
    watermark_end(&w, 11);
    watermark_end(&w, 12);
    cr_assert_eq(watermark_committable(&w), 10);
    watermark_end(&w, 10);
    cr_assert_eq(watermark_committable(&w), 13);
    watermark_end(&w, 13);
    cr_assert_eq(watermark_committable(&w), 14);
    watermark_fini(&w);
}

Test(watermark, passes_over_gaps_that_transactions_leave_in_the_offsets)
{
    struct watermark w;
    watermark_init(&w, 8);
    cr_assert_eq(watermark_begin(&w, 5), STATUS_OK);
    cr_assert_eq(watermark_begin(&w, 9), STATUS_OK);
    watermark_end(&w, 5);
    cr_assert_eq(watermark_committable(&w), 9);
    watermark_end(&w, 7);
    watermark_end(&w, 9);
    cr_assert_eq(watermark_committable(&w), 10);
    watermark_fini(&w);
}

Test(watermark, refuses_an_offset_that_it_has_seen)
{
    struct watermark w;
    watermark_init(&w, 8);
    cr_assert_eq(watermark_begin(&w, 5), STATUS_OK);
    cr_assert_eq(watermark_begin(&w, 5), STATUS_INVALID);
    cr_assert_eq(watermark_begin(&w, 4), STATUS_INVALID);
    watermark_end(&w, 5);
    cr_assert_eq(watermark_begin(&w, 5), STATUS_INVALID);
    watermark_fini(&w);
}

Test(watermark, is_full_at_its_limit_and_goes_on_when_the_oldest_ends)
{
    struct watermark w;
    watermark_init(&w, 2);
    cr_assert_eq(watermark_begin(&w, 0), STATUS_OK);
    cr_assert_eq(watermark_begin(&w, 1), STATUS_OK);
    cr_assert_eq(watermark_begin(&w, 2), STATUS_FULL);
    watermark_end(&w, 1);
    cr_assert_eq(watermark_begin(&w, 2), STATUS_FULL);
    watermark_end(&w, 0);
    cr_assert_eq(watermark_begin(&w, 2), STATUS_OK);
    watermark_fini(&w);
}

Test(watermark, counts_what_lies_in_a_transaction_for_that_transaction_only)
{
    struct watermark w;
    watermark_init(&w, 8);
    cr_assert_eq(watermark_staged(&w, 1), -1);
    for (int64_t offset = 10; offset < 14; offset++) {
        cr_assert_eq(watermark_begin(&w, offset), STATUS_OK);
    }
    watermark_stage(&w, 10, 1);
    watermark_stage(&w, 12, 1);
    cr_assert_eq(watermark_staged(&w, 1), 11);
    cr_assert_eq(watermark_committable(&w), 10, "nothing is committed yet");
    cr_assert_eq(watermark_staged(&w, 2), 10, "transaction 1 was aborted");
    watermark_stage(&w, 10, 2);
    watermark_stage(&w, 11, 2);
    cr_assert_eq(watermark_staged(&w, 2), 12);
    watermark_end(&w, 10);
    watermark_end(&w, 11);
    watermark_stage(&w, 13, 3);
    cr_assert_eq(watermark_staged(&w, 3), 12, "12 is in no transaction any more");
    watermark_stage(&w, 12, 3);
    watermark_stage(&w, 99, 3);
    cr_assert_eq(watermark_staged(&w, 3), 14);
    cr_assert_eq(watermark_committable(&w), 12);
    watermark_fini(&w);
}

Test(watermark, never_passes_an_open_record_in_a_thousand_random_orders)
{
    enum { RECORDS = 700 };
    unsigned seed = 7;
    for (int round = 0; round < 1000; round++) {
        struct watermark w;
        bool ended[RECORDS] = {false};
        int64_t begun = 0;
        int64_t oldest = 0;
        watermark_init(&w, RECORDS);
        while (oldest < RECORDS) {
            if (begun < RECORDS && rand_r(&seed) % 2 == 0) {
                cr_assert_eq(watermark_begin(&w, begun++), STATUS_OK);
            } else if (begun > oldest) {
                int64_t span = begun - oldest;
                int64_t at = oldest + rand_r(&seed) % (span < 40 ? span : 40);
                ended[at] = true;
                watermark_end(&w, at);
            }
            while (oldest < begun && ended[oldest]) {
                oldest++;
            }
            cr_assert_eq(watermark_committable(&w), begun == 0 ? -1 : oldest);
        }
        watermark_fini(&w);
    }
}
