/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tensor as a line of text: `pixels FP32 -1,64`, as model.properties and the runner's
 * `loaded` have it. Pure.
 */
#ifndef BATCHER_TENSOR_LINE_H
#define BATCHER_TENSOR_LINE_H

#include "base/span.h"
#include "base/status.h"
#include "schemas/tensor.h"

/**
 * Reads `NAME DATATYPE d0,d1,...`, a blank between each; a scalar has no dimensions.
 *
 * @param[out] out its name points into the text; set only on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID with the part that is wrong
 */
MUST_CHECK enum status
tensor_line_read(struct span text, struct tensor_spec *out, struct fault *fault);

#endif
