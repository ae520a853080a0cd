/* SPDX-License-Identifier: Apache-2.0 */
/* Rows go into the slab and outputs come out of it without ever being mixed up. */
#include "batcher/slab.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

enum { ITEMS = 24, ROWS_EACH = 5, WORD_MAX = 9 };

#define SLOT_BYTES ((uint64_t)1 << 20)

/* Inputs a INT32 [-1,2] and s BYTES [-1,1]; outputs the same: an echo. */
static struct model_spec
echo_spec(void)
{
    struct model_spec spec = {
        .input_count = 2, .output_count = 2, .max_batch_size = 4096};
    spec.inputs[0] = (struct tensor_spec){.name = span_of_text("a"),
                                          .datatype = DATATYPE_INT32,
                                          .rank = 2,
                                          .shape = {-1, 2}};
    spec.inputs[1] = (struct tensor_spec){.name = span_of_text("s"),
                                          .datatype = DATATYPE_BYTES,
                                          .rank = 2,
                                          .shape = {-1, 1}};
    memcpy(spec.outputs, spec.inputs, sizeof spec.outputs);
    return spec;
}

struct request_data {
    struct item item;
    struct tensor tensors[2];
    int32_t numbers[ROWS_EACH * 2];
    uint8_t words[ROWS_EACH * (4 + WORD_MAX)];
};

/** Even items name their tensors in the order of the model, odd ones do not. */
static void
fill(struct request_data *d, int number, unsigned *seed)
{
    uint32_t rows = 1 + (uint32_t)rand_r(seed) % ROWS_EACH;
    size_t a = (size_t)number % 2;
    size_t words_size = 0;
    memset(d, 0, sizeof *d);
    for (uint32_t r = 0; r < rows; r++) {
        d->numbers[2 * r] = number;
        d->numbers[2 * r + 1] = (int32_t)r;
        uint32_t length = (uint32_t)rand_r(seed) % (WORD_MAX + 1);
        memcpy(d->words + words_size, &length, 4);
        memset(d->words + words_size + 4, 'a' + number, length);
        words_size += 4 + length;
    }
    d->tensors[a] = (struct tensor){.name = span_of_text("a"),
                                    .datatype = DATATYPE_INT32,
                                    .rank = 2,
                                    .shape = {rows, 2},
                                    .data = span_of(d->numbers, rows * 8)};
    d->tensors[1 - a] = (struct tensor){.name = span_of_text("s"),
                                        .datatype = DATATYPE_BYTES,
                                        .rank = 2,
                                        .shape = {rows, 1},
                                        .data = span_of(d->words, words_size)};
    d->item.entry.rows = rows;
    d->item.request.inputs = d->tensors;
    d->item.request.input_count = 2;
    d->item.input_order[0] = (uint8_t)a;
    d->item.input_order[1] = (uint8_t)(1 - a);
}

/** What a runner does: the inputs become outputs, in another order. */
static void
echo(struct slot_head *slot)
{
    uint64_t at = slot->inputs_end;
    for (uint32_t i = 0; i < slot->input_count; i++) {
        struct slot_tensor *out = &slot->outputs[slot->input_count - 1 - i];
        *out = slot->inputs[i];
        memcpy(slot_bytes_at(slot, at), slot_bytes_at(slot, out->offset), out->size);
        out->offset = at;
        at += (out->size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
    }
    slot->output_count = slot->input_count;
}

static struct slab slab;
static struct request_data data[ITEMS];

static struct slot_head *
open_slot(void)
{
    cr_assert_eq(slab_open(&slab, SLOT_BYTES), STATUS_OK);
    return slab_slot(&slab, 1);
}

static uint32_t
gather(struct slot_head *slot, const struct model_spec *spec, unsigned seed)
{
    uint32_t rows = 0;
    for (int i = 0; i < ITEMS; i++) {
        fill(&data[i], i, &seed);
        data[i].item.next = i + 1 < ITEMS ? &data[i + 1].item : NULL;
        rows += data[i].item.entry.rows;
    }
    cr_assert_eq(slab_gather(slot, SLOT_BYTES, spec, &data[0].item), STATUS_OK);
    cr_assert_eq(slot->rows, rows);
    return rows;
}

Test(slab, gives_each_item_its_own_rows_back_whatever_their_sizes)
{
    const struct model_spec spec = echo_spec();
    struct slot_head *slot = open_slot();
    for (unsigned seed = 1; seed <= 200; seed++) {
        uint32_t rows = gather(slot, &spec, seed);
        echo(slot);
        struct slab_reader r;
        struct fault fault = {.text = ""};
        struct tensor outputs[SLOT_TENSORS_MAX];
        cr_assert_eq(slab_reader_init(&r, slot, SLOT_BYTES, &spec, rows, &fault),
                     STATUS_OK, "%s", fault.text);
        for (int i = 0; i < ITEMS; i++) {
            const struct item *it = &data[i].item;
            slab_reader_next(&r, it->entry.rows, outputs);
            for (int t = 0; t < 2; t++) {
                const struct tensor *in = &data[i].tensors[it->input_order[t]];
                cr_assert(span_equal(outputs[t].name, in->name));
                cr_assert(span_equal(outputs[t].data, in->data));
                cr_assert_eq(outputs[t].shape[0], it->entry.rows);
            }
        }
    }
    slab_close(&slab);
}

Test(slab, refuses_rows_that_do_not_fit_the_slot)
{
    const struct model_spec spec = echo_spec();
    struct slot_head *slot = open_slot();
    (void)gather(slot, &spec, 3);
    uint64_t least = slot->inputs_end;
    cr_assert_eq(slab_gather(slot, least, &spec, &data[0].item), STATUS_OK);
    for (uint64_t size = SLOT_DATA_OFFSET; size < least; size += 16) {
        cr_assert_eq(slab_gather(slot, size, &spec, &data[0].item), STATUS_TOO_LARGE);
    }
    slab_close(&slab);
}

/** One way in which a runner's outputs can be wrong. */
typedef void (*damage_fn)(struct slot_head *slot);

static void
too_few(struct slot_head *slot)
{
    slot->output_count = 1;
}

static void
the_same_twice(struct slot_head *slot)
{
    slot->outputs[0] = slot->outputs[1];
}

static void
unknown_name(struct slot_head *slot)
{
    strcpy(slot->outputs[0].name, "zz");
}

static void
name_without_end(struct slot_head *slot)
{
    memset(slot->outputs[0].name, 'a', SLOT_NAME_BYTES);
}

static void
a_row_less(struct slot_head *slot)
{
    slot->outputs[1].shape[0]--;
}

/* In itself all right: only the number of rows is another. */
static void
a_whole_row_less(struct slot_head *slot)
{
    struct slot_tensor *t = &slot->outputs[1];
    t->size -= t->size / (uint64_t)t->shape[0];
    t->shape[0]--;
}

static void
a_whole_row_more(struct slot_head *slot)
{
    struct slot_tensor *t = &slot->outputs[1];
    t->size += t->size / (uint64_t)t->shape[0];
    t->shape[0]++;
}

static void
bytes_missing(struct slot_head *slot)
{
    slot->outputs[1].size -= 4;
}

static void
behind_the_slot(struct slot_head *slot)
{
    slot->outputs[1].offset = SLOT_BYTES - 4;
}

static void
wrapping_around(struct slot_head *slot)
{
    slot->outputs[1].offset = UINT64_MAX - 3;
}

static void
wrong_datatype(struct slot_head *slot)
{
    slot->outputs[1].datatype = DATATYPE_FP32;
}

static void
element_too_long(struct slot_head *slot)
{
    uint32_t length = 1 << 30;
    memcpy(slot_bytes_at(slot, slot->outputs[0].offset), &length, sizeof length);
}

Test(slab, believes_no_output_that_is_not_what_the_model_declared)
{
    static const damage_fn damages[] = {
        too_few,        the_same_twice,   unknown_name,     name_without_end,
        a_row_less,     bytes_missing,    behind_the_slot,  wrapping_around,
        wrong_datatype, element_too_long, a_whole_row_less, a_whole_row_more};
    const struct model_spec spec = echo_spec();
    struct slot_head *slot = open_slot();
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        uint32_t rows = gather(slot, &spec, 11);
        echo(slot);
        damages[i](slot);
        struct slab_reader r;
        struct fault fault = {.text = ""};
        cr_assert_eq(slab_reader_init(&r, slot, SLOT_BYTES, &spec, rows, &fault),
                     STATUS_MODEL_FAILED, "damage %zu", i);
        cr_assert_neq(fault.text[0], '\0');
    }
    slab_close(&slab);
}

Test(slab, leaves_the_shape_of_a_model_that_does_not_batch)
{
    struct model_spec spec = echo_spec();
    spec.max_batch_size = 0;
    unsigned seed = 5;
    struct slot_head *slot = open_slot();
    fill(&data[0], 0, &seed);
    int64_t first = data[0].tensors[0].shape[0];
    data[0].item.entry.rows = 1;
    cr_assert_eq(slab_gather(slot, SLOT_BYTES, &spec, &data[0].item), STATUS_OK);
    cr_assert_eq(slot->inputs[0].shape[0], first);
    echo(slot);
    struct slab_reader r;
    struct tensor outputs[SLOT_TENSORS_MAX];
    cr_assert_eq(slab_reader_init(&r, slot, SLOT_BYTES, &spec, 1, NULL), STATUS_OK);
    slab_reader_next(&r, 1, outputs);
    cr_assert_eq(outputs[0].shape[0], first);
    cr_assert(span_equal(outputs[0].data, data[0].tensors[0].data));
    slab_close(&slab);
}
