/* SPDX-License-Identifier: Apache-2.0 */
/* From what admission found to the answer of an item that will not run. */
#ifndef BATCHER_VERDICT_H
#define BATCHER_VERDICT_H

#include "batcher/admit.h"

/**
 * Answers the item.
 *
 * @param[in] verdict anything but ADMIT_OK
 * @param[in] fault   why, where the verdict needs words
 */
void
verdict_answer(struct item *it, enum admit_verdict verdict, const struct fault *fault);

#endif
