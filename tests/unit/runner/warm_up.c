/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model is warmed up with: warmup.runs and warmup.input.N. What the last batches
 * held is still to be seen in the slots when the model is loaded.
 */
#include "base/clock.h"
#include "parent.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT ((uint64_t)256 * 1024)
#define ECHO "platform=echo\nmax_batch_size=4\n"

static char folder[64];
static struct parent p;
static struct loaded l;

static void
make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/leat-warm-up-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void
remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(warm_up, .init = make_folder, .fini = remove_folder);

static void
put(const char *name, const void *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fwrite(data, 1, size, file), size);
    fclose(file);
}

static void
load(const char *lines)
{
    char all[1024];
    bool python = strstr(lines, "platform=python") != NULL;
    snprintf(all, sizeof all, "%sdir=%s\n", lines, folder);
    (python ? parent_start_python : parent_start)(&p);
    parent_load(&p, &l, 0, SLOT, all);
}

static void
end(void)
{
    loaded_close(&l);
    parent_stop(&p);
}

/* A slot that ran with the most rows. */
static struct slot_head *
warm_slot(void)
{
    cr_assert(parent_expect(&p, "loaded"), "%s", p.message);
    return loaded_slot(&l, 1);
}

static const void *
input(struct slot_head *slot, unsigned i)
{
    return slot_bytes_at(slot, slot->inputs[i].offset);
}

static void
expect_failed(const char *lines, const char *wanted)
{
    char line[400];
    load(lines);
    cr_assert(parent_expect(&p, "failed"), "%s", p.message);
    snprintf(line, sizeof line, "reason=%s", wanted);
    cr_assert(parent_said(&p, line), "%s", p.message);
    end();
}

/* For platform=python. */
static void
put_class(const char *name)
{
    char command[256];
    snprintf(command, sizeof command,
             "cp " LEAT_SOURCE_DIR "/tests/support/python/%s.py %s/model.py", name,
             folder);
    cr_assert_eq(system(command), 0);
}

/* A class that answers what it was asked. */
static void
put_mirror(void)
{
    put_class("mirror");
}

static void
expect_rows_of_file(const char *platform)
{
    static const float row[] = {1.5F, -2.0F, 3.0F, 0.25F};
    char lines[512];
    put("row.bin", row, sizeof row);
    snprintf(lines, sizeof lines,
             "platform=%s\nmax_batch_size=4\nproperty.input.0=x FP32 -1,2,2\n"
             "property.output.0=x FP32 -1,2,2\nproperty.warmup.input.0=row.bin\n",
             platform);
    load(lines);
    struct slot_head *slot = warm_slot();
    cr_assert_eq(slot->rows, 4);
    cr_assert_eq(slot->inputs[0].size, 4 * sizeof row);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(
            memcmp((const char *)input(slot, 0) + i * sizeof row, row, sizeof row), 0);
    }
    end();
}

Test(warm_up, holds_a_row_of_a_file_in_every_row)
{
    expect_rows_of_file("echo");
}

Test(warm_up, holds_a_row_of_a_file_in_every_row_in_python, .timeout = 60)
{
    put_mirror();
    expect_rows_of_file("python");
}

static void
expect_open_dimension(const char *platform)
{
    static const int64_t ids[] = {7, 8, 9, 10, 11, 12};
    char lines[512];
    put("ids.bin", ids, sizeof ids);
    snprintf(lines, sizeof lines,
             "platform=%s\nmax_batch_size=2\nproperty.input.0=ids INT64 -1,-1,3\n"
             "property.output.0=ids INT64 -1,-1,3\nproperty.warmup.input.0=ids.bin\n",
             platform);
    load(lines);
    struct slot_head *slot = warm_slot();
    cr_assert_eq(slot->inputs[0].shape[0], 2);
    cr_assert_eq(slot->inputs[0].shape[1], 2);
    cr_assert_eq(slot->inputs[0].shape[2], 3);
    cr_assert_eq(memcmp(input(slot, 0), ids, sizeof ids), 0);
    end();
}

Test(warm_up, makes_a_variable_dimension_as_long_as_the_file)
{
    expect_open_dimension("echo");
}

Test(warm_up, makes_a_variable_dimension_as_long_as_the_file_in_python, .timeout = 60)
{
    put_mirror();
    expect_open_dimension("python");
}

static void
expect_texts(const char *platform)
{
    static const char pair[] = "\2\0\0\0hi\0\0\0"; /* "hi", "" */
    static const char pairs[] = "\2\0\0\0hi\0\0\0\0\2\0\0\0hi\0\0\0";
    char lines[512];
    put("pair.bin", pair, sizeof pair);
    put("text", "hello", 5);
    snprintf(lines, sizeof lines,
             "platform=%s\nmax_batch_size=2\nproperty.input.0=one BYTES -1,1\n"
             "property.input.1=two BYTES -1,2\nproperty.output.0=one BYTES -1,1\n"
             "property.output.1=two BYTES -1,2\nproperty.warmup.input.0=text\n"
             "property.warmup.input.1=pair.bin\n",
             platform);
    load(lines);
    struct slot_head *slot = warm_slot();
    static const char ones[] = {5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o',
                                5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'};
    cr_assert_eq(slot->inputs[0].size, sizeof ones);
    cr_assert_eq(memcmp(input(slot, 0), ones, sizeof ones), 0);
    cr_assert_eq(slot->inputs[1].size, sizeof pairs);
    cr_assert_eq(memcmp(input(slot, 1), pairs, sizeof pairs), 0);
    end();
}

Test(warm_up, takes_a_file_for_a_text_or_for_texts_with_their_lengths)
{
    expect_texts("echo");
}

Test(warm_up, takes_a_file_for_a_text_or_for_texts_in_python, .timeout = 60)
{
    put_mirror();
    expect_texts("python");
}

static void
expect_random(const char *platform)
{
    char lines[512];
    snprintf(lines, sizeof lines,
             "platform=%s\nmax_batch_size=4\nproperty.input.0=f FP32 -1,8\n"
             "property.input.1=i UINT8 -1,8\nproperty.input.2=z INT32 -1,2\n"
             "property.output.0=f FP32 -1,8\nproperty.output.1=i UINT8 -1,8\n"
             "property.output.2=z INT32 -1,2\nproperty.warmup.input.0=random\n"
             "property.warmup.input.1=random\nproperty.warmup.input.2=zeros\n",
             platform);
    load(lines);
    struct slot_head *slot = warm_slot();
    const float *f = input(slot, 0);
    const uint8_t *bytes = input(slot, 1);
    const int32_t *zeros = input(slot, 2);
    for (unsigned i = 0; i < 32; i++) {
        cr_assert(f[i] >= 0.0F && f[i] < 1.0F, "%f", (double)f[i]);
        cr_assert_lt(bytes[i], 128);
    }
    cr_assert_neq(memcmp(f, f + 8, 8 * sizeof *f), 0, "rows differ");
    cr_assert_neq(memcmp(bytes, bytes + 8, 8), 0);
    cr_assert(zeros[0] == 0 && zeros[7] == 0);
    end();
}

Test(warm_up, holds_random_values_of_which_no_row_is_like_another)
{
    expect_random("echo");
}

Test(warm_up, holds_random_values_in_python, .timeout = 60)
{
    put_mirror();
    expect_random("python");
}

Test(warm_up, has_random_values_of_every_datatype_but_texts)
{
    static const char *const names[] = {"BOOL", "UINT16", "UINT32", "UINT64",
                                        "INT8", "INT16",  "INT32",  "INT64",
                                        "FP16", "BF16",   "FP64"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char lines[256];
        snprintf(lines, sizeof lines,
                 ECHO "property.input.0=x %s -1,3\nproperty.warmup.input.0=random\n",
                 names[i]);
        load(lines);
        struct slot_head *slot = warm_slot();
        static const char zeros[256];
        cr_assert_neq(memcmp(input(slot, 0), zeros, slot->inputs[0].size), 0, "%s",
                      names[i]);
        end();
    }
    expect_failed(
        ECHO "property.input.0=x BYTES -1,1\nproperty.warmup.input.0=random\n",
        "warmup.input.0=random: input x is BYTES, for which a file has to say "
        "what is likely");
}

static void
expect_mistakes(const char *platform)
{
    char lines[512];
    static const char *const wrong[][3] = {
        {"x FP32 -1,2", "five",
         "warmup.input.0=five: the file has 5 bytes, a row of input x (FP32) takes 8"},
        {"x FP32 -1,2", "empty",
         "warmup.input.0=empty: the file has 0 bytes, a row of input x (FP32) takes 8"},
        {"x FP32 -1,-1", "five",
         "warmup.input.0=five: the file has 5 bytes, a row of input x (FP32) takes a "
         "multiple of 4"},
        {"x FP32 -1,-1", "empty",
         "warmup.input.0=empty: the file has 0 bytes, a row of input x (FP32) takes a "
         "multiple of 4"},
        {"x BYTES -1,2", "five",
         "warmup.input.0=five: the file is not the 2 texts of a row of input x, each "
         "with its length in 4 bytes in front"},
        {"x FP32 -1,2", "none", "warmup.input.0=none: No such file or directory"},
    };
    put("five", "12345", 5);
    put("empty", "", 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(lines, sizeof lines,
                 "platform=%s\nmax_batch_size=4\nproperty.input.0=%s\n"
                 "property.output.0=%s\nproperty.warmup.input.0=%s\n",
                 platform, wrong[i][0], wrong[i][0], wrong[i][1]);
        expect_failed(lines, wrong[i][2]);
    }
    snprintf(lines, sizeof lines,
             "platform=%s\nmax_batch_size=4\nproperty.input.0=x FP32 -1\n"
             "property.output.0=x FP32 -1\nproperty.warmup.input.1=zeros\n",
             platform);
    expect_failed(lines, "warmup.input.1=zeros: the model has 1 inputs, which begin "
                         "with 0");
    snprintf(lines, sizeof lines,
             "platform=%s\nmax_batch_size=4\nproperty.input.0=x FP32 -1\n"
             "property.output.0=x FP32 -1\nproperty.warmup.runs=1001\n",
             platform);
    expect_failed(lines, "warmup.runs=1001: expected a whole number from 0 to 1000");
}

Test(warm_up, tells_what_a_file_should_be)
{
    expect_mistakes("echo");
}

Test(warm_up, tells_what_a_file_should_be_in_python, .timeout = 60)
{
    put_mirror();
    expect_mistakes("python");
}

static void
expect_runs(const char *platform)
{
    char lines[512];
    static const char rest[] = "max_batch_size=4\nproperty.input.0=x UINT8 -1,4\n"
                               "property.output.0=x UINT8 -1,4\n";
    snprintf(lines, sizeof lines, "platform=%s\n%sproperty.warmup.runs=0\n", platform,
             rest);
    load(lines);
    struct slot_head *slot = warm_slot();
    cr_assert_null(strstr(p.message, "\ncost="));
    cr_assert_eq(slot->rows, 0, "nothing has run");
    slot_begin(slot, 1);
    slot_add(slot, "x", DATATYPE_UINT8, (int64_t[]){1, 4}, 2, "abcd", 4);
    cr_assert(loaded_run(&l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
    end();
    snprintf(lines, sizeof lines, "platform=%s\n%sproperty.warmup.runs=1\n", platform,
             rest);
    load(lines);
    slot = warm_slot();
    cr_assert_not_null(strstr(p.message, "\ncost=1 0 "));
    cr_assert_not_null(strstr(p.message, "\ncost=2 0 "));
    cr_assert_not_null(strstr(p.message, "\ncost=4 0 "));
    cr_assert_eq(slot->rows, 0, "one run is one in the first slot");
    end();
}

Test(warm_up, runs_each_size_as_often_as_it_is_told_or_not_at_all)
{
    expect_runs("echo");
}

Test(warm_up, runs_each_size_as_often_as_it_is_told_in_python, .timeout = 60)
{
    put_mirror();
    expect_runs("python");
}

Test(warm_up, runs_as_often_as_it_is_told_however_long_it_takes)
{
    int64_t begin_ns = clock_mono_ns();
    load("platform=sim\nmax_batch_size=1\nproperty.input.0=x UINT8 -1,4\n"
         "property.sim.alpha=30ms\nproperty.warmup.runs=20\n");
    (void)warm_slot();
    cr_assert_geq(clock_mono_ns() - begin_ns, 600 * NS_PER_MS);
    cr_assert_not_null(strstr(p.message, "\ncost=1 0 3"));
    end();
}

#define STEPS                                                                          \
    ECHO "property.input.0=x UINT8 -1,8,8,3\nproperty.output.0=x UINT8 -1,8,8,3\n"     \
         "property.steps=decode resize:8x8 model\n"

Test(warm_up, decodes_an_image_of_the_folder_before_the_model)
{
    char command[256];
    snprintf(command, sizeof command,
             "cp " LEAT_SOURCE_DIR "/tests/unit/runner/images/rgb.png %s/x.png",
             folder);
    cr_assert_eq(system(command), 0);
    load(STEPS "property.warmup.input.0=x.png\n");
    struct slot_head *slot = warm_slot();
    cr_assert_gt(slot->inputs[0].size, 16);
    cr_assert_eq(memcmp((const char *)input(slot, 0) + 5, "PNG", 3), 0);
    cr_assert_eq(slot->row_failed[0], SLOT_ROW_FINE);
    end();
}

Test(warm_up, fails_with_a_file_that_the_model_does_not_answer)
{
    put("x.png", "no image", 8);
    load(STEPS "property.warmup.input.0=x.png\n");
    cr_assert(parent_expect(&p, "failed"), "%s", p.message);
    cr_assert_not_null(strstr(p.message, "reason=warmup.input.0: the model does not "
                                         "answer this row: "),
                       "%s", p.message);
    end();
}

Test(warm_up, fails_with_a_file_that_a_class_does_not_answer, .timeout = 60)
{
    static const char two[] = {2, 0, 0, 0}; /* an ItemError of moody's */
    put_class("moody");
    put("two", two, sizeof two);
    expect_failed("platform=python\nmax_batch_size=4\nproperty.warmup.input.0=two\n",
                  "warmup.input.0: the model does not answer this row: this row is a "
                  "two");
}

Test(warm_up, may_be_left_out_before_steps_with_two_stages)
{
    load(STEPS "property.warmup.runs=0\n");
    struct slot_head *slot = warm_slot();
    for (unsigned i = 0; i < 3; i++) {
        static const char text[] = "\10\0\0\0no image";
        slot_begin(slot, 1);
        slot_add(slot, "image", DATATYPE_BYTES, (int64_t[]){1, 1}, 2, text, 12);
        cr_assert(loaded_run(&l, slot));
        cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
        cr_assert_neq(slot->row_failed[0], SLOT_ROW_FINE);
    }
    end();
}
