/* SPDX-License-Identifier: Apache-2.0 */
/* The ids of a batch's lines: told apart, found again, and where the batch is. */
#include "results/batch_line.h"

#include "bus/partition.h"

#include <criterion/criterion.h>

#include <string.h>

static int32_t
partition_of(const struct uuid *id, int32_t count)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    return partition_of_key(span_of(text, UUID_TEXT), count);
}

static struct uuid
mint(void)
{
    static struct uuid_source source;
    static bool begun;
    if (!begun) {
        uuid_source_init(&source);
        begun = true;
    }
    return uuid_mint(&source, 1700000000000000);
}

Test(batch_line, puts_every_line_where_its_batch_is)
{
    static const int32_t counts[] = {1, 2, 16, 48, 1000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct uuid batch = mint();
        for (uint32_t line = 1; line <= 300; line++) {
            struct uuid id;
            cr_assert_eq(batch_line_id(&batch, line, counts[c], &id), STATUS_OK);
            cr_assert_eq(partition_of(&id, counts[c]), partition_of(&batch, counts[c]));
            cr_assert_eq(batch_line_number(&batch, &id), line);
        }
    }
}

Test(batch_line, gives_the_same_id_each_time_and_another_to_each_line)
{
    struct uuid batch = mint();
    struct uuid before = batch;
    for (uint32_t line = 1; line <= 1000; line++) {
        struct uuid one;
        struct uuid two;
        cr_assert_eq(batch_line_id(&batch, line, 16, &one), STATUS_OK);
        cr_assert_eq(batch_line_id(&batch, line, 16, &two), STATUS_OK);
        cr_assert(uuid_equal(&one, &two));
        cr_assert_not(uuid_equal(&one, &before));
        before = one;
    }
}

Test(batch_line, knows_ids_of_other_batches_as_none_of_its_own)
{
    struct uuid batch = mint();
    struct uuid other = mint();
    struct uuid id;
    cr_assert_eq(batch_line_id(&other, 7, 16, &id), STATUS_OK);
    cr_assert_eq(batch_line_number(&batch, &id), 0);
    cr_assert_eq(batch_line_number(&batch, &batch), 0);
}

Test(batch_line, reads_the_callers_own_id_behind_the_batchs)
{
    struct uuid batch = mint();
    struct uuid read;
    struct span own;
    char text[64];
    uuid_format(&batch, text);
    cr_assert_eq(batch_id_parse(span_of(text, UUID_TEXT), &read, &own), STATUS_OK);
    cr_assert(uuid_equal(&read, &batch));
    cr_assert_eq(own.size, 0);
    memcpy(text + UUID_TEXT, ":a:b", 4);
    cr_assert_eq(batch_id_parse(span_of(text, UUID_TEXT + 4), &read, &own), STATUS_OK);
    cr_assert(span_is_text(own, "a:b"));
    text[UUID_TEXT] = '/';
    cr_assert_eq(batch_id_parse(span_of(text, UUID_TEXT + 4), &read, &own),
                 STATUS_INVALID);
    cr_assert_eq(batch_id_parse(span_of_text("bulk-1"), &read, &own), STATUS_INVALID);
    cr_assert_eq(batch_id_parse(span_of_text(""), &read, &own), STATUS_INVALID);
}
