/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the primitives of Avro's binary encoding from bytes that nobody has checked. A
 * reader fails once: it then keeps its status and the fault, stands at its end, and all
 * further reads give zeros. So a decoder reads on and looks at the status where it
 * loops and at the end. Pure.
 *
 * @source Apache Avro 1.11 specification, "Binary Encoding"
 */
#ifndef SCHEMAS_AVRO_READ_H
#define SCHEMAS_AVRO_READ_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AVRO_DEPTH_MAX = 4, AVRO_NO_INDEX = -1 };

/** One step of the way to the value being read, for the fault: name or name[index]. */
struct avro_step {
    const char *name;
    int64_t index;
};

struct avro_reader {
    const uint8_t *start; /* of the record as it came, prefix included */
    const uint8_t *at;
    const uint8_t *end;
    struct arena *arena;
    struct fault *fault;
    enum status status;
    unsigned depth; /* steps above the current one */
    struct avro_step path[AVRO_DEPTH_MAX];
};

/** An array or map on its way; count is that of the items begun. */
struct avro_items {
    size_t count;
    size_t left; /* items of the current block not yet begun */
    size_t max;
    const uint8_t *block_end; /* where a block that says its bytes must end, or NULL */
};

/**
 * @param[in] bytes borrowed as long as what was read is used
 * @param[in] body  the part of bytes to be read
 */
void avro_reader_init(struct avro_reader *r,
                      struct span bytes,
                      struct span body,
                      struct arena *arena,
                      struct fault *fault);

/**
 * Fails the reader; the first failure stays.
 *
 * @param[in] at the first byte of what is wrong
 */
void avro_fail(struct avro_reader *r,
               const uint8_t *at,
               enum status status,
               const char *format,
               ...) PRINTF_LIKE(4, 5);

/** A number of any length, as it stands there, not yet out of its zigzag. */
uint64_t avro_read_varint(struct avro_reader *r);

/* Most numbers of a record have one byte. */
static inline int64_t
avro_read_long(struct avro_reader *r)
{
    uint64_t zigzag = r->at != r->end && *r->at < 0x80 ? *r->at++ : avro_read_varint(r);
    return (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
}

/** A long (or int) from min to max; 0 when it is not, which fails the reader. */
int64_t avro_read_number(struct avro_reader *r, int64_t min, int64_t max);

/** Index of an enum symbol or of a union branch, below `count`. */
uint32_t avro_read_index(struct avro_reader *r, uint32_t count);

double avro_read_double(struct avro_reader *r);
bool avro_read_boolean(struct avro_reader *r);

/** Just so many bytes, without a length before them; zeros when it fails. */
void avro_read_fixed(struct avro_reader *r, uint8_t *bytes, size_t size);

/** Bytes of the record itself, not more than max. */
struct span avro_read_bytes(struct avro_reader *r, size_t max);

/** The same for well-formed UTF-8 (avro_text.h) of at least min bytes. */
struct span avro_read_text(struct avro_reader *r, size_t min, size_t max);

/**
 * Begins the next item of an array or map, over all its blocks, and puts its index on
 * the path.
 *
 * @param[in,out] items max set and the rest zero before the first call
 * @return false at the end, and when the reader failed
 */
bool avro_next_item(struct avro_reader *r, struct avro_items *items);

#endif
