/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of the `sim` backend: FNV-1a, 64 bits, over the bytes of the row of input
 * 0 as they lie in the slot (little-endian, row-major; BYTES with their lengths), as
 * UINT64. Whoever sent the row can compute it and so tell its own answer from another.
 */
#ifndef RUNNER_SIM_HASH_H
#define RUNNER_SIM_HASH_H

#include "base/span.h"

#include <stdint.h>

/** @source draft-eastlake-fnv, section 5: offset basis and prime of FNV-64 */
static inline uint64_t
sim_hash(struct span row)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < row.size; i++) {
        hash = (hash ^ row.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/** The FP32 that goes with the hash: its upper 24 bits as a number in [0, 1), exact. */
static inline float
sim_value(uint64_t hash)
{
    return (float)(hash >> 40) * 0x1p-24F;
}

#endif
