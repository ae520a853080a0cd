/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a batch closed now would be back in time, by the costs that the former is
 * told. A batch of several keeps 2 % of its time in hand; a request alone is run to the
 * last instant. Pure; private to the former.
 */
#ifndef BATCHER_FORMER_FIT_H
#define BATCHER_FORMER_FIT_H

#include "batcher/former.h"

#include <stdbool.h>
#include <stdint.h>

enum { FORMER_MARGIN_PART = 50 }; /* 2 % */

/** Whether a batch of so many rows would make a deadline. */
bool former_fit_rows(const struct former_ask *ask, uint32_t rows, int64_t deadline_ns);

/** Most rows, up to `most`, of a batch that would. */
uint32_t
former_fit_most(const struct former_ask *ask, uint32_t most, int64_t deadline_ns);

/** Whether a request can make its own deadline, if it runs next and alone. */
bool former_fit_alone(const struct former_ask *ask, const struct former_entry *e);

#endif
