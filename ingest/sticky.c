/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of partitions counts in the smallest power of two that holds them, reads
 * the bits of the count backwards, and leaves out what is past the last partition.
 */
#include "ingest/sticky.h"

#include "base/clock.h"

#define QUANTUM_NS (10 * NS_PER_MS)

void
sticky_init(struct sticky *s)
{
    *s = (struct sticky){.partition = -1};
}

static uint32_t
bits_reversed(uint32_t value, unsigned bits)
{
    uint32_t reversed = 0;
    for (unsigned i = 0; i < bits; i++) {
        reversed = reversed << 1 | (value >> i & 1U);
    }
    return reversed;
}

static int32_t
partition_next(struct sticky *s, uint32_t partition_count)
{
    unsigned bits = 0;
    while ((UINT32_C(1) << bits) < partition_count) {
        bits++;
    }
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t at = 0;
    do {
        at = bits_reversed(s->turn++ & mask, bits);
    } while (at >= partition_count);
    return (int32_t)at;
}

int32_t
sticky_take(struct sticky *s,
            int32_t partition_count,
            int32_t quantum_records,
            int64_t now_ns,
            bool *turned)
{
    *turned = s->partition < 0 || s->partition >= partition_count ||
              s->records >= quantum_records || now_ns - s->began_ns >= QUANTUM_NS;
    if (*turned) {
        s->partition = partition_next(s, (uint32_t)partition_count);
        s->records = 0;
        s->began_ns = now_ns;
    }
    s->records++;
    return s->partition;
}
