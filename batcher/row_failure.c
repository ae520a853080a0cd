/* SPDX-License-Identifier: Apache-2.0 */
/* See row_failure.h. The texts are copied: they end here, whatever the runner wrote. */
#include "batcher/row_failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** The text of a row; NULL if the slot holds none. */
static const char *
row_text(struct slot_head *slot, uint64_t slot_bytes, uint32_t row)
{
    uint64_t texts = (uint64_t)slot->row_errors * SLOT_ALIGN;
    uint64_t offset = texts + (uint64_t)row * SLOT_ROW_ERROR_BYTES;
    if (texts < SLOT_DATA_OFFSET || offset > slot_bytes ||
        SLOT_ROW_ERROR_BYTES > slot_bytes - offset) {
        return NULL;
    }
    return slot_bytes_at(slot, offset);
}

bool
row_failure_find(struct slot_head *slot,
                 uint64_t slot_bytes,
                 uint32_t first,
                 uint32_t count,
                 struct row_failure *out)
{
    uint32_t row = first;
    while (row < first + count && slot->row_failed[row] == SLOT_ROW_FINE) {
        row++;
    }
    if (row == first + count) {
        return false;
    }
    out->status = slot->row_failed[row] == SLOT_ROW_REFUSED ? STATUS_INVALID
                                                            : STATUS_MODEL_FAILED;
    out->message[0] = '\0';
    const char *text = row_text(slot, slot_bytes, row);
    int size = text == NULL ? 0 : (int)strnlen(text, SLOT_ROW_ERROR_BYTES);
    if (size > 0 && count > 1) {
        snprintf(out->message, sizeof out->message, "row %" PRIu32 ": %.*s",
                 row - first, size, text);
    } else if (size > 0) {
        snprintf(out->message, sizeof out->message, "%.*s", size, text);
    }
    return true;
}
