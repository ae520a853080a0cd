/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots on their way through the Python runner: every datatype, texts, rows and stages
 * of a class, and slots that the parent takes back.
 */
#include "base/clock.h"
#include "parent.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define SLOT   ((uint64_t)256 * 1024)
#define FOLDER "platform=python\ndir=" LEAT_SOURCE_DIR "/tests/support/python\n"
#define MIRROR FOLDER "property.python.module=mirror\n"

static void
start(struct parent *p, struct loaded *l, const char *lines)
{
    parent_start_python(p);
    parent_load(p, l, 0, SLOT, lines);
    cr_assert(parent_expect(p, "loaded"), "%s", p->message);
}

static void
expect_data(struct slot_head *slot, uint32_t output, const void *data, size_t size)
{
    const struct slot_tensor *t = &slot->outputs[output];
    cr_assert_eq(t->size, size, "%s", t->name);
    cr_assert_eq(memcmp(slot_bytes_at(slot, t->offset), data, size), 0, "%s", t->name);
}

/* The lines of a model that answers an input of each datatype of numbers, [-1,2]. */
static void
add_lines(char *lines, size_t size)
{
    for (int t = 0; t < DATATYPE_BYTES; t++) {
        const char *name = datatype_name((enum datatype)t);
        size_t at = strlen(lines);
        snprintf(lines + at, size - at,
                 "property.input.%d=%s %s -1,2\nproperty.output.%d=%s %s -1,2\n", t,
                 name, name, t, name, name);
    }
}

Test(python_slots, hands_every_datatype_over_as_a_view_and_takes_it_back)
{
    static char lines[8192] = MIRROR "max_batch_size=4\n";
    static const uint8_t bytes[48] = {1, 0,  1, 1, 0, 60,  0, 188, 1,  2,   3, 4,
                                      5, 6,  7, 8, 9, 127, 0, 255, 64, 200, 3, 1,
                                      0, 66, 9, 7, 5, 3,   1, 2,   4,  6,   8, 10};
    struct parent p;
    struct loaded l;
    add_lines(lines, sizeof lines);
    start(&p, &l, lines);
    struct slot_head *slot = loaded_slot(&l, 0);
    const int64_t shape[] = {3, 2};
    slot_begin(slot, 3);
    for (int t = DATATYPE_BYTES - 1; t >= 0; t--) {
        enum datatype type = (enum datatype)t;
        slot_add(slot, datatype_name(type), type, shape, 2, bytes,
                 datatype_size(type) * 6);
    }
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    cr_assert_eq(slot->output_count, DATATYPE_BYTES);
    /* A bool of NumPy's is 0 or 1: 60 is true. */
    static const uint8_t bools[] = {1, 0, 1, 1, 0, 1};
    expect_data(slot, DATATYPE_BOOL, bools, sizeof bools);
    for (int t = DATATYPE_UINT8; t < DATATYPE_BYTES; t++) {
        cr_assert_eq(slot->outputs[t].datatype, (uint32_t)t);
        cr_assert_eq(slot->outputs[t].rank, 2);
        cr_assert_eq(slot->outputs[t].shape[1], 2);
        expect_data(slot, (uint32_t)t, bytes, datatype_size((enum datatype)t) * 6);
    }
    loaded_close(&l);
    parent_stop(&p);
}

Test(python_slots, hands_texts_over_as_bytes_and_refuses_those_cut_short)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          MIRROR "max_batch_size=4\nproperty.input.0=t BYTES -1,2\n"
                 "property.output.0=t BYTES -1,2\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    static const char texts[] = "\2\0\0\0hi\0\0\0\0\3\0\0\0a\0\0\1\0\0\0\377";
    const int64_t shape[] = {2, 2};
    slot_begin(slot, 2);
    slot_add(slot, "t", DATATYPE_BYTES, shape, 2, texts, sizeof texts - 1);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    expect_data(slot, 0, texts, sizeof texts - 1);
    for (size_t size = 0; size < sizeof texts - 1; size++) {
        slot_begin(slot, 2);
        slot_add(slot, "t", DATATYPE_BYTES, shape, 2, texts, size);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, SLOT_FAILED, "%zu bytes", size);
        cr_assert_not_null(strstr(slot->error, "texts"), "%s", slot->error);
    }
    slot_begin(slot, 2);
    slot_add(slot, "t", DATATYPE_BYTES, shape, 2, texts, sizeof texts);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_FAILED);
    loaded_close(&l);
    parent_stop(&p);
}

Test(python_slots, runs_a_model_that_does_not_batch_and_scalars_and_empty_dimensions)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          MIRROR "max_batch_size=0\nproperty.input.0=n INT32 2,-1\n"
                 "property.input.1=s FP64\nproperty.output.0=n INT32 2,-1\n"
                 "property.output.1=s FP64\n");
    cr_assert(parent_said(&p, "input=s FP64"));
    struct slot_head *slot = loaded_slot(&l, 0);
    static const int32_t numbers[] = {1, 2, 3, 4, 5, 6};
    static const double scalar = 0.5;
    for (int64_t extent = 0; extent <= 3; extent += 3) {
        const int64_t shape[] = {2, extent};
        size_t size = (size_t)extent * 2 * sizeof numbers[0];
        slot_begin(slot, 1);
        slot_add(slot, "s", DATATYPE_FP64, shape, 0, &scalar, sizeof scalar);
        slot_add(slot, "n", DATATYPE_INT32, shape, 2, numbers, size);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
        cr_assert_eq(slot->outputs[0].shape[1], extent);
        expect_data(slot, 0, numbers, size);
        expect_data(slot, 1, &scalar, sizeof scalar);
    }
    loaded_close(&l);
    parent_stop(&p);
}

/* One row more than fits, none, the wrong shape, type, place and number of inputs. */
static void
spoil(struct slot_head *slot, int how)
{
    static const char fine[8] = {0};
    fill_bytes(slot, 4, fine);
    struct slot_tensor *t = &slot->inputs[0];
    switch (how) {
    case 0:
        slot->rows = 9;
        break;
    case 1:
        slot->rows = 0;
        break;
    case 2:
        t->shape[0] = 5;
        break;
    case 3:
        t->datatype = DATATYPE_INT8;
        break;
    case 4:
        t->offset = SLOT;
        break;
    case 5:
        t->size = 15;
        break;
    case 6:
        slot->input_count = 0;
        break;
    case 7:
        t->name[0] = 'z';
        break;
    default:
        slot->inputs_end = SLOT * 2;
        break;
    }
}

Test(python_slots, refuses_slots_that_do_not_fit_the_model)
{
    struct parent p;
    struct loaded l;
    start(&p, &l, FOLDER "max_batch_size=8\nproperty.python.module=moody\n");
    struct slot_head *slot = loaded_slot(&l, 0);
    for (int how = 0; how < 9; how++) {
        spoil(slot, how);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, SLOT_FAILED, "case %d", how);
        cr_assert_neq(slot->error[0], '\0');
    }
    spoil(slot, 0);
    slot->rows = 4;
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    loaded_close(&l);
    parent_stop(&p);
}

/* Two texts, "1 2 3" and another one, through that class. */
static struct slot_head *
run_texts(struct loaded *l, const char *other)
{
    struct slot_head *slot = loaded_slot(l, 1);
    char texts[64] = "\5\0\0\0001 2 3";
    uint32_t length = (uint32_t)strlen(other);
    memcpy(texts + 9, &length, sizeof length);
    memcpy(texts + 13, other, length);
    const int64_t shape[] = {2};
    slot_begin(slot, 2);
    slot_add(slot, "text", DATATYPE_BYTES, shape, 1, texts, 13 + length);
    cr_assert(loaded_run(l, slot));
    return slot;
}

Test(python_slots, calls_a_class_of_the_serving_agent_project_as_it_is)
{
    struct parent p;
    struct loaded l;
    start(&p, &l,
          FOLDER "max_batch_size=8\nproperty.python.module=serving_agent\n"
                 "property.python.call=rows\nproperty.input.0=text BYTES -1\n"
                 "property.output.0=words INT64 -1\n");
    struct slot_head *slot = run_texts(&l, "seven");
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    static const int64_t words[] = {3, 1};
    expect_data(slot, 0, words, sizeof words);
    loaded_close(&l);
    parent_stop(&p);
}

Test(python_slots, runs_preprocess_and_postprocess_of_batches_and_of_rows)
{
    struct parent p;
    struct loaded batches;
    struct loaded rows;
    start(&p, &batches,
          FOLDER "max_batch_size=8\nproperty.python.module=stages\n"
                 "property.python.class=OfBatches\n");
    parent_load(&p, &rows, 1, SLOT,
                FOLDER "max_batch_size=8\nproperty.python.module=stages\n"
                       "property.python.class=OfRows\n");
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    struct slot_head *slot = run_texts(&batches, "xyz");
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    expect_data(slot, 0, "\5\0\0\0001 2 3\3\0\0\0XYZ", 16);
    static const int64_t lengths[] = {5, 3};
    expect_data(slot, 1, lengths, sizeof lengths);
    /* "1 2 3" is no number: that row alone fails. */
    slot = run_texts(&rows, "7");
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    static const float halves[] = {0.0F, 3.5F};
    expect_data(slot, 0, halves, sizeof halves);
    cr_assert(slot->row_failed[0] == 1 && slot->row_failed[1] == 0);
    cr_assert_not_null(strstr(row_error(slot, 0), "invalid literal"));
    loaded_close(&batches);
    loaded_close(&rows);
    parent_stop(&p);
}
