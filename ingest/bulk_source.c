/* SPDX-License-Identifier: Apache-2.0 */
/* No JSON begins with the O of an .avro file. */
#include "ingest/bulk_source.h"

enum { SCHEMA_BYTES_MAX = 1 << 20 };

void
bulk_source_init(struct bulk_source *s, size_t item_max, uint32_t skip)
{
    *s = (struct bulk_source){.skip = skip};
    ndjson_init(&s->lines, item_max);
    avro_file_init(&s->file, item_max);
    arena_init(&s->arena, SCHEMA_BYTES_MAX);
}

void
bulk_source_fini(struct bulk_source *s)
{
    ndjson_fini(&s->lines);
    avro_file_fini(&s->file);
    arena_fini(&s->arena);
}

enum status
bulk_source_feed(struct bulk_source *s, struct span piece)
{
    if (!s->begun && piece.size > 0) {
        s->begun = true;
        s->avro = piece.data[0] == 'O';
    }
    return s->avro ? avro_file_feed(&s->file, piece) : ndjson_feed(&s->lines, piece);
}

void
bulk_source_end(struct bulk_source *s)
{
    if (s->avro) {
        avro_file_end(&s->file);
    } else {
        ndjson_end(&s->lines);
    }
}

static struct bulk_item
next_line(struct bulk_source *s)
{
    static const enum bulk_item_kind kinds[] = {[NDJSON_NONE] = BULK_NONE,
                                                [NDJSON_LINE] = BULK_LINE,
                                                [NDJSON_OVERLONG] = BULK_OVERLONG};
    struct bulk_item item = {0};
    item.kind = kinds[ndjson_next(&s->lines, &item.text)];
    return item;
}

/* @return whether there is a row */
static enum bulk_item_kind
next_block(struct bulk_source *s, struct fault *fault)
{
    while (s->block.count == 0) {
        if (s->block.data.size > 0) {
            (void)fault_set(fault, STATUS_INVALID,
                            "a block of the .avro file holds more than its rows");
            return BULK_FAULT;
        }
        switch (avro_file_next(&s->file, &s->block, fault)) {
        case AVRO_FOUND_NONE:
            return BULK_NONE;
        case AVRO_FOUND_FAULT:
            return BULK_FAULT;
        case AVRO_FOUND_HEADER:
            if (avro_row_schema_read(buf_span(&s->file.schema), &s->arena, &s->schema,
                                     fault) != STATUS_OK) {
                return BULK_FAULT;
            }
            break;
        default:
            break;
        }
    }
    return BULK_ROW;
}

enum status
bulk_source_row(struct bulk_source *s,
                const struct model_info *model,
                struct arena *arena,
                struct oip_request *body,
                struct fault *fault)
{
    s->before = s->block.data;
    s->block.count--;
    return avro_row_read(&s->schema, model, &s->block.data, arena, body, fault);
}

/* Rows that are stored already are read as nobody's. */
static bool
pass_over(struct bulk_source *s, struct fault *fault)
{
    static const struct model_info nobody;
    struct arena scratch;
    struct oip_request body;
    arena_init(&scratch, SCHEMA_BYTES_MAX);
    enum status status = bulk_source_row(s, &nobody, &scratch, &body, fault);
    arena_fini(&scratch);
    s->skip--;
    return status == STATUS_OK;
}

struct bulk_item
bulk_source_next(struct bulk_source *s, struct fault *fault)
{
    if (!s->avro) {
        return next_line(s);
    }
    s->before = span_of(NULL, 0);
    struct bulk_item item = {.kind = next_block(s, fault)};
    while (item.kind == BULK_ROW && s->skip > 0) {
        item.kind = pass_over(s, fault) ? next_block(s, fault) : BULK_FAULT;
    }
    return item;
}

void
bulk_source_put_back(struct bulk_source *s)
{
    if (!s->avro) {
        ndjson_put_back(&s->lines);
    } else if (s->before.data != NULL) {
        s->block.data = s->before;
        s->block.count++;
        s->before = span_of(NULL, 0);
    }
}

size_t
bulk_source_waiting(const struct bulk_source *s)
{
    return s->avro ? avro_file_waiting(&s->file) : ndjson_waiting(&s->lines);
}

bool
bulk_source_is_drained(const struct bulk_source *s)
{
    return bulk_source_waiting(s) == 0 && s->block.count == 0 && !s->lines.skipping;
}
