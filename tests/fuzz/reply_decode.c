/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a reply: what is accepted is written and read again to the same. */
#include "schemas/codec.h"
#include "tests/fuzz/fuzz.h"

static bool
reencode(struct span bytes, struct arena *arena, struct buf *b)
{
    struct reply r;
    struct fault fault;
    if (reply_decode(bytes, arena, &r, &fault) != STATUS_OK) {
        return false;
    }
    reply_encode(&r, b);
    return b->status == STATUS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    require_round_trip(span_of(data, size), reencode);
    return 0;
}
