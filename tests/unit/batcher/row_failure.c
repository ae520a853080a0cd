/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons of rows, as a sound runner and as a broken one tells them. */
#include "batcher/row_failure.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

enum { ROWS = 4, SLOT = 64 * 1024 };

static struct slot_head *
slot_with_texts(void)
{
    struct slot_head *slot = calloc(1, SLOT);
    slot->rows = ROWS;
    slot->row_errors = (uint32_t)(SLOT_DATA_OFFSET / SLOT_ALIGN) + 1;
    slot->row_failed[1] = SLOT_ROW_REFUSED;
    slot->row_failed[3] = SLOT_ROW_FAILED;
    char *texts = slot_bytes_at(slot, (uint64_t)slot->row_errors * SLOT_ALIGN);
    strcpy(texts + SLOT_ROW_ERROR_BYTES, "no image");
    strcpy(texts + (size_t)3 * SLOT_ROW_ERROR_BYTES, "no luck");
    return slot;
}

Test(row_failure, tells_the_reason_of_the_first_row_that_failed)
{
    struct slot_head *slot = slot_with_texts();
    struct row_failure why;
    cr_assert(!row_failure_find(slot, SLOT, 0, 1, &why));
    cr_assert(row_failure_find(slot, SLOT, 1, 1, &why));
    cr_assert_eq(why.status, STATUS_INVALID);
    cr_assert_str_eq(why.message, "no image");
    cr_assert(row_failure_find(slot, SLOT, 2, 2, &why));
    cr_assert_eq(why.status, STATUS_MODEL_FAILED);
    cr_assert_str_eq(why.message, "row 1: no luck");
    free(slot);
}

Test(row_failure, has_no_text_where_the_runner_gave_none)
{
    struct slot_head *slot = slot_with_texts();
    struct row_failure why;
    slot->row_errors = 0;
    cr_assert(row_failure_find(slot, SLOT, 1, 1, &why));
    cr_assert_str_eq(why.message, "");
    free(slot);
}

Test(row_failure, reads_no_text_outside_the_slot)
{
    struct slot_head *slot = slot_with_texts();
    struct row_failure why;
    static const uint32_t places[] = {1, SLOT / SLOT_ALIGN - 4, SLOT / SLOT_ALIGN,
                                      UINT32_MAX};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        slot->row_errors = places[i];
        cr_assert(row_failure_find(slot, SLOT, 3, 1, &why));
        cr_assert_str_eq(why.message, "");
    }
    free(slot);
}

Test(row_failure, ends_a_text_that_does_not_end)
{
    struct slot_head *slot = slot_with_texts();
    struct row_failure why;
    memset(slot_bytes_at(slot, (uint64_t)slot->row_errors * SLOT_ALIGN), 'x',
           (size_t)ROWS * SLOT_ROW_ERROR_BYTES);
    cr_assert(row_failure_find(slot, SLOT, 1, 1, &why));
    cr_assert_eq(strlen(why.message), SLOT_ROW_ERROR_BYTES);
    free(slot);
}
