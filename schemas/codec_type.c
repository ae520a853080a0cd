/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of fields, read and write side by side. Members are reached by their offset
 * through memory of just that type; pointers to items are stored by memcpy, because the
 * rows do not know the type behind them.
 */
#include "base/uuid.h"
#include "schemas/avro_write.h"
#include "schemas/codec_record.h"
#include "schemas/message.h"

static void *
member(void *record, size_t offset)
{
    return (uint8_t *)record + offset;
}

static const void *
const_member(const void *record, size_t offset)
{
    return (const uint8_t *)record + offset;
}

static void
uuid_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    const uint8_t *from = r->at;
    struct span text = avro_read_bytes(r, SIZE_MAX);
    if (uuid_parse(text, member(record, f->offset)) != STATUS_OK) {
        avro_fail(r, from, STATUS_INVALID, "no UUID");
    }
}

static void
uuid_write(struct buf *b, const struct codec_field *f, const void *record)
{
    char text[UUID_TEXT];
    uuid_format(const_member(record, f->offset), text);
    avro_write_bytes(b, span_of(text, sizeof(text)));
}

static bool
uuid_is_absent(const struct codec_field *f, const void *record)
{
    static const struct uuid none;
    return uuid_equal(const_member(record, f->offset), &none);
}

const struct codec_type codec_uuid = {
    .read = uuid_read, .write = uuid_write, .is_absent = uuid_is_absent};

static void
text_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    struct span *text = member(record, f->offset);
    *text = avro_read_text(r, (size_t)f->min, (size_t)f->max);
}

static void
bytes_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    struct span *bytes = member(record, f->offset);
    *bytes = avro_read_bytes(r, (size_t)f->max);
}

static void
bytes_write(struct buf *b, const struct codec_field *f, const void *record)
{
    const struct span *bytes = const_member(record, f->offset);
    avro_write_bytes(b, *bytes);
}

static void
prose_write(struct buf *b, const struct codec_field *f, const void *record)
{
    const struct span *text = const_member(record, f->offset);
    avro_write_prose(b, *text);
}

static bool
bytes_is_absent(const struct codec_field *f, const void *record)
{
    const struct span *bytes = const_member(record, f->offset);
    return bytes->size == 0;
}

const struct codec_type codec_text = {
    .read = text_read, .write = bytes_write, .is_absent = bytes_is_absent};
const struct codec_type codec_prose = {
    .read = text_read, .write = prose_write, .is_absent = bytes_is_absent};
const struct codec_type codec_bytes = {
    .read = bytes_read, .write = bytes_write, .is_absent = bytes_is_absent};

static void
int_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    int32_t *number = member(record, f->offset);
    *number = (int32_t)avro_read_number(r, f->min, f->max);
}

static void
int_write(struct buf *b, const struct codec_field *f, const void *record)
{
    const int32_t *number = const_member(record, f->offset);
    avro_write_long(b, *number);
}

static bool
int_is_absent(const struct codec_field *f, const void *record)
{
    const int32_t *number = const_member(record, f->offset);
    return *number == f->absent;
}

static void
int_make_absent(const struct codec_field *f, void *record)
{
    int32_t *number = member(record, f->offset);
    *number = (int32_t)f->absent;
}

const struct codec_type codec_int = {.read = int_read,
                                     .write = int_write,
                                     .is_absent = int_is_absent,
                                     .make_absent = int_make_absent};

static void
long_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    int64_t *number = member(record, f->offset);
    *number = avro_read_number(r, f->min, f->max);
}

static void
long_write(struct buf *b, const struct codec_field *f, const void *record)
{
    const int64_t *number = const_member(record, f->offset);
    avro_write_long(b, *number);
}

static bool
long_is_absent(const struct codec_field *f, const void *record)
{
    const int64_t *number = const_member(record, f->offset);
    return *number == f->absent;
}

static void
long_make_absent(const struct codec_field *f, void *record)
{
    int64_t *number = member(record, f->offset);
    *number = f->absent;
}

const struct codec_type codec_long = {.read = long_read,
                                      .write = long_write,
                                      .is_absent = long_is_absent,
                                      .make_absent = long_make_absent};

/* gcc and clang give an enum without negative values the type unsigned int. */
static void
enum_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    unsigned *symbol = member(record, f->offset);
    *symbol = avro_read_index(r, (uint32_t)f->max + 1);
}

static void
enum_write(struct buf *b, const struct codec_field *f, const void *record)
{
    const unsigned *symbol = const_member(record, f->offset);
    avro_write_long(b, *symbol);
}

const struct codec_type codec_enum = {.read = enum_read, .write = enum_write};

static void
shape_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    int64_t *shape = member(record, f->offset);
    uint32_t *rank = member(record, f->count_offset);
    struct avro_items items = {.max = (size_t)f->max};
    while (avro_next_item(r, &items)) {
        shape[items.count - 1] = avro_read_number(r, f->min, INT64_MAX);
    }
    *rank = (uint32_t)items.count;
}

static void
shape_write(struct buf *b, const struct codec_field *f, const void *record)
{
    const int64_t *shape = const_member(record, f->offset);
    const uint32_t *rank = const_member(record, f->count_offset);
    for (uint32_t i = 0; i < *rank; i++) {
        if (i == 0) {
            avro_write_long(b, *rank);
        }
        avro_write_long(b, shape[i]);
    }
    avro_write_long(b, 0);
}

const struct codec_type codec_shape = {.read = shape_read, .write = shape_write};

static void
nested_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    r->depth++;
    codec_record_read(r, f->record, member(record, f->offset));
    r->depth--;
}

static void
nested_write(struct buf *b, const struct codec_field *f, const void *record)
{
    codec_record_write(b, f->record, const_member(record, f->offset));
}

static bool
nested_is_absent(const struct codec_field *f, const void *record)
{
    const struct codec_field *first = &f->record->fields[0];
    return first->type->is_absent(first, const_member(record, f->offset));
}

static void
nested_make_absent(const struct codec_field *f, void *record)
{
    for (size_t i = 0; i < f->record->field_count; i++) {
        const struct codec_field *inner = &f->record->fields[i];
        if (inner->type->make_absent != NULL) {
            inner->type->make_absent(inner, member(record, f->offset));
        }
    }
}

const struct codec_type codec_nested = {.read = nested_read,
                                        .write = nested_write,
                                        .is_absent = nested_is_absent,
                                        .make_absent = nested_make_absent};

static void
array_store(const struct codec_field *f, void *record, void *array, size_t count)
{
    memcpy(member(record, f->offset), &array, sizeof(array));
    memcpy(member(record, f->count_offset), &count, sizeof(count));
}

static const uint8_t *
array_load(const struct codec_field *f, const void *record, size_t *count)
{
    const uint8_t *array = NULL;
    memcpy(&array, const_member(record, f->offset), sizeof(array));
    memcpy(count, const_member(record, f->count_offset), sizeof(*count));
    return array;
}

static void
texts_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    struct avro_items items = {.max = (size_t)f->max};
    void *array = NULL;
    size_t capacity = 0;
    while (avro_next_item(r, &items)) {
        struct span *text =
            codec_item_room(r, &items, sizeof(*text), &array, &capacity);
        if (text != NULL) {
            *text = avro_read_text(r, 1, NAME_MAX_BYTES);
        }
    }
    array_store(f, record, array, items.count);
}

static void
texts_write(struct buf *b, const struct codec_field *f, const void *record)
{
    size_t count = 0;
    const void *array = array_load(f, record, &count);
    const struct span *texts = array;
    if (count > 0) {
        avro_write_long(b, (int64_t)count);
    }
    for (size_t i = 0; i < count; i++) {
        avro_write_bytes(b, texts[i]);
    }
    avro_write_long(b, 0);
}

const struct codec_type codec_texts = {.read = texts_read, .write = texts_write};

static void
ids_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    struct avro_items items = {.max = (size_t)f->max};
    void *array = NULL;
    size_t capacity = 0;
    while (avro_next_item(r, &items)) {
        struct uuid *id = codec_item_room(r, &items, sizeof(*id), &array, &capacity);
        if (id != NULL) {
            avro_read_fixed(r, id->bytes, sizeof(id->bytes));
        }
    }
    array_store(f, record, array, items.count);
}

static void
ids_write(struct buf *b, const struct codec_field *f, const void *record)
{
    size_t count = 0;
    const void *array = array_load(f, record, &count);
    const struct uuid *ids = array;
    if (count > 0) {
        avro_write_long(b, (int64_t)count);
    }
    for (size_t i = 0; i < count; i++) {
        buf_append(b, ids[i].bytes, sizeof(ids[i].bytes));
    }
    avro_write_long(b, 0);
}

const struct codec_type codec_ids = {.read = ids_read, .write = ids_write};

static void
records_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    struct avro_items items = {.max = (size_t)f->max};
    void *array = NULL;
    size_t capacity = 0;
    while (avro_next_item(r, &items)) {
        void *item = codec_item_room(r, &items, f->record->size, &array, &capacity);
        if (item != NULL) {
            r->depth++;
            codec_record_read(r, f->record, item);
            r->depth--;
        }
    }
    array_store(f, record, array, items.count);
}

static void
records_write(struct buf *b, const struct codec_field *f, const void *record)
{
    size_t count = 0;
    const uint8_t *items = array_load(f, record, &count);
    if (count > 0) {
        avro_write_long(b, (int64_t)count);
    }
    for (size_t i = 0; i < count; i++) {
        codec_record_write(b, f->record, items + i * f->record->size);
    }
    avro_write_long(b, 0);
}

const struct codec_type codec_records = {.read = records_read, .write = records_write};
