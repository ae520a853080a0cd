/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the codec knows of a record: one row per field, in the order of its .avsc, says
 * how the Avro value and the member of the C struct belong together. Reading and
 * writing walk the same rows, so they cannot disagree. A kind of field (codec_type) is
 * a pair of small functions. Private to the codec.
 */
#ifndef SCHEMAS_CODEC_RECORD_H
#define SCHEMAS_CODEC_RECORD_H

#include "base/buf.h"
#include "base/status.h"
#include "schemas/avro_read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct codec_field;

/** `record` is the struct that holds the member; a read finds it zeroed. */
struct codec_type {
    void (*read)(struct avro_reader *r, const struct codec_field *f, void *record);
    void (*write)(struct buf *b, const struct codec_field *f, const void *record);

    /* The rest for types that a nullable field may have. */
    bool (*is_absent)(const struct codec_field *f, const void *record);
    void (*make_absent)(const struct codec_field *f, void *record); /* NULL: zeros */
};

struct codec_field {
    const char *name; /* as in the .avsc */
    const struct codec_type *type;
    bool nullable; /* union of null and the type */
    size_t offset;
    size_t count_offset; /* of the count of an array or map, rank of a shape */
    const struct codec_record *record; /* of a record, or of an array's items */
    int64_t min;    /* number or dimension: the least; text: bytes at least */
    int64_t max;    /* number: the largest; text, bytes: bytes; array, map: items */
    int64_t absent; /* number that stands for null */
};

struct codec_record {
    const struct codec_field *fields;
    size_t field_count;
    size_t size;          /* bytes of the struct */
    uint64_t fingerprint; /* of a whole record's schema */

    /* What no single field can tell, for items of arrays; NULL: nothing. */
    enum status (*check)(const void *record, struct fault *fault);
};

extern const struct codec_type codec_uuid;          /* struct uuid; null: all zero */
extern const struct codec_type codec_text;          /* struct span */
extern const struct codec_type codec_prose;         /* struct span of any origin */
extern const struct codec_type codec_bytes;         /* struct span */
extern const struct codec_type codec_int;           /* int32_t */
extern const struct codec_type codec_long;          /* int64_t */
extern const struct codec_type codec_enum;          /* enum from 0 to max */
extern const struct codec_type codec_shape;         /* int64_t[], uint32_t rank */
extern const struct codec_type codec_nested;        /* a struct; null: first field */
extern const struct codec_type codec_texts;         /* struct span *, size_t count */
extern const struct codec_type codec_records;       /* a struct *, size_t count */
extern const struct codec_type codec_ids;           /* struct uuid *, size_t count */
extern const struct codec_type codec_parameter_map; /* struct parameter *, size_t */

extern const struct codec_record codec_request;
extern const struct codec_record codec_reply;
extern const struct codec_record codec_model_info;
extern const struct codec_record codec_running;
extern const struct codec_record codec_control;
extern const struct codec_record codec_webhook_record;

void
codec_record_read(struct avro_reader *r, const struct codec_record *type, void *record);
void
codec_record_write(struct buf *b, const struct codec_record *type, const void *record);

/**
 * Room for the item that avro_next_item() began, in an array that grows as blocks come.
 *
 * @param[in,out] array    NULL before the first item
 * @param[in,out] capacity items there is room for; 0 before the first
 * @return the item, zeroed; NULL: the reader has failed
 */
void *codec_item_room(struct avro_reader *r,
                      const struct avro_items *items,
                      size_t item_size,
                      void **array,
                      size_t *capacity);

#endif
