/* SPDX-License-Identifier: Apache-2.0 */
/* What a person is told who wrote a model.properties: one mistake each, word for word.
 */
#include "batcher/model_keys.h"
#include "batcher/repository_model.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIM   "platform=sim\nmax.batch.size=8\ninput.0=data UINT8 -1,4\n"
#define DENSE "platform=dense\nlayers=fc1\n"

static struct repository_model
parse(const char *text, size_t size)
{
    struct repository_model m = {.device = "cpu", .instances = 1};
    arena_init(&m.arena, 1 << 20);
    batching_init(&m.batching);
    version_policy_init(&m.policy);
    repository_model_parse(&m, span_of(text, size), "m/x/model.properties");
    return m;
}

/* The mistakes, a line each. */
static void
told(const struct repository_model *m, char *out, size_t size)
{
    struct buf text;
    buf_init(&text, size);
    for (size_t i = 0; i < m->mistakes.count; i++) {
        mistake_format(&m->mistakes.items[i], &text);
        buf_append_text(&text, "\n");
    }
    snprintf(out, size, "%.*s", (int)text.size, (const char *)text.data);
    buf_fini(&text);
}

static void
expect(const char *properties, const char *wanted)
{
    char found[4096];
    struct repository_model m = parse(properties, strlen(properties));
    told(&m, found, sizeof found);
    cr_assert_eq(strcmp(found, wanted), 0, "of\n%sis told\n%swanted is\n%s", properties,
                 found, wanted);
    arena_fini(&m.arena);
}

#define AT(line) "m/x/model.properties:" #line ": "
#define WHOLE    "m/x/model.properties: "

Test(mistakes, are_none_in_a_good_file)
{
    expect("\xef\xbb\xbf# from an editor that marks its files\r\nplatform = sim\r\n"
           "! a comment, too\r\n\r\n input.0 = data UINT8 -1,4 \r\ndevice=cuda:1\r\n"
           "batch.buckets=1,2,4\r\nmax.batch.size=8\r\nversion.policy=all\r\n"
           "max.delay=0\r\nsim.alpha=0.1ms\r\nsim.hang.on=ff00\r\n",
           "");
    expect("platform=plugin\ncentroids.farthest=120\n", "");
    expect("platform=onnxruntime\nonnxruntime.cuda.gpu_mem_limit=1\n", "");
}

Test(mistakes, name_the_key_that_was_meant)
{
    expect(SIM "max.batchsize=4\n",
           AT(4) "max.batchsize: there is no such key; did you mean max.batch.size?\n");
    expect(SIM "inputs.1=x UINT8 -1\n",
           AT(4) "inputs.1: there is no such key; did you mean input.0?\n");
    expect(SIM "sim.alpa=5ms\n",
           AT(4) "sim.alpa: there is no such key; did you mean sim.alpha?\n");
    expect(SIM "colour=blue\n", AT(4) "colour: there is no such key for platform sim; "
                                      "docs/models.md lists them\n");
    expect(SIM "layers=fc1\n",
           AT(4) "layers: a key of platform dense; this model's is sim\n");
    expect(SIM "onnxruntime.threads=1\n",
           AT(4) "onnxruntime.threads: a key of platform onnxruntime; this model's is "
                 "sim\n");
    expect(SIM "onnxruntime.config.x=1\n",
           AT(4) "onnxruntime.config.x: a key of platform onnxruntime; this model's is "
                 "sim\n");
    expect("platform=plugin\nplugin.libary=x.so\n",
           AT(2) "plugin.libary: there is no such key; did you mean plugin.library?\n");
    expect(SIM "input.32=x UINT8 -1\n",
           AT(4) "input.32: there is no such key; did you mean input.0?\n");
}

Test(mistakes, say_what_a_label_of_a_version_may_be_called_and_be)
{
    expect(SIM "version.label.stable=1\nversion.label.blue-green_2=2\n", "");
    expect(
        SIM "version.label.7=1\n",
        AT(4) "version.label.7: '7' is no label: these are letters, digits, - and _, "
              "at most 63, and no number\n");
    expect(SIM "version.label.a/b=1\n",
           AT(4) "version.label.a/b: 'a/b' is no label: these are letters, digits, - "
                 "and _, at most 63, and no number\n");
    expect(SIM "version.label.a=latest\n",
           AT(4) "version.label.a: 'latest' is not the number of a version\n");
    expect(SIM "version.label.a=01\n",
           AT(4) "version.label.a: '01' is not the number of a version\n");
    expect(SIM "version.label.a=1\nversion.label.a=2\n",
           AT(5) "version.label.a: stands in line 4 already\n");
    expect(SIM "version.label.=1\n", AT(4) "version.label.: there is no such key; did "
                                           "you mean version.label.NAME?\n");
}

Test(mistakes, say_which_lines_are_none)
{
    expect(SIM "instances 2\n", AT(4) "'instances 2' is not key=value\n");
    expect(SIM "=2\n", AT(4) "'=2' is not key=value\n");
    expect(SIM "shed=true\nshed=false\n", AT(5) "shed: stands in line 4 already\n");
    static const char nul[] = SIM "shed=\0true\n";
    struct repository_model m = parse(nul, sizeof nul - 1);
    char found[256];
    told(&m, found, sizeof found);
    cr_assert_str_eq(found, AT(4) "the line holds a NUL byte; this is no text file\n");
    arena_fini(&m.arena);
}

Test(mistakes, say_what_a_value_has_to_be)
{
    static const struct {
        const char *line;
        const char *told;
    } wrong[] = {
        {"instances=", "instances: the value is missing"},
        {"instances=9", "instances: '9' is not a whole number from 1 to 8"},
        {"instances=2x", "instances: '2x' is not a whole number from 1 to 8"},
        {"instances=1.5", "instances: '1.5' is not a whole number from 1 to 8"},
        {"instances=99999999999999999999",
         "instances: '99999999999999999999' is not a whole number from 1 to 8"},
        {"priority.default=0",
         "priority.default: '0' is not a whole number from 1 to 9"},
        {"deadline.default=5",
         "deadline.default: '5' is not a time such as 250us, 5ms or 30s"},
        {"deadline.default=0", "deadline.default: 0 is not from 1ms to 7d"},
        {"load.timeout=300",
         "load.timeout: '300' is not a time such as 250us, 5ms or 30s"},
        {"load.timeout=999ms", "load.timeout: 999ms is not from 1s to 1d"},
        {"load.timeout=0", "load.timeout: 0 is not from 1s to 1d"},
        {"load.timeout=25h", "load.timeout: 25h is not from 1s to 1d"},
        {"max.delay=2m", "max.delay: 2m is not from 0 to 60s"},
        {"max.delay=-1ms", "max.delay: -1ms is not from 0 to 60s"},
        {"shed=perhaps", "shed: 'perhaps' is neither true nor false"},
        {"outputs.nan=maybe", "outputs.nan: 'maybe' is not one of fail|allow"},
        {"sim.output=fp16", "sim.output: 'fp16' is not fp32"},
        {"device=gpu", "device: 'gpu' is none of cpu, cpu:1, ..., cuda, cuda:1, ..."},
        {"device=cuda:", "device: 'cuda:' is none of cpu, cpu:1, ..., cuda, cuda:1, "
                         "..."},
        {"device=cudax", "device: 'cudax' is none of cpu, cpu:1, ..., cuda, cuda:1, "
                         "..."},
        {"version.policy=newest",
         "version.policy: 'newest' is none of latest, latest:2, all, specific:1,3 (at "
         "most 32 versions)"},
        {"sim.nan.on=f", "sim.nan.on: 'f' is not 1 to 16 bytes in lower-case hex, such "
                         "as ff00"},
        {"sim.memory.rows=0",
         "sim.memory.rows: '0' is not a whole number from 1 to 4096"},
        {"batch.buckets=1,4,2",
         "batch.buckets: '1,4,2' is not ascending: 2 comes after "
         "4"},
        {"batch.buckets=1,,2", "batch.buckets: '1,,2' is no list of numbers of rows, "
                               "such as 1,2,4,8"},
        {"batch.buckets=1,2,", "batch.buckets: '1,2,' is no list of numbers of rows, "
                               "such as 1,2,4,8"},
        {"batch.buckets=0,2", "batch.buckets: '0,2' is no list of numbers of rows, "
                              "such as 1,2,4,8"},
        {"batch.buckets=5000", "batch.buckets: '5000': a batch has at most 4096 rows"},
        {"batch.buckets=16", "batch.buckets: 16 rows are more than max.batch.size=8"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char properties[256];
        char wanted[512];
        snprintf(properties, sizeof properties, SIM "%s\n", wrong[i].line);
        snprintf(wanted, sizeof wanted, AT(4) "%s\n", wrong[i].told);
        expect(properties, wanted);
    }
}

Test(mistakes, say_which_part_of_a_tensor_is_wrong)
{
    static const struct {
        const char *tensor;
        const char *told;
    } wrong[] = {
        {"x", "'x' is not NAME DATATYPE d0,d1,... such as pixels FP32 -1,64"},
        {"x  FP32 -1",
         "'x  FP32 -1' is not NAME DATATYPE d0,d1,... such as pixels FP32 -1,64"},
        {"x fp32 -1,4",
         "'fp32' is no datatype: BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, "
         "INT32, INT64, FP16, BF16, FP32, FP64 and BYTES are"},
        {"x FP32 -1,n",
         "'n' is no dimension: a number from 0 is, or -1 for a variable one, with "
         "commas between and no blanks"},
        {"x FP32 -1, 4",
         "' 4' is no dimension: a number from 0 is, or -1 for a variable one, with "
         "commas between and no blanks"},
        {"x FP32 -1,", "'' is no dimension: a number from 0 is, or -1 for a variable "
                       "one, with commas "
                       "between and no blanks"},
        {"x FP32 -2", "'-2' is no dimension: a number from 0 is, or -1 for a variable "
                      "one, with commas between and no blanks"},
        {"x FP32 -1,1,1,1,1,1,1,1,1", "it has more than 8 dimensions"},
        {"a-name-of-sixty-four-bytes-is-one-byte-longer-than-a-slot-has-fo FP32 -1",
         "the tensor's name has 64 bytes, at most 63 are allowed"},
        {"x FP32 1,4",
         "as the model batches (max.batch.size=8), the first dimension has to be -1"},
        {"x FP32",
         "as the model batches (max.batch.size=8), the first dimension has to be -1"},
        {"data FP32 -1", "input.0 has the same name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char properties[256];
        char wanted[512];
        snprintf(properties, sizeof properties, SIM "input.1=%s\n", wrong[i].tensor);
        snprintf(wanted, sizeof wanted, AT(4) "input.1: %s\n", wrong[i].told);
        expect(properties, wanted);
    }
    expect(SIM "input.2=x UINT8 -1\n",
           AT(4) "input.2: there is no input.1 before it\n");
    expect(DENSE "input.0=x FP32 4\noutput.0=y FP32 3\n", "");
}

Test(mistakes, say_what_is_missing)
{
    expect("max.batch.size=4\n",
           WHOLE "platform: is missing, such as platform=dense\n");
    expect("", WHOLE "platform: is missing, such as platform=dense\n");
    expect("platform=\n", AT(1) "platform: the value is missing\n");
    expect("platform=dense\n",
           WHOLE "layers: is missing, such as layers=fc1 relu,fc2 softmax\n");
    expect("platform=echo\n",
           WHOLE "input.0: is missing, such as input.0=data UINT8 -1,4\n");
    expect("platform=onnxruntime\nbatch.buckets=1,2\n",
           AT(2) "batch.buckets: 2 rows are more than max.batch.size=0, which is not "
                 "set\n");
}

Test(mistakes, are_all_told_in_one_go)
{
    expect("platform=sim\nmax.batch.size=-1\nfoo\nshed=yes\nshed=no\n",
           "m/x/model.properties:2: max.batch.size: '-1' is not a whole number from 0 "
           "to 4096\n"
           "m/x/model.properties:3: 'foo' is not key=value\n"
           "m/x/model.properties:4: shed: 'yes' is neither true nor false\n"
           "m/x/model.properties:5: shed: stands in line 4 already\n"
           "m/x/model.properties: input.0: is missing, such as input.0=data UINT8 "
           "-1,4\n");
}

Test(mistakes, leave_a_platform_that_is_not_known_to_the_runner)
{
    const char *text = "platform=tensorrt\nengine=model.plan\nmax.batch.size=8\n";
    struct repository_model m = parse(text, strlen(text));
    char found[512];
    told(&m, found, sizeof found);
    cr_assert_str_eq(found, AT(1) "platform: 'tensorrt' is none of dense, onnxruntime, "
                                  "python, plugin, sim, echo\n");
    cr_assert_eq(mistakes_of_kind(&m.mistakes, MISTAKE_ERROR), 0);
    cr_assert_eq(mistakes_of_kind(&m.mistakes, MISTAKE_FOREIGN), 1);
    cr_assert_str_eq(m.platform, "tensorrt");
    cr_assert_eq(m.properties.count, 1);
    cr_assert_str_eq(m.properties.items[0].key, "engine");
    arena_fini(&m.arena);
}

Test(mistakes, are_bounded_in_number_and_the_file_in_size)
{
    static char text[64 * 1024];
    size_t at = 0;
    for (int i = 0; i < MISTAKES_MAX + 7; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at, "line %d\n", i);
    }
    struct repository_model m = parse(text, at);
    cr_assert_eq(m.mistakes.count, MISTAKES_MAX);
    cr_assert_eq(mistakes_of_kind(&m.mistakes, MISTAKE_ERROR), MISTAKES_MAX + 8,
                 "and a platform is missing");
    arena_fini(&m.arena);
    memset(text, '#', sizeof text);
    m = parse(text, 48 * 1024 + 1);
    cr_assert_str_eq(m.mistakes.items[0].text,
                     "the file is larger than 48 KiB and is not read");
    arena_fini(&m.arena);
}

Test(mistakes, are_told_of_too_many_keys)
{
    static char text[16 * 1024] = "platform=plugin\n";
    size_t at = strlen(text);
    for (int i = 0; i < 256; i++) {
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "own.key.of.a.plugin.%d=1\n", i);
    }
    struct repository_model m = parse(text, at);
    cr_assert_eq(m.mistakes.count, 1);
    cr_assert_eq(m.mistakes.items[0].line, 257);
    cr_assert_eq(m.properties.count, 255);
    arena_fini(&m.arena);
}

/* The folder. */

static char root[64];

static void
make(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    if (text == NULL) {
        cr_assert_eq(mkdir(full, 0700), 0, "%s", full);
        return;
    }
    FILE *file = fopen(full, "we");
    cr_assert_not_null(file, "%s", full);
    fputs(text, file);
    fclose(file);
}

/* @param[in] wanted with %s for the repository */
static void
expect_of_folder(const char *wanted)
{
    char found[1024];
    char full[1024];
    struct repository_model m;
    cr_assert_eq(repository_read_model(&m, root, "x"), STATUS_OK);
    told(&m, found, sizeof found);
    int at = snprintf(full, sizeof full, "%s%s", wanted[0] == '\0' ? "" : root, wanted);
    cr_assert(at >= 0);
    cr_assert_str_eq(found, full);
    repository_model_close(&m);
}

static void
set_up(void)
{
    strcpy(root, "/tmp/leat-mistakes-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    make("x", NULL);
}

static void
tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(mistakes_folder, .init = set_up, .fini = tear_down);

Test(mistakes_folder, tell_of_a_file_that_is_not_there)
{
    expect_of_folder("/x/model.properties: there is no such file; `leat models init` "
                     "begins one\n");
}

Test(mistakes_folder, tell_of_a_version_that_is_no_number)
{
    make("x/model.properties", SIM);
    make("x/v2", NULL);
    expect_of_folder("/x: the folder v2 is no version: these are numbers from 1, "
                     "without leading zeros\n");
    make("x/1", NULL);
    expect_of_folder("/x: warning: the folder v2 is no version: these are numbers from "
                     "1, without leading zeros\n");
}

Test(mistakes_folder, say_nothing_of_folders_that_are_for_something_else)
{
    make("x/model.properties", SIM);
    make("x/examples", NULL);
    make("x/.git", NULL);
    make("x/02-notes.txt", "a file");
    expect_of_folder("");
}

Test(mistakes_folder, tell_of_a_version_that_is_asked_for_and_not_there)
{
    make("x/model.properties", SIM "version.policy=specific:1,4\n");
    make("x/1", NULL);
    expect_of_folder(
        "/x/model.properties:4: version.policy: there is no folder of version 4\n");
}
