/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request: what is accepted is written and read again to the same. */
#include "schemas/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 16 << 20 };

static bool
reencode(struct span bytes, struct arena *arena, struct buf *b)
{
    struct request r;
    struct fault fault;
    if (request_decode(bytes, arena, &r, &fault) != STATUS_OK) {
        return false;
    }
    request_encode(&r, b);
    return b->status == STATUS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf first;
    struct buf second;
    struct uuid id;
    arena_init(&arena, LIMIT);
    buf_init(&first, LIMIT);
    buf_init(&second, LIMIT);
    enum status peek = request_peek_id(span_of(data, size), &id);
    if (reencode(span_of(data, size), &arena, &first)) {
        if (peek != STATUS_OK || !reencode(buf_span(&first), &arena, &second) ||
            !span_equal(buf_span(&first), buf_span(&second))) {
            abort();
        }
    }
    buf_fini(&first);
    buf_fini(&second);
    arena_fini(&arena);
    return 0;
}
