/* SPDX-License-Identifier: Apache-2.0 */
/* The layers that a safetensors file seems to hold, for a `layers=` to begin with. */
#ifndef CLI_LAYER_NAMES_H
#define CLI_LAYER_NAMES_H

#include "base/buf.h"
#include "base/span.h"

#include <stdint.h>

/**
 * Writes `fc1 relu,fc2 none` for the tensors NAME.weight that have a NAME.bias, in the
 * order of the file. The activations are a guess: the file does not tell them.
 *
 * @param[in] header the JSON of the file
 * @param[in,out] out nothing is added where there are none
 */
void layer_names_write(struct span header, struct buf *out);

/** The same for a file; nothing is added if it cannot be read. @blocks for the disk */
void layer_names_read(const char *path, struct buf *out);

#endif
