/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a slot that are to be texts: what fits reads back as the very same bytes. */
#include "runner/ort_texts.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = size > 0 ? data[0] : 0;
    struct span rest = span_of(size > 0 ? data + 1 : data, size > 0 ? size - 1 : 0);
    size_t offsets[257] = {0};
    if (!ort_texts_fit(rest, count)) {
        return 0;
    }
    char *content = malloc(rest.size + 1);
    uint8_t *written = malloc(rest.size + 1);
    const uint8_t *at = rest.data;
    for (size_t i = 0; i < count; i++) {
        struct span text = ort_texts_next(&at);
        memcpy(content + offsets[i], text.data, text.size);
        offsets[i + 1] = offsets[i] + text.size;
    }
    ort_texts_write(written, content, offsets, count);
    require(rest.size == 0 || memcmp(written, rest.data, rest.size) == 0);
    free(content);
    free(written);
    return 0;
}
