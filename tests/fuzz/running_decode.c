/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record that says what runs: what is accepted is written and read again
 * to the same. */
#include "schemas/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 16 << 20 };

static bool
reencode(struct span bytes, struct arena *arena, struct buf *b)
{
    struct running r;
    struct fault fault;
    if (running_decode(bytes, arena, &r, &fault) != STATUS_OK) {
        return false;
    }
    running_encode(&r, b);
    return b->status == STATUS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf first;
    struct buf second;
    arena_init(&arena, LIMIT);
    buf_init(&first, LIMIT);
    buf_init(&second, LIMIT);
    if (reencode(span_of(data, size), &arena, &first) &&
        (!reencode(buf_span(&first), &arena, &second) ||
         !span_equal(buf_span(&first), buf_span(&second)))) {
        abort();
    }
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&arena);
    return 0;
}
