/* SPDX-License-Identifier: Apache-2.0 */
/* What other Avro writers may do and avro-c does not: many blocks, sizes of blocks. */
#include "schemas/avro_write.h"
#include "tests/unit/schemas/avro_mirror.h"

#include <criterion/criterion.h>

static void
items_write(
    const avro_value_t *v, size_t from, size_t to, struct sample *s, struct buf *b)
{
    for (size_t i = from; i < to; i++) {
        avro_value_t item;
        const char *key = NULL;
        avro_value_get_by_index(v, i, &item, &key);
        if (avro_value_get_type(v) == AVRO_MAP) {
            avro_write_bytes(b, span_of_text(key));
        }
        mirror_write_blocks(&item, s, b);
    }
}

static void
blocks_write(const avro_value_t *v, struct sample *s, struct buf *b)
{
    size_t count = 0;
    avro_value_get_size(v, &count);
    for (size_t at = 0; at < count;) {
        size_t items = 1 + sample_below(s, count - at);
        if (sample_below(s, 2) == 0) {
            avro_write_long(b, (int64_t)items);
            items_write(v, at, at + items, s, b);
        } else {
            struct buf block;
            buf_init(&block, b->limit);
            items_write(v, at, at + items, s, &block);
            avro_write_long(b, -(int64_t)items);
            avro_write_bytes(b, buf_span(&block));
            buf_fini(&block);
        }
        at += items;
    }
    avro_write_long(b, 0);
}

static void
record_write(const avro_value_t *v, struct sample *s, struct buf *b)
{
    size_t count = 0;
    avro_value_get_size(v, &count);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item;
        avro_value_get_by_index(v, i, &item, NULL);
        mirror_write_blocks(&item, s, b);
    }
}

static void
union_write(const avro_value_t *v, struct sample *s, struct buf *b)
{
    int branch = 0;
    avro_value_t value;
    avro_value_get_discriminant(v, &branch);
    avro_value_get_current_branch(v, &value);
    avro_write_long(b, branch);
    mirror_write_blocks(&value, s, b);
}

static void
scalar_write(const avro_value_t *v, struct buf *b)
{
    const char *text = NULL;
    const void *bytes = NULL;
    size_t size = 0;
    int32_t small = 0;
    int64_t number = 0;
    double real = 0;
    int flag = 0;
    if (avro_value_get_string(v, &text, &size) == 0) {
        avro_write_bytes(b, span_of(text, size - 1));
    } else if (avro_value_get_bytes(v, &bytes, &size) == 0) {
        avro_write_bytes(b, span_of(bytes, size));
    } else if (avro_value_get_int(v, &small) == 0 ||
               avro_value_get_enum(v, &small) == 0) {
        avro_write_long(b, small);
    } else if (avro_value_get_long(v, &number) == 0) {
        avro_write_long(b, number);
    } else if (avro_value_get_double(v, &real) == 0) {
        avro_write_double(b, real);
    } else if (avro_value_get_boolean(v, &flag) == 0) {
        avro_write_boolean(b, flag != 0);
    } else {
        cr_assert_eq(avro_value_get_type(v), AVRO_NULL);
    }
}

void
mirror_write_blocks(const avro_value_t *v, struct sample *s, struct buf *b)
{
    switch (avro_value_get_type(v)) {
    case AVRO_RECORD:
        record_write(v, s, b);
        break;
    case AVRO_UNION:
        union_write(v, s, b);
        break;
    case AVRO_ARRAY:
    case AVRO_MAP:
        blocks_write(v, s, b);
        break;
    default:
        scalar_write(v, b);
        break;
    }
}
