/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows, and how one is found. A row's help is what `leat models init` writes above
 * it; docs/models.md tells more, and tests/unit/batcher/model_keys.c compares the two.
 */
#include "batcher/model_keys.h"

#include "base/clock.h"
#include "base/option_value.h"
#include "batcher/batching.h"
#include "batcher/repository.h"
#include "batcher/version_labels.h"
#include "runner/protocol.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

const struct model_key model_keys[] = {
    {.name = "platform",
     .kind = KEY_PLATFORM,
     .required = true,
     .example = "dense",
     .help = "The backend."},
    {.name = "max.batch.size",
     .kind = KEY_INT,
     .most = SLOT_ROWS_MAX,
     .example = "0",
     .start = "32",
     .help = "Most rows of a batch; 0: the model does not batch, one item at a time."},
    {.name = "batch.buckets",
     .kind = KEY_ROWS,
     .for_runner = true,
     .example = "1,2,4,8",
     .help = "Batch sizes that are padded up to, ascending."},
    {.name = "input.N",
     .kind = KEY_TENSOR,
     .for_runner = true,
     .example = "input FP32 -1,4",
     .help = "NAME DATATYPE d0,d1,...; -1: variable, as the first where it batches."},
    {.name = "output.N",
     .kind = KEY_TENSOR,
     .for_runner = true,
     .example = "output FP32 -1,1",
     .help = "The same for the outputs."},
    {.name = "instances",
     .kind = KEY_INT,
     .least = 1,
     .most = MODEL_INSTANCES_MAX,
     .example = "1",
     .help = "How many copies are loaded."},
    {.name = "device",
     .kind = KEY_DEVICE,
     .example = "cpu",
     .help = "cpu, cpu:1, ..., cuda, cuda:1, ...; models of one device take turns."},
    {.name = "memory.max",
     .kind = KEY_BYTES,
     .least = 0,
     .most = INT64_C(1) << 46,
     .example = "2GiB",
     .help = "Most that its runner may hold for itself, instead of runner.memory.max; "
             "0: no limit."},
    {.name = "load.timeout",
     .kind = KEY_DURATION,
     .least = NS_PER_S,
     .most = 86400 * NS_PER_S,
     .example = "5m",
     .help = "So long its runner may take from its start until all is warmed up."},
    {.name = "version.policy",
     .kind = KEY_POLICY,
     .example = "latest",
     .help = "Which versions are served: latest, latest:2, all or specific:1,3."},
    {.name = VERSION_LABEL_KEY "NAME",
     .kind = KEY_VERSION,
     .example = "1",
     .help = "A name for a version, such as stable: requests may say it instead."},
    {.name = "deadline.default",
     .kind = KEY_DURATION,
     .least = NS_PER_MS,
     .most = INT64_C(7) * 86400 * NS_PER_S,
     .example = "5s",
     .help = "Deadline of a request that brings none: the latency that is aimed at."},
    {.name = "max.delay",
     .kind = KEY_DURATION,
     .most = 60 * NS_PER_S,
     .example = "0",
     .help = "How long an idle device may wait for a fuller batch."},
    {.name = "priority.default",
     .kind = KEY_INT,
     .least = LEVEL_HIGHEST,
     .most = LEVEL_LOWEST,
     .example = "5",
     .help = "Priority of a request that brings none, 1 (first) to 9 (last)."},
    {.name = "shed",
     .kind = KEY_BOOL,
     .example = "true",
     .help = "Under overload, give up what would force small batches."},
    {.name = "outputs.nan",
     .kind = KEY_CHOICE,
     .choices = "fail|allow",
     .example = "fail",
     .help = "What becomes of an item with a NaN in an output."},
    {.name = "lazy",
     .kind = KEY_BOOL,
     .example = "false",
     .help = "Load it when the first request for it comes."},
    {.name = "warmup.runs",
     .kind = KEY_INT,
     .most = 1000,
     .example = "10",
     .help = "So many batches of each size before it is ready; 0: none."},
    {.name = "warmup.input.N",
     .example = "zeros",
     .help = "What they hold: zeros, random, or a file of the version folder, a row."},
    {.name = "steps",
     .example = "decode resize:224x224 normalize:scale=1/255 model topk:5",
     .help = "What is done before and behind the model, beside it in its runner."},
    {.name = "labels",
     .example = "labels.txt",
     .help = "With topk: a file of the version folder, a line for each value."},
};
const size_t model_key_count = COUNT(model_keys);

static const struct model_key dense_keys[] = {
    {.name = "layers",
     .required = true,
     .example = "fc1 relu,fc2 softmax",
     .help = "For each layer its tensors' name and its activation: relu, gelu, tanh, "
             "sigmoid, softmax or none."},
    {.name = "normalize",
     .example = "1,0",
     .help = "scale,offset: every input value x becomes x * scale + offset."},
    {.name = "top.k",
     .kind = KEY_INT,
     .least = 1,
     .most = 32,
     .example = "5",
     .help = "Only the so many largest of a last softmax, as classes and scores."},
    {.name = "precision",
     .kind = KEY_CHOICE,
     .choices = "fp32|tf32|fp16|bf16",
     .example = "fp32",
     .help = "Of weights and values on a GPU."},
};

#define SIM_TIME(key, text)                                                            \
    {                                                                                  \
        .name = (key), .kind = KEY_DURATION, .most = 3600 * NS_PER_S,                  \
        .example = "5ms", .help = (text),                                              \
    }
#define SIM_POISON(key, text)                                                          \
    {                                                                                  \
        .name = (key), .kind = KEY_HEX, .example = "ff00", .help = (text),             \
    }

static const struct model_key sim_keys[] = {
    SIM_TIME("sim.alpha", "Time of a batch, whatever its rows."),
    SIM_TIME("sim.beta", "Time of each of its rows."),
    SIM_TIME("sim.decode", "Time of a stage before, in which the next batch is read."),
    {.name = "sim.output",
     .kind = KEY_CHOICE,
     .choices = "fp32",
     .example = "fp32",
     .help = "Also answers a float."},
    {.name = "sim.memory.rows",
     .kind = KEY_INT,
     .least = 1,
     .most = SLOT_ROWS_MAX,
     .example = "64",
     .help = "Batches of more rows run out of device memory."},
    {.name = "sim.memory.mib",
     .kind = KEY_INT,
     .least = 0,
     .most = 1 << 20,
     .example = "64",
     .help = "Memory that it takes while it is loaded."},
    {.name = "sim.device.memory.mib",
     .kind = KEY_INT,
     .least = 0,
     .most = 1 << 20,
     .example = "64",
     .help = "Memory that each instance says to hold on its device."},
    {.name = "sim.device.file",
     .example = "/tmp/device",
     .help = "One model at a time holds it; another's load finds no device memory."},
    SIM_POISON("sim.reject.on", "Rows that begin with these bytes fail alone."),
    SIM_POISON("sim.fail.on", "Such a row fails its batch."),
    SIM_POISON("sim.lose.on", "Such a row loses the device."),
    SIM_POISON("sim.crash.on", "Such a row kills the runner."),
    SIM_POISON("sim.hang.on", "Such a row never ends."),
    SIM_POISON("sim.short.on", "A batch with such a row is answered a row short."),
    SIM_POISON("sim.nan.on", "The float of such a row is NaN."),
};

static const struct model_key onnxruntime_keys[] = {
    {.name = "onnxruntime.provider",
     .kind = KEY_CHOICE,
     .choices = "cpu|cuda|tensorrt",
     .example = "cpu",
     .help = "What computes it; by default what device says."},
    {.name = "onnxruntime.threads",
     .kind = KEY_INT,
     .least = 1,
     .most = 256,
     .example = "1",
     .help = "How many threads compute a batch."},
};

static const struct model_key python_keys[] = {
    {.name = "python.module",
     .example = "model",
     .help = "Module in the version folder, or any that Python finds."},
    {.name = "python.class",
     .example = "Model",
     .help = "Its class, or an object that has predict."},
    {.name = "python.call",
     .kind = KEY_CHOICE,
     .choices = "dict|rows",
     .example = "dict",
     .help = "How predict is called: arrays by name, or a list with an element a row."},
    {.name = "python.command",
     .example = "/opt/venv/bin/python",
     .help = "The Python to run, of an environment of the model's own."},
    {.name = "python.threads",
     .kind = KEY_INT,
     .least = 1,
     .most = 1024,
     .example = "1",
     .help = "Threads of NumPy's libraries in each instance; all cores by default."},
    {.name = "python.memory.max",
     .kind = KEY_BYTES,
     .least = 1,
     .most = INT64_C(1) << 50,
     .example = "2GiB",
     .help = "An instance that holds more of its own is started anew."},
    {.name = "python.warm.up",
     .kind = KEY_BOOL,
     .example = "true",
     .help = "Batches of zeros before it is ready."},
};

static const struct model_key plugin_keys[] = {
    {.name = "plugin.library",
     .example = "model.so",
     .help = "The file, in the version folder unless it begins with a slash."},
};

const struct model_platform model_platforms[] = {
    {.name = "dense",
     .help = "Fully connected networks from model.safetensors, built in.",
     .suffix = ".safetensors",
     .file = "model.safetensors",
     .next = "put the names of its tensors and the activations into layers=",
     .keys = dense_keys,
     .key_count = COUNT(dense_keys)},
    {.name = "onnxruntime",
     .help = "An ONNX file, by ONNX Runtime.",
     .suffix = ".onnx",
     .file = "model.onnx",
     .next = "its inputs and outputs are read from the file",
     .own_prefix = "onnxruntime.",
     .keys = onnxruntime_keys,
     .key_count = COUNT(onnxruntime_keys)},
    {.name = "python",
     .help = "A Python class with predict(inputs).",
     .suffix = ".py",
     .file = "model.py",
     .next =
         "write its inputs and outputs as input.0= and output.0=, or into the class",
     .own_prefix = "",
     .keys = python_keys,
     .key_count = COUNT(python_keys)},
    {.name = "plugin",
     .help = "A shared object made with Leat's public header.",
     .suffix = ".so",
     .file = "model.so",
     .next = "build it into the version folder",
     .own_prefix = "",
     .keys = plugin_keys,
     .key_count = COUNT(plugin_keys)},
    {.name = "sim",
     .help = "A device for tests and measurements: takes time, answers a hash.",
     .suffix = "",
     .file = "",
     .keys = sim_keys,
     .key_count = COUNT(sim_keys),
     .names_tensors = true,
     .next = "say how long it takes: sim.alpha= and sim.beta="},
    {.name = "echo",
     .help = "The answer is the question.",
     .suffix = "",
     .file = "",
     .names_tensors = true,
     .next = "say what it takes: input.0="},
};
const size_t model_platform_count = COUNT(model_platforms);

const struct model_platform *
model_platform_find(const char *name)
{
    for (size_t i = 0; i < model_platform_count; i++) {
        if (strcmp(model_platforms[i].name, name) == 0) {
            return &model_platforms[i];
        }
    }
    return NULL;
}

void
model_platform_list(char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < model_platform_count && at < size; i++) {
        at += (size_t)snprintf(out + at, size - at, "%s%s", i == 0 ? "" : ", ",
                               model_platforms[i].name);
    }
}

/* input.N is input.0 up to input.31; whether what stands for NAME is one is judged
 * where it is taken. */
static bool
matches(const char *name, const char *key)
{
    size_t stem = strlen(name);
    if (stem > 5 && strcmp(name + stem - 5, ".NAME") == 0) {
        return strncmp(name, key, stem - 4) == 0 && key[stem - 4] != '\0';
    }
    if (stem < 3 || strcmp(name + stem - 2, ".N") != 0) {
        return strcmp(name, key) == 0;
    }
    stem--;
    const char *number = key + stem;
    if (strncmp(name, key, stem) != 0 || !isdigit((unsigned char)number[0])) {
        return false;
    }
    int value = 0;
    size_t digits = strspn(number, "0123456789");
    for (size_t i = 0; i < digits && i < 3; i++) {
        value = value * 10 + (number[i] - '0');
    }
    bool plain = number[digits] == '\0' && (number[0] != '0' || digits == 1);
    return plain && value < SLOT_TENSORS_MAX;
}

static const struct model_key *
find_in(const struct model_key *rows, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (matches(rows[i].name, key)) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct model_key *
model_key_find(const struct model_platform *platform, const char *key)
{
    const struct model_key *row = find_in(model_keys, model_key_count, key);
    if (row == NULL && platform != NULL) {
        row = find_in(platform->keys, platform->key_count, key);
    }
    return row;
}

/* As the next key differs in nearly every letter, more than a third is no slip. */
static void
keep_nearer(const struct model_key *rows,
            size_t count,
            const char *key,
            const char **nearest,
            size_t *least)
{
    for (size_t i = 0; i < count; i++) {
        size_t distance = option_distance(key, rows[i].name);
        if (distance < *least && distance * 3 <= strlen(rows[i].name)) {
            *least = distance;
            *nearest = rows[i].name;
        }
    }
}

const char *
model_key_nearest(const struct model_platform *platform, const char *key)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    keep_nearer(model_keys, model_key_count, key, &nearest, &least);
    if (platform != NULL) {
        keep_nearer(platform->keys, platform->key_count, key, &nearest, &least);
    }
    return nearest;
}

bool
model_key_is_own(const struct model_platform *platform, const char *key)
{
    if (platform == NULL || platform->own_prefix == NULL) {
        return false;
    }
    size_t size = strlen(platform->own_prefix);
    bool begins = strncmp(platform->own_prefix, key, size) == 0 && key[size] != '\0';
    /* Where any name will do, what is nearly one of ours is a slip. */
    return begins && model_key_nearest(platform, key) == NULL;
}

const struct model_platform *
model_key_elsewhere(const char *key)
{
    for (size_t i = 0; i < model_platform_count; i++) {
        const struct model_platform *p = &model_platforms[i];
        bool prefixed = p->own_prefix != NULL && p->own_prefix[0] != '\0' &&
                        model_key_is_own(p, key);
        if (find_in(p->keys, p->key_count, key) != NULL || prefixed) {
            return p;
        }
    }
    return NULL;
}
