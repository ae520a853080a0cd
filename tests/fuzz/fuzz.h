/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzzers share: the entry that libFuzzer calls, a check that holds in any
 * build, and the body of those that read a record, write it and read it again.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program where it does not hold; assert() is empty in builds that optimise.
 */
static inline void
require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/** Decodes bytes and encodes what they say. @return false if they are refused */
typedef bool (*reencode_fn)(struct span bytes, struct arena *arena, struct buf *b);

/** What is accepted must be written and read again to the same. @return it is accepted
 */
static inline bool
require_round_trip(struct span bytes, reencode_fn reencode)
{
    enum { LIMIT = 16 << 20 };
    struct arena arena;
    struct buf first;
    struct buf second;
    arena_init(&arena, LIMIT);
    buf_init(&first, LIMIT);
    buf_init(&second, LIMIT);
    bool accepted = reencode(bytes, &arena, &first);
    if (accepted) {
        require(reencode(buf_span(&first), &arena, &second));
        require(span_equal(buf_span(&first), buf_span(&second)));
    }
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&arena);
    return accepted;
}

#endif
