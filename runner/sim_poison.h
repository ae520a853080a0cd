/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The poison of the `sim` backend: rows that begin with chosen bytes do a chosen harm,
 * so that tests can have every bad day of a model when they want it.
 */
#ifndef RUNNER_SIM_POISON_H
#define RUNNER_SIM_POISON_H

#include "base/span.h"
#include "base/status.h"
#include "runner/batch.h"
#include "runner/properties.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POISON_BYTES_MAX = 16 };

enum poison_kind {
    POISON_REJECT, /* the row fails alone */
    POISON_FAIL,   /* it fails its batch */
    POISON_LOSE,   /* it loses the device */
    POISON_CRASH,  /* it kills the process */
    POISON_HANG,   /* it never ends */
    POISON_SHORT,  /* its batch is answered with a row too few */
    POISON_NAN,    /* its value is NaN */
    POISON_KINDS
};

/* A row is poisoned if it begins with these bytes; size 0: no row is. */
struct poison {
    uint8_t bytes[POISON_BYTES_MAX];
    size_t size;
};

struct sim_poison {
    struct poison kinds[POISON_KINDS];
};

/** Reads `sim.reject.on` and so on. @return STATUS_OK; STATUS_INVALID */
MUST_CHECK enum status sim_poison_read(struct sim_poison *poison,
                                       const struct properties *properties,
                                       struct fault *fault);

/** Whether the row is poisoned in that way. */
bool sim_poison_meets(const struct sim_poison *poison,
                      enum poison_kind kind,
                      struct span row);

/**
 * Does what the row's poison does to a process, a batch or a row; what it does to an
 * answer is left to the caller.
 *
 * @return SLOT_SUCCEEDED for a good row; else the outcome of the batch
 * @blocks for ever on a row that hangs
 */
enum slot_outcome sim_poison_suffer(const struct sim_poison *poison,
                                    struct batch *b,
                                    uint32_t row_index,
                                    struct span row);

#endif
