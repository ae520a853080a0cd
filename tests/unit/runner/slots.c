/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of other kinds than rows of numbers: texts, several inputs, no batches. */
#include "parent.h"
#include "runner/sim_hash.h"

#include <criterion/criterion.h>

#include <string.h>

#define SLOT ((uint64_t)256 * 1024)

Test(slots, takes_texts_and_inputs_in_any_order_without_batching)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT,
                "platform=echo\nmax_batch_size=0\nproperty.input.0=n INT32 2\n"
                "property.input.1=t BYTES -1\nproperty.output.0=m INT32 2\n"
                "property.output.1=u BYTES -1\n");
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    cr_assert(parent_said(&p, "output=u BYTES -1"));
    struct slot_head *slot = loaded_slot(&l, 0);
    static const char texts[] = "\2\0\0\0hi\0\0\0"; /* "hi", "" */
    int32_t numbers[] = {7, 8};
    int64_t two[] = {2};
    slot_begin(slot, 1);
    slot_add(slot, "t", DATATYPE_BYTES, two, 1, texts, sizeof texts);
    slot_add(slot, "n", DATATYPE_INT32, two, 1, numbers, sizeof numbers);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_str_eq(slot->outputs[0].name, "m");
    const int32_t *m = slot_bytes_at(slot, slot->outputs[0].offset);
    cr_assert(m[0] == 7 && m[1] == 8);
    const char *u = slot_bytes_at(slot, slot->outputs[1].offset);
    cr_assert_eq(slot->outputs[1].size, sizeof texts);
    cr_assert_eq(memcmp(u, texts, sizeof texts), 0);
    loaded_close(&l);
    parent_stop(&p);
}

Test(slots, hashes_rows_of_texts_and_refuses_texts_cut_short)
{
    struct parent p;
    struct loaded l;
    parent_start(&p);
    parent_load(&p, &l, 0, SLOT,
                "platform=sim\nmax_batch_size=4\nproperty.input.0=t BYTES -1,1\n");
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    struct slot_head *slot = loaded_slot(&l, 0);
    static const char rows[] = {1, 0, 0, 0, 'a', 2, 0, 0, 0, 'b', 'c'};
    int64_t shape[] = {2, 1};
    slot_begin(slot, 2);
    slot_add(slot, "t", DATATYPE_BYTES, shape, 2, rows, sizeof rows);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    const uint64_t *hashes = slot_bytes_at(slot, slot->outputs[0].offset);
    cr_assert_eq(hashes[0], sim_hash(span_of(rows, 5)));
    cr_assert_eq(hashes[1], sim_hash(span_of(rows + 5, 6)));
    slot_begin(slot, 2);
    slot_add(slot, "t", DATATYPE_BYTES, shape, 2, rows, sizeof rows - 1);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    loaded_close(&l);
    parent_stop(&p);
}
