/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of key=value and the tensors written in them. */
#include "runner/properties.h"

#include "runner/model.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status
parse(struct properties *p, const char *text)
{
    return properties_parse(p, span_of_text(text), NULL);
}

Test(properties, cuts_lines_at_the_first_equals_sign)
{
    struct properties p;
    cr_assert_eq(parse(&p, "type=load\n\nlayers=fc1 relu,fc2=odd\nempty=\n"),
                 STATUS_OK);
    cr_assert_eq(p.count, 3);
    cr_assert_str_eq(properties_text(&p, "layers"), "fc1 relu,fc2=odd");
    cr_assert_str_eq(properties_text(&p, "empty"), "");
    cr_assert_null(properties_text(&p, "absent"));
    properties_fini(&p);
}

Test(properties, refuses_lines_without_a_key_and_NULs_and_too_many_lines)
{
    struct properties p;
    cr_assert_eq(parse(&p, "a=b\nplain\n"), STATUS_INVALID);
    cr_assert_eq(parse(&p, "=b\n"), STATUS_INVALID);
    cr_assert_eq(properties_parse(&p, span_of("a=\0b", 4), NULL), STATUS_INVALID);
    static char many[4 * (PROPERTIES_MAX + 1) + 1];
    for (size_t i = 0; i <= PROPERTIES_MAX; i++) {
        memcpy(many + 4 * i, "a=b\n", 4);
    }
    cr_assert_eq(parse(&p, many), STATUS_TOO_LARGE);
}

Test(properties, gives_a_subset_without_its_prefix)
{
    struct properties all;
    struct properties model;
    cr_assert_eq(parse(&all, "dir=/m\nproperty.sim.alpha=5ms\n"), STATUS_OK);
    properties_subset(&all, "property.", &model);
    cr_assert_eq(model.count, 1);
    cr_assert_str_eq(properties_text(&model, "sim.alpha"), "5ms");
    properties_fini(&all);
}

Test(properties, reads_whole_numbers_within_their_range)
{
    static const int64_t range[] = {0, 4096};
    struct properties p;
    struct fault fault;
    int64_t value = 7;
    cr_assert_eq(parse(&p, "a=4096\nb=4097\nc=12x\nd=\n"), STATUS_OK);
    cr_assert_eq(properties_int(&p, "absent", range, &value, &fault), STATUS_OK);
    cr_assert_eq(value, 7);
    cr_assert_eq(properties_int(&p, "a", range, &value, &fault), STATUS_OK);
    cr_assert_eq(value, 4096);
    cr_assert_eq(properties_int(&p, "b", range, &value, &fault), STATUS_INVALID);
    cr_assert_eq(properties_int(&p, "c", range, &value, &fault), STATUS_INVALID);
    cr_assert_eq(properties_int(&p, "d", range, &value, &fault), STATUS_INVALID);
    properties_fini(&p);
}

Test(properties, reads_times_with_their_units)
{
    struct properties p;
    int64_t ns = 0;
    cr_assert_eq(parse(&p, "a=5ms\nb=0.1ms\nc=20us\nd=0\ne=5\nf=-1ms\ng=nan s\nh=2h\n"
                           "i=1s\nj=3601s\nk=0ms\nl=nans\n"),
                 STATUS_OK);
    cr_assert_eq(properties_duration(&p, "a", &ns, NULL), STATUS_OK);
    cr_assert_eq(ns, 5000000);
    cr_assert_eq(properties_duration(&p, "b", &ns, NULL), STATUS_OK);
    cr_assert_eq(ns, 100000);
    cr_assert_eq(properties_duration(&p, "c", &ns, NULL), STATUS_OK);
    cr_assert_eq(ns, 20000);
    cr_assert_eq(properties_duration(&p, "d", &ns, NULL), STATUS_OK);
    cr_assert_eq(ns, 0);
    cr_assert_eq(properties_duration(&p, "k", &ns, NULL), STATUS_OK);
    cr_assert_eq(properties_duration(&p, "i", &ns, NULL), STATUS_OK);
    static const char *const bad[] = {"e", "f", "g", "h", "j", "l"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_eq(properties_duration(&p, bad[i], &ns, NULL), STATUS_INVALID, "%s",
                     bad[i]);
    }
    properties_fini(&p);
}

Test(model, writes_the_tensors_that_it_reads)
{
    static const char *const texts[] = {"pixels FP32 -1,64", "x BYTES",
                                        "m UINT8 2,3,4"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct model_tensor t;
        struct buf out;
        buf_init(&out, 256);
        cr_assert_eq(model_tensor_parse(texts[i], &t, NULL), STATUS_OK);
        model_tensor_format(&t, &out);
        cr_assert(span_is_text(buf_span(&out), texts[i]));
        buf_fini(&out);
    }
}

static enum status
read_buckets(struct model *model, const char *lines)
{
    struct properties p;
    cr_assert_eq(parse(&p, lines), STATUS_OK);
    enum status status = model_read_buckets(model, &p, NULL);
    properties_fini(&p);
    return status;
}

Test(model, pads_rows_to_the_next_bucket)
{
    struct model model = {.max_batch_size = 10};
    cr_assert_eq(read_buckets(&model, "other=1\n"), STATUS_OK);
    cr_assert_eq(model_padded_rows(&model, 3), 3);
    cr_assert_eq(read_buckets(&model, "batch.buckets=2,4,8\n"), STATUS_OK);
    cr_assert_eq(model.bucket_count, 3);
    cr_assert_eq(model_padded_rows(&model, 1), 2);
    cr_assert_eq(model_padded_rows(&model, 2), 2);
    cr_assert_eq(model_padded_rows(&model, 5), 8);
    cr_assert_eq(model_padded_rows(&model, 9), 10);
    cr_assert_eq(read_buckets(&model, "batch.buckets=10\n"), STATUS_OK);
    cr_assert_eq(model_padded_rows(&model, 1), 10);
}

Test(model, refuses_buckets_that_are_none)
{
    static const char *const texts[] = {
        "",     "0",    "0,1",  "2,2", "4,2", "1,", ",1",
        "1,,2", "1 ,2", "1,41", "-1",  "x",   "2x", "99999999999999999999"};
    struct model model = {.max_batch_size = 40};
    char line[256];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        snprintf(line, sizeof line, "batch.buckets=%s\n", texts[i]);
        cr_assert_eq(read_buckets(&model, line), STATUS_INVALID, "%s", texts[i]);
    }
    size_t end = (size_t)snprintf(line, sizeof line, "batch.buckets=1");
    for (int rows = 2; rows <= MODEL_BUCKETS_MAX; rows++) {
        end += (size_t)snprintf(line + end, sizeof line - end, ",%d", rows);
    }
    cr_assert_eq(read_buckets(&model, line), STATUS_OK);
    snprintf(line + end, sizeof line - end, ",40");
    cr_assert_eq(read_buckets(&model, line), STATUS_INVALID);
    model.max_batch_size = 0;
    cr_assert_eq(read_buckets(&model, "batch.buckets=1\n"), STATUS_INVALID);
}

Test(model, refuses_tensors_that_are_none)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "x ",
                                        " FP32 1",
                                        "x FP31 1",
                                        "x FP32 1,",
                                        "x FP32 ,1",
                                        "x FP32 -2",
                                        "x FP32 1 2",
                                        "x FP32 1,2,3,4,5,6,7,8,9",
                                        "x FP32 99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct model_tensor t;
        cr_assert_eq(model_tensor_parse(texts[i], &t, NULL), STATUS_INVALID, "%s",
                     texts[i]);
    }
}
