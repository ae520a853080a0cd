/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request: what is accepted is written and read again to the same. */
#include "schemas/codec.h"
#include "tests/fuzz/fuzz.h"

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
    struct span bytes = span_of(data, size);
    struct uuid id;
    enum status peek = request_peek_id(bytes, &id);
    require(!require_round_trip(bytes, reencode) || peek == STATUS_OK);
    return 0;
}
