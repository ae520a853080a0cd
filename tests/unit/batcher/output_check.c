/* SPDX-License-Identifier: Apache-2.0 */
/* A NaN is found wherever it stands, and nothing else is taken for one. */
#include "batcher/output_check.h"

#include <criterion/criterion.h>

#include <string.h>

enum { ELEMENTS = 200 };

struct kind {
    enum datatype datatype;
    uint64_t infinity; /* the bits of +infinity */
    uint64_t sign;
};

static const struct kind kinds[] = {
    {DATATYPE_FP16, 0x7c00, 0x8000},
    {DATATYPE_BF16, 0x7f80, 0x8000},
    {DATATYPE_FP32, 0x7f800000, 0x80000000},
    {DATATYPE_FP64, 0x7ff0000000000000, 0x8000000000000000},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

/** A tensor whose bytes begin at an odd address, so that no alignment is relied on. */
static struct tensor
tensor_of(enum datatype datatype, uint8_t *memory, size_t elements)
{
    return (struct tensor){.name = span_of_text("y"),
                           .datatype = datatype,
                           .data =
                               span_of(memory + 1, elements * datatype_size(datatype))};
}

static bool
finds(const struct kind *k, size_t at, size_t elements, uint64_t bits)
{
    uint8_t memory[1 + ELEMENTS * 8 + 8];
    size_t size = datatype_size(k->datatype);
    memset(memory, 0, sizeof memory);
    memcpy(memory + 1 + at * size, &bits, size);
    memset(memory + 1 + elements * size, 0xff, 8); /* a NaN just behind the end */
    struct tensor t = tensor_of(k->datatype, memory, elements);
    return output_with_nan(&t, 1) == &t;
}

Test(output_check, finds_a_nan_at_every_place_of_every_type)
{
    for (size_t k = 0; k < KINDS; k++) {
        for (size_t at = 0; at < ELEMENTS; at++) {
            cr_assert(finds(&kinds[k], at, ELEMENTS, kinds[k].infinity + 1));
            cr_assert(finds(&kinds[k], at, at + 1, kinds[k].infinity + 1));
        }
        cr_assert(finds(&kinds[k], 3, 4, (kinds[k].infinity + 1) | kinds[k].sign));
        cr_assert(finds(&kinds[k], 3, 4, kinds[k].infinity | kinds[k].infinity >> 1));
        cr_assert(finds(&kinds[k], 3, 4, UINT64_MAX));
    }
}

Test(output_check, takes_infinities_and_extremes_for_numbers)
{
    for (size_t k = 0; k < KINDS; k++) {
        const struct kind *kind = &kinds[k];
        for (size_t n = 1; n < ELEMENTS; n += 63) {
            cr_assert_not(finds(kind, 0, n, kind->infinity));
            cr_assert_not(finds(kind, 0, n, kind->infinity | kind->sign));
            cr_assert_not(finds(kind, 0, n, kind->infinity - 1));
            cr_assert_not(finds(kind, 0, n, 1));
            cr_assert_not(finds(kind, 0, n, kind->sign));
        }
    }
}

Test(output_check, passes_over_types_that_hold_no_nan_and_empty_tensors)
{
    uint8_t memory[65];
    memset(memory, 0xff, sizeof memory);
    for (unsigned d = 0; d < DATATYPE_COUNT; d++) {
        struct tensor t = {.datatype = (enum datatype)d, .data = span_of(memory, 0)};
        cr_assert_null(output_with_nan(&t, 1));
    }
    struct tensor bytes = {.datatype = DATATYPE_INT64, .data = span_of(memory, 64)};
    cr_assert_null(output_with_nan(&bytes, 1));
    cr_assert_null(output_with_nan(NULL, 0));
}

Test(output_check, names_the_first_output_that_holds_one)
{
    uint8_t good[65] = {0};
    uint8_t bad[65];
    memset(bad, 0xff, sizeof bad);
    struct tensor t[3] = {tensor_of(DATATYPE_FP32, good, 16),
                          tensor_of(DATATYPE_FP64, bad, 8),
                          tensor_of(DATATYPE_FP32, bad, 16)};
    cr_assert_eq(output_with_nan(t, 3), &t[1]);
    cr_assert_eq(output_with_nan(t, 1), NULL);
}
