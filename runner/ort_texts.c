/* SPDX-License-Identifier: Apache-2.0 */
/* See ort_texts.h. */
#include "runner/ort_texts.h"

#include <string.h>

bool
ort_texts_fit(struct span data, size_t count)
{
    size_t left = data.size;
    if (count > left / ORT_TEXT_LENGTH) {
        return false;
    }
    const uint8_t *at = data.data;
    for (size_t i = 0; i < count; i++) {
        uint32_t size = 0;
        if (left < ORT_TEXT_LENGTH) {
            return false;
        }
        memcpy(&size, at, ORT_TEXT_LENGTH);
        left -= ORT_TEXT_LENGTH;
        if (size > left) {
            return false;
        }
        left -= size;
        at += ORT_TEXT_LENGTH + size;
    }
    return left == 0;
}

struct span
ort_texts_next(const uint8_t **at)
{
    uint32_t size = 0;
    memcpy(&size, *at, ORT_TEXT_LENGTH);
    struct span text = span_of(*at + ORT_TEXT_LENGTH, size);
    *at += ORT_TEXT_LENGTH + size;
    return text;
}

void
ort_texts_write(uint8_t *to, const char *content, const size_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t size = (uint32_t)(offsets[i + 1] - offsets[i]);
        memcpy(to, &size, ORT_TEXT_LENGTH);
        memcpy(to + ORT_TEXT_LENGTH, content + offsets[i], size);
        to += ORT_TEXT_LENGTH + size;
    }
}
