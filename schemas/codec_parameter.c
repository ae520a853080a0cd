/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of parameters. Avro would let a key come twice, and readers would differ in
 * which one they believe: here it is refused.
 */
#include "schemas/avro_write.h"
#include "schemas/codec_record.h"
#include "schemas/message.h"

/* The branches of the union stand in the order of enum parameter_kind. */
enum { PARAMETER_BRANCHES = PARAMETER_BOOL + 1 };

static bool
name_is_new(const struct parameter *parameters, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(parameters[i].name, name)) {
            return false;
        }
    }
    return true;
}

static void
value_read(struct avro_reader *r, struct parameter *p)
{
    p->kind = (enum parameter_kind)avro_read_index(r, PARAMETER_BRANCHES);
    switch (p->kind) {
    case PARAMETER_TEXT:
        p->text = avro_read_text(r, 0, SIZE_MAX);
        break;
    case PARAMETER_INT:
        p->number = avro_read_long(r);
        break;
    case PARAMETER_REAL:
        p->real = avro_read_double(r);
        break;
    case PARAMETER_BOOL:
        p->flag = avro_read_boolean(r);
        break;
    }
}

static void
value_write(struct buf *b, const struct parameter *p)
{
    avro_write_long(b, p->kind);
    switch (p->kind) {
    case PARAMETER_TEXT:
        avro_write_bytes(b, p->text);
        break;
    case PARAMETER_INT:
        avro_write_long(b, p->number);
        break;
    case PARAMETER_REAL:
        avro_write_double(b, p->real);
        break;
    case PARAMETER_BOOL:
        avro_write_boolean(b, p->flag);
        break;
    }
}

static void
parameters_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    struct request *request = record;
    struct avro_items items = {.max = (size_t)f->max};
    void *array = NULL;
    size_t capacity = 0;
    while (avro_next_item(r, &items)) {
        struct parameter *p = codec_item_room(r, &items, sizeof(*p), &array, &capacity);
        if (p == NULL) {
            break;
        }
        const uint8_t *from = r->at;
        p->name = avro_read_text(r, 1, NAME_MAX_BYTES);
        if (!name_is_new(array, items.count - 1, p->name)) {
            avro_fail(r, from, STATUS_INVALID, "a name for the second time");
        }
        value_read(r, p);
    }
    request->parameters = array;
    request->parameter_count = items.count;
}

static void
parameters_write(struct buf *b, const struct codec_field *f, const void *record)
{
    (void)f;
    const struct request *request = record;
    if (request->parameter_count > 0) {
        avro_write_long(b, (int64_t)request->parameter_count);
    }
    for (size_t i = 0; i < request->parameter_count; i++) {
        avro_write_bytes(b, request->parameters[i].name);
        value_write(b, &request->parameters[i]);
    }
    avro_write_long(b, 0);
}

const struct codec_type codec_parameter_map = {.read = parameters_read,
                                               .write = parameters_write};
