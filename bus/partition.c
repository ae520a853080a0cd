/* SPDX-License-Identifier: Apache-2.0 */
/*
 * murmur2 over a record's key, bit for bit as the Java clients compute it. The bytes
 * are read one by one, so the result is the same on any machine and any alignment.
 */
#include "bus/partition.h"

#include <assert.h>

enum { MURMUR_SHIFT = 24 };
static const uint32_t MURMUR_SEED = 0x9747b28cU;
static const uint32_t MURMUR_FACTOR = 0x5bd1e995U;

static uint32_t
word_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static uint32_t
murmur2(struct span key)
{
    uint32_t hash = MURMUR_SEED ^ (uint32_t)key.size;
    size_t whole = key.size & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        uint32_t word = word_at(key.data + i) * MURMUR_FACTOR;
        word = (word ^ word >> MURMUR_SHIFT) * MURMUR_FACTOR;
        hash = hash * MURMUR_FACTOR ^ word;
    }
    size_t rest = key.size - whole;
    if (rest > 0) {
        uint32_t tail = 0;
        for (size_t i = 0; i < rest; i++) {
            tail |= (uint32_t)key.data[whole + i] << (8 * i);
        }
        hash = (hash ^ tail) * MURMUR_FACTOR;
    }
    hash = (hash ^ hash >> 13) * MURMUR_FACTOR;
    return hash ^ hash >> 15;
}

int32_t
partition_of_key(struct span key, int32_t partition_count)
{
    assert(partition_count > 0);
    return (int32_t)((murmur2(key) & 0x7fffffffU) % (uint32_t)partition_count);
}
