/* SPDX-License-Identifier: Apache-2.0 */
/* The Idempotency-Key header comes from anybody. */
#include "ingest/idempotency_key.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct idempotency_key key;
    if (idempotency_key_parse(span_of(data, size), &key) != STATUS_OK) {
        return 0;
    }
    require(key.size >= 1 && key.size <= IDEMPOTENCY_KEY_MAX && key.size <= size);
    for (size_t i = 0; i < key.size; i++) {
        require(key.text[i] >= ' ' && key.text[i] <= '~');
    }
    return 0;
}
