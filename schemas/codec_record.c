/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the rows of a record. The way down is as deep as the tables are (a tensor's
 * shape in a record: AVRO_DEPTH_MAX is above that), never as deep as the bytes wish.
 */
#include "schemas/codec_record.h"

#include "schemas/avro_write.h"

#include <assert.h>

static void
field_read(struct avro_reader *r, const struct codec_field *f, void *record)
{
    if (f->nullable && avro_read_index(r, 2) == 0) {
        if (f->type->make_absent != NULL) {
            f->type->make_absent(f, record);
        }
        return;
    }
    f->type->read(r, f, record);
}

void
codec_record_read(struct avro_reader *r, const struct codec_record *type, void *record)
{
    const uint8_t *from = r->at;
    for (size_t i = 0; i < type->field_count && r->status == STATUS_OK; i++) {
        const struct codec_field *f = &type->fields[i];
        r->path[r->depth] = (struct avro_step){.name = f->name, .index = AVRO_NO_INDEX};
        field_read(r, f, record);
    }
    if (type->check == NULL || r->status != STATUS_OK) {
        return;
    }
    struct fault fault;
    enum status status = type->check(record, &fault);
    if (status != STATUS_OK) {
        r->depth--; /* the fault is of the record, not of its last field */
        avro_fail(r, from, status, "%s", fault.text);
        r->depth++;
    }
}

void
codec_record_write(struct buf *b, const struct codec_record *type, const void *record)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct codec_field *f = &type->fields[i];
        bool absent = f->nullable && f->type->is_absent(f, record);
        if (f->nullable) {
            avro_write_long(b, absent ? 0 : 1);
        }
        if (!absent) {
            f->type->write(b, f, record);
        }
    }
}

/* Doubling keeps an array that comes in blocks of one item from costing the square of
 * its size. */
void *
codec_item_room(struct avro_reader *r,
                const struct avro_items *items,
                size_t item_size,
                void **array,
                size_t *capacity)
{
    size_t at = items->count - 1;
    if (at == *capacity) {
        size_t known = items->count + items->left;
        size_t doubled = *capacity * 2 < items->max ? *capacity * 2 : items->max;
        size_t room = known > doubled ? known : doubled;
        void *larger = arena_array(r->arena, room, item_size);
        if (larger == NULL) {
            avro_fail(r, r->at, STATUS_NO_MEMORY, "no memory for %zu items", room);
            return NULL;
        }
        if (at > 0) {
            memcpy(larger, *array, at * item_size);
        }
        *array = larger;
        *capacity = room;
    }
    return (uint8_t *)*array + at * item_size;
}
