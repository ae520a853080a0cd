/* SPDX-License-Identifier: Apache-2.0 */
/* The models of tests/support/onnx_models.py through the program and ONNX Runtime. */
#include "base/datatype.h"
#include "parent.h"
#include "runner/backend.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT  ((uint64_t)256 * 1024)
#define LINES "platform=onnxruntime\ndir=" LEAT_ONNX_DIR "/"

struct served {
    struct parent parent;
    struct loaded loaded;
    struct slot_head *slot;
};

/* `lines` begin with the folder of the model. */
static void
load(struct served *s, const char *lines)
{
    char text[2048];
    snprintf(text, sizeof text, LINES "%s", lines);
    parent_start(&s->parent);
    parent_load(&s->parent, &s->loaded, 0, SLOT, text);
    s->slot = loaded_slot(&s->loaded, 0);
}

static void
serve(struct served *s, const char *lines)
{
    load(s, lines);
    cr_assert(parent_expect(&s->parent, "loaded"), "%s", s->parent.message);
}

static void
stop(struct served *s)
{
    loaded_close(&s->loaded);
    parent_stop(&s->parent);
}

static void
run(struct served *s)
{
    cr_assert(loaded_run(&s->loaded, s->slot));
    cr_assert_eq(s->slot->outcome, SLOT_SUCCEEDED, "%s", s->slot->error);
}

static const void *
output(const struct served *s, uint32_t index)
{
    return slot_bytes_at(s->slot, s->slot->outputs[index].offset);
}

static void
add_floats(struct served *s, const char *name, uint32_t rows, int width, const float *x)
{
    int64_t shape[] = {rows, width};
    slot_add(s->slot, name, DATATYPE_FP32, shape, 2, x,
             rows * (size_t)width * sizeof *x);
}

static void
lower(const char *name, char out[static 16])
{
    size_t i = 0;
    for (; name[i] != '\0'; i++) {
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    }
    out[i] = '\0';
}

/* Six texts: a NUL within, an empty one, one of one byte, and again. */
static const char texts[] = "\3\0\0\0a\0b"
                            "\0\0\0\0"
                            "\1\0\0\0c"
                            "\2\0\0\0de"
                            "\1\0\0\0f"
                            "\0\0\0";

Test(onnxruntime, serves_every_datatype_of_the_protocol_as_the_file_tells_it)
{
    struct served s;
    uint8_t bytes[6 * 8];
    int64_t shape[] = {2, 3};
    serve(&s, "types\nmax_batch_size=4\n");
    slot_begin(s.slot, 2);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i % 2);
    }
    for (int i = 0; i < DATATYPE_COUNT; i++) {
        enum datatype type = (enum datatype)i;
        char name[16];
        char line[64];
        lower(datatype_name(type), name);
        snprintf(line, sizeof line, "input=%s %s -1,3", name, datatype_name(type));
        cr_assert(parent_said(&s.parent, line), "%s", s.parent.message);
        bool is_text = type == DATATYPE_BYTES;
        slot_add(s.slot, name, type, shape, 2, is_text ? texts : (void *)bytes,
                 is_text ? sizeof texts : 6 * datatype_size(type));
    }
    run(&s);
    cr_assert_eq(s.slot->output_count, DATATYPE_COUNT);
    for (uint32_t i = 0; i < s.slot->output_count; i++) {
        const struct slot_tensor *t = &s.slot->outputs[i];
        bool is_text = t->datatype == DATATYPE_BYTES;
        size_t size =
            is_text ? sizeof texts : 6 * datatype_size((enum datatype)t->datatype);
        cr_assert(t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 3, "%s", t->name);
        cr_assert_eq(t->size, size, "%s", t->name);
        cr_assert_eq(memcmp(output(&s, i), is_text ? texts : (void *)bytes, size), 0,
                     "%s", t->name);
    }
    stop(&s);
}

Test(onnxruntime, answers_two_outputs_from_two_inputs_in_any_order)
{
    static const float a[] = {1, 2, 3, 4};
    static const float b[] = {10, 20, 30, 40};
    struct served s;
    serve(&s, "two\nmax_batch_size=8\nproperty.output.0=product FP32 -1,2\n"
              "property.output.1=sum FP32 -1,2\n");
    slot_begin(s.slot, 2);
    add_floats(&s, "b", 2, 2, b);
    add_floats(&s, "a", 2, 2, a);
    run(&s);
    const float *product = output(&s, 0);
    const float *sum = output(&s, 1);
    cr_assert_str_eq(s.slot->outputs[0].name, "product");
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(product[i], a[i] * b[i]);
        cr_assert_eq(sum[i], a[i] + b[i]);
    }
    stop(&s);
}

Test(onnxruntime, pads_to_the_rows_of_a_file_that_knows_only_one_number)
{
    static const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct served s;
    serve(&s, "fixed\nmax_batch_size=4\n");
    cr_assert(parent_said(&s.parent, "input=x FP32 -1,3"));
    for (uint32_t rows = 1; rows <= 4; rows++) {
        char given[64];
        size_t size = 0;
        int64_t shape[] = {rows, 2};
        for (uint32_t i = 0; i < 2 * rows; i++) {
            const char text[] = {2, 0, 0, 0, 'r', (char)('0' + i)};
            memcpy(given + size, text, sizeof text);
            size += sizeof text;
        }
        slot_begin(s.slot, rows);
        add_floats(&s, "x", rows, 3, x);
        slot_add(s.slot, "s", DATATYPE_BYTES, shape, 2, given, size);
        run(&s);
        const float *y = output(&s, 0);
        cr_assert_eq(s.slot->outputs[0].shape[0], rows);
        cr_assert_eq(s.slot->outputs[0].size, rows * 12);
        for (uint32_t i = 0; i < 3 * rows; i++) {
            cr_assert_eq(y[i], 2 * x[i]);
        }
        cr_assert_eq(s.slot->outputs[1].size, size);
        cr_assert_eq(memcmp(output(&s, 1), given, size), 0);
    }
    stop(&s);
}

Test(onnxruntime, pads_to_a_bucket_and_answers_only_what_was_asked)
{
    static const float x[] = {1, 2, 3, 4, 5, 6};
    struct served s;
    serve(&s, "two\nmax_batch_size=8\nproperty.batch.buckets=2,5,8\n");
    slot_begin(s.slot, 3);
    add_floats(&s, "a", 3, 2, x);
    add_floats(&s, "b", 3, 2, x);
    run(&s);
    const float *sum = output(&s, 0);
    cr_assert_eq(s.slot->outputs[0].shape[0], 3);
    cr_assert_eq(s.slot->outputs[0].size, sizeof x);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(sum[i], 2 * x[i]);
    }
    stop(&s);
}

Test(onnxruntime, answers_outputs_whose_size_only_the_run_tells)
{
    static const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct served s;
    serve(&s, "variable\nmax_batch_size=4\n");
    cr_assert(parent_said(&s.parent, "output=y FP32 -1,-1"));
    slot_begin(s.slot, 2);
    add_floats(&s, "x", 2, 5, x);
    run(&s);
    const float *y = output(&s, 0);
    cr_assert_eq(s.slot->outputs[0].shape[1], 5);
    cr_assert_eq(y[9], 20.0F);
    stop(&s);
}

Test(onnxruntime, runs_a_file_without_batch_axis_one_item_at_a_time)
{
    static const float x[] = {1, 2, 3};
    static const float k = 10;
    int64_t shape[] = {3};
    struct served s;
    serve(&s, "alone\nmax_batch_size=0\n");
    cr_assert(parent_said(&s.parent, "input=x FP32 3"));
    cr_assert(parent_said(&s.parent, "input=k FP32"));
    slot_begin(s.slot, 1);
    slot_add(s.slot, "x", DATATYPE_FP32, shape, 1, x, sizeof x);
    slot_add(s.slot, "k", DATATYPE_FP32, shape, 0, &k, sizeof k);
    run(&s);
    cr_assert_eq(*(const float *)output(&s, 0), 60.0F);
    cr_assert_eq(s.slot->outputs[1].rank, 0);
    cr_assert_eq(*(const float *)output(&s, 1), 6.0F);
    stop(&s);
}

Test(onnxruntime, fails_a_batch_in_the_model_s_words_and_serves_on)
{
    static const int64_t indices[] = {2, 0, 7};
    int64_t shape[] = {0};
    struct served s;
    serve(&s, "ranges\nmax_batch_size=4\n");
    for (uint32_t rows = 3; rows >= 2; rows--) {
        shape[0] = rows;
        slot_begin(s.slot, rows);
        slot_add(s.slot, "i", DATATYPE_INT64, shape, 1, indices, rows * 8);
        cr_assert(loaded_run(&s.loaded, s.slot));
        cr_assert_eq(s.slot->outcome, rows == 3 ? SLOT_FAILED : SLOT_SUCCEEDED);
        cr_assert_eq(strstr(s.slot->error, "out of data bounds") != NULL, rows == 3,
                     "%s", s.slot->error);
    }
    cr_assert_eq(*(const float *)output(&s, 0), 3.5F);
    stop(&s);
}

#ifndef __SANITIZE_ADDRESS__ /* which ends the runner instead of refusing memory */
Test(onnxruntime, says_that_memory_is_out_and_serves_on)
{
    /* More than any address space has, so that nothing is taken for real. */
    static const int64_t counts[] = {1000000000000000, 3};
    int64_t shape[] = {1};
    struct served s;
    serve(&s, "large\nmax_batch_size=4\n");
    for (size_t i = 0; i < 2; i++) {
        slot_begin(s.slot, 1);
        slot_add(s.slot, "n", DATATYPE_INT64, shape, 1, &counts[i], sizeof counts[i]);
        cr_assert(loaded_run(&s.loaded, s.slot));
        cr_assert_eq(s.slot->outcome, i == 0 ? SLOT_OUT_OF_MEMORY : SLOT_SUCCEEDED,
                     "%s", s.slot->error);
    }
    cr_assert_eq(*(const int64_t *)output(&s, 0), 3);
    stop(&s);
}
#endif

Test(onnxruntime, leaves_a_nan_in_the_row_it_belongs_to)
{
    static const float x[] = {1, 1, -1, 1};
    struct served s;
    serve(&s, "log\nmax_batch_size=4\n");
    slot_begin(s.slot, 2);
    add_floats(&s, "x", 2, 2, x);
    run(&s);
    const float *y = output(&s, 0);
    cr_assert(y[0] == 0.0F && y[1] == 0.0F && isnan(y[2]) && y[3] == 0.0F);
    stop(&s);
}

Test(onnxruntime, refuses_texts_that_do_not_fill_the_shape)
{
    static const float x[] = {1, 2, 3};
    static const char two[] = "\1\0\0\0a\1\0\0\0";
    int64_t shape[] = {1, 2};
    struct served s;
    serve(&s, "fixed\nmax_batch_size=4\n");
    for (size_t size = sizeof two - 5; size < sizeof two; size++) {
        slot_begin(s.slot, 1);
        add_floats(&s, "x", 1, 3, x);
        slot_add(s.slot, "s", DATATYPE_BYTES, shape, 2, two, size);
        cr_assert(loaded_run(&s.loaded, s.slot));
        cr_assert_eq(s.slot->outcome, SLOT_FAILED);
        cr_assert_str_eq(s.slot->error, "input s: the texts do not fill the shape");
    }
    stop(&s);
}

static int
threads_of(pid_t pid)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

static int
threads_with(const char *lines)
{
    struct served s;
    serve(&s, lines);
    int count = threads_of(s.parent.child);
    stop(&s);
    return count;
}

Test(onnxruntime, starts_no_more_threads_for_computing_than_it_is_told)
{
    int unsaid = threads_with("two\nmax_batch_size=4\n");
    int one = threads_with("two\nmax_batch_size=4\nproperty.onnxruntime.threads=1\n");
    int three = threads_with("two\nmax_batch_size=4\nproperty.onnxruntime.threads=3\n");
    cr_assert_eq(unsaid, one);
    cr_assert_eq(three, one + 2);
}

Test(onnxruntime, serves_the_tensors_of_a_file_that_has_others_too)
{
    static const float x[] = {1, 2};
    struct served s;
    serve(&s, "sequence\nmax_batch_size=4\nproperty.output.0=y FP32 -1,2\n");
    slot_begin(s.slot, 1);
    add_floats(&s, "x", 1, 2, x);
    run(&s);
    cr_assert_eq(s.slot->output_count, 1);
    cr_assert_eq(*(const float *)output(&s, 0), -1.0F);
    stop(&s);
}

Test(onnxruntime, says_in_words_what_it_cannot_load)
{
    static const struct {
        const char *lines;
        const char *words;
    } cases[] = {
        {"broken\nmax_batch_size=4\n", "Protobuf parsing failed"},
        {"nowhere\nmax_batch_size=4\n", "model.onnx: there is no such file"},
        {"long\nmax_batch_size=4\n", "has a name of 64 bytes or more"},
        {"sequence\nmax_batch_size=4\n", "output all is a sequence, a map or optional"},
        {"whole\nmax_batch_size=4\n",
         "output y FP32: the model does not say its shape"},
        {"fixed\nmax_batch_size=8\n", "always have 4 rows; set max.batch.size=4"},
        {"two\nmax_batch_size=4\nproperty.input.0=a FP32 -1,3\n"
         "property.input.1=b FP32 -1,2\n",
         "input.0=a FP32 -1,3 does not fit the model's input a FP32 -1,2"},
        {"two\nmax_batch_size=4\nproperty.output.0=sum FP64 -1,2\n",
         "output.0=sum FP64 -1,2 does not fit the model's output sum FP32 -1,2"},
        {"two\nmax_batch_size=4\nproperty.input.0=a FP32 -1,2\n",
         "the model also wants input b FP32 -1,2"},
        {"two\nmax_batch_size=4\nproperty.onnxruntime.provider=gpu\n",
         "expected cpu, cuda or tensorrt"},
        {"two\nmax_batch_size=4\nproperty.onnxruntime.provider=cuda\n",
         "it wants device=cuda"},
        {"two\nmax_batch_size=4\ndevice=tpu\n", "device=tpu: onnxruntime runs on cpu"},
        {"two\nmax_batch_size=4\nproperty.onnxruntime.thread=1\n",
         "onnxruntime.thread: known are"},
        {"two\nmax_batch_size=4\nproperty.onnxruntime.threads=0\n",
         "onnxruntime.threads"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct served s;
        load(&s, cases[i].lines);
        cr_assert(parent_expect(&s.parent, "failed"), "%s", cases[i].lines);
        cr_assert_not_null(strstr(s.parent.message, cases[i].words), "%s%s",
                           cases[i].lines, s.parent.message);
        stop(&s);
    }
}

Test(onnxruntime, says_where_the_library_is_not)
{
    struct served s;
    setenv("LEAT_ONNXRUNTIME", "/nowhere", 1);
    load(&s, "two\nmax_batch_size=4\n");
    cr_assert(parent_expect(&s.parent, "failed"));
    cr_assert_not_null(strstr(s.parent.message, "LEAT_ONNXRUNTIME=/nowhere: no "
                                                "libonnxruntime.so.1"));
    stop(&s);
}

Test(onnxruntime, says_that_the_library_has_no_gpu_provider)
{
    struct served s;
    load(&s, "two\nmax_batch_size=4\ndevice=cuda:1\n"
             "property.onnxruntime.cuda.gpu_mem_limit=1000000\n");
    cr_assert(parent_expect(&s.parent, "failed"));
    cr_assert_not_null(strstr(s.parent.message, "reason=cuda: "), "%s",
                       s.parent.message);
    stop(&s);
}

Test(onnxruntime, says_how_to_get_it_into_a_build_without)
{
    struct fault fault = {.text = ""};
    struct model model = {.max_batch_size = 4};
    const struct model_source source = {.directory = "."};
    cr_assert_eq(backend_onnxruntime_absent.load(NULL, &source, &model, &fault),
                 STATUS_UNSUPPORTED);
    cr_assert_not_null(strstr(fault.text, "scripts/get-onnxruntime"));
}
