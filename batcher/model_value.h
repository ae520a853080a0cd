/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a value is one that its key takes, and in words why it is not. Pure. */
#ifndef BATCHER_MODEL_VALUE_H
#define BATCHER_MODEL_VALUE_H

#include "base/status.h"
#include "batcher/model_keys.h"

/** @return STATUS_OK; STATUS_INVALID: the fault shows the value and what is expected */
MUST_CHECK enum status
model_value_check(const struct model_key *key, const char *value, struct fault *fault);

#endif
