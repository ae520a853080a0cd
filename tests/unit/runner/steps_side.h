/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of steps share: models with steps in the real leat-runner, and BYTES
 * tensors of images to run through them.
 */
#ifndef TESTS_UNIT_RUNNER_STEPS_SIDE_H
#define TESTS_UNIT_RUNNER_STEPS_SIDE_H

#include "parent.h"

#include <stddef.h>
#include <stdint.h>

#define STEPS_IMAGES LEAT_SOURCE_DIR "/tests/unit/runner/images/"
#define STEPS_DIGITS                                                                   \
    "platform=dense\nmax_batch_size=64\nproperty.layers=fc1 relu,fc2 softmax\n"        \
    "property.input.0=pixels FP32 -1,64\n"                                             \
    "property.output.0=probabilities FP32 -1,10\n"                                     \
    "dir=" LEAT_SOURCE_DIR "/examples/models/digits-image/1\n"
#define STEPS_ECHO "platform=echo\nmax_batch_size=4\n"

/* A BYTES tensor in the making. */
struct texts {
    uint8_t bytes[512 * 1024];
    size_t size;
    uint32_t count;
};

void texts_clear(struct texts *t);
void texts_add(struct texts *t, const void *data, size_t size);
/** One of the images by name. */
void texts_add_file(struct texts *t, const char *name);

/** Up to `most` bytes of a file. @return how many */
size_t steps_read_file(const char *path, void *to, size_t most);

/** Starts a runner and sends it the load of a model. */
void steps_send_load(struct parent *p, struct loaded *l, const char *lines);
/** The same, and it is loaded. */
void steps_start(struct parent *p, struct loaded *l, const char *lines);
void steps_stop(struct parent *p, struct loaded *l);

/** Runs a batch of one image a row; it must succeed. */
void steps_run_images(struct loaded *l, struct slot_head *slot, const struct texts *t);

/** The bytes of an output, which must have that name. */
const void *steps_output(struct slot_head *slot, uint32_t index, const char *name);

#endif
