/* SPDX-License-Identifier: Apache-2.0 */
/* As in owner.c a try costs one hash: only the last four characters are written anew.
 */
#include "results/batch_line.h"

#include "bus/partition.h"

enum { SHARED_BYTES = 10, LINE_BYTES = 4, CANDIDATES = 1 << 16 };

static void
write_candidate(uint32_t n, struct uuid *id, char text[static UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    id->bytes[UUID_BYTES - 2] = (uint8_t)(n >> 8);
    id->bytes[UUID_BYTES - 1] = (uint8_t)n;
    for (unsigned i = 0; i < 4; i++) {
        text[UUID_TEXT - 1 - i] = digits[n >> 4 * i & 15];
    }
}

enum status
batch_line_id(const struct uuid *batch,
              uint32_t line,
              int32_t partition_count,
              struct uuid *id)
{
    char text[UUID_TEXT];
    uuid_format(batch, text);
    int32_t wanted = partition_of_key(span_of(text, UUID_TEXT), partition_count);
    *id = *batch;
    for (unsigned i = 0; i < LINE_BYTES; i++) {
        id->bytes[SHARED_BYTES + i] = (uint8_t)(line >> 8 * (LINE_BYTES - 1 - i));
    }
    uuid_format(id, text);
    for (uint32_t n = 0; n < CANDIDATES; n++) {
        write_candidate(n, id, text);
        if (partition_of_key(span_of(text, UUID_TEXT), partition_count) == wanted &&
            !uuid_equal(id, batch)) {
            return STATUS_OK;
        }
    }
    return STATUS_UNAVAILABLE;
}

uint32_t
batch_line_number(const struct uuid *batch, const struct uuid *id)
{
    if (memcmp(batch->bytes, id->bytes, SHARED_BYTES) != 0 || uuid_equal(batch, id)) {
        return 0;
    }
    uint32_t line = 0;
    for (unsigned i = 0; i < LINE_BYTES; i++) {
        line = line << 8 | id->bytes[SHARED_BYTES + i];
    }
    return line;
}

enum status
batch_id_parse(struct span text, struct uuid *batch, struct span *own_id)
{
    *own_id = span_of(NULL, 0);
    if (text.size < UUID_TEXT ||
        uuid_parse(span_of(text.data, UUID_TEXT), batch) != STATUS_OK) {
        return STATUS_INVALID;
    }
    if (text.size == UUID_TEXT) {
        return STATUS_OK;
    }
    if (text.data[UUID_TEXT] != ':') {
        return STATUS_INVALID;
    }
    *own_id = span_of(text.data + UUID_TEXT + 1, text.size - UUID_TEXT - 1);
    return STATUS_OK;
}
