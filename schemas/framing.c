/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three prefixes cannot be mistaken for a bare record of ours: its first field is a
 * text that is never empty, so its first byte is an even length, not 00; and C3 01
 * would be a negative length. Too few bytes for a prefix count as bare and fail there.
 */
#include "schemas/framing.h"

enum { SINGLE_OBJECT_PREFIX = 10, CONFLUENT_PREFIX = 5 };

static const uint8_t single_object_mark[] = {0xc3, 0x01};

/* Also the fingerprint of no bytes at all. */
#define CRC_64_AVRO_EMPTY 0xc15d213aa4d7a795U

static struct span
span_behind(struct span bytes, size_t prefix)
{
    return span_of(bytes.data + prefix, bytes.size - prefix);
}

void
framing_read(struct span bytes, struct framing *out)
{
    *out = (struct framing){.kind = FRAMING_BARE, .body = bytes};
    if (bytes.size >= SINGLE_OBJECT_PREFIX &&
        memcmp(bytes.data, single_object_mark, sizeof(single_object_mark)) == 0) {
        out->kind = FRAMING_SINGLE_OBJECT;
        for (unsigned i = 0; i < 8; i++) {
            out->fingerprint |= (uint64_t)bytes.data[2 + i] << (8 * i);
        }
        out->body = span_behind(bytes, SINGLE_OBJECT_PREFIX);
    } else if (bytes.size >= CONFLUENT_PREFIX && bytes.data[0] == 0) {
        out->kind = FRAMING_CONFLUENT;
        for (unsigned i = 0; i < 4; i++) {
            out->schema_id = out->schema_id << 8 | bytes.data[1 + i];
        }
        out->body = span_behind(bytes, CONFLUENT_PREFIX);
    }
}

void
framing_write(struct buf *b, uint64_t fingerprint)
{
    uint8_t *at = buf_reserve(b, SINGLE_OBJECT_PREFIX);
    if (at == NULL) {
        return;
    }
    memcpy(at, single_object_mark, sizeof(single_object_mark));
    for (unsigned i = 0; i < 8; i++) {
        at[2 + i] = (uint8_t)(fingerprint >> (8 * i));
    }
}

uint64_t
framing_fingerprint(struct span canonical_form)
{
    uint64_t crc = CRC_64_AVRO_EMPTY;
    for (size_t i = 0; i < canonical_form.size; i++) {
        crc ^= canonical_form.data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (CRC_64_AVRO_EMPTY & (0 - (crc & 1)));
        }
    }
    return crc;
}
