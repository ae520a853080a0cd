/* SPDX-License-Identifier: Apache-2.0 */
/* Files that avro-c wrote are read to the same rows, however they are cut; what is no
 * sound file is refused, and costs no more than its bounds.
 */
#include "schemas/avro_file.h"

#include "schemas/avro_row.h"

#include <avro.h>
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 500, WIDTH = 3, FILE_MAX = 1 << 20, BLOCK_MAX = 1 << 20 };

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"Row\",\"doc\":\"of a test\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"string\"},"
    "{\"name\":\"x\",\"type\":{\"type\":\"array\",\"items\":\"double\"}},"
    "{\"name\":\"n\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"other\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-"
    "micros\"}},"
    "{\"name\":\"raw\",\"type\":\"bytes\"}]}";

static const struct tensor_spec inputs[] = {
    {.name = {(const uint8_t *)"x", 1},
     .datatype = DATATYPE_FP32,
     .rank = 2,
     .shape = {-1, WIDTH}},
    {.name = {(const uint8_t *)"n", 1},
     .datatype = DATATYPE_INT16,
     .rank = 2,
     .shape = {-1, 1}},
};
static const struct model_info model = {
    .inputs = inputs, .input_count = 2, .max_batch_size = 8};

/* Row i: id "r<i>", x {i, i+0.5, -i}, n i or null for every seventh, raw of i % 9. */
static void
write_row(avro_file_writer_t writer, avro_value_iface_t *iface, int i)
{
    avro_value_t row;
    avro_value_t field;
    avro_value_t element;
    char text[32];
    snprintf(text, sizeof text, "r%d", i);
    cr_assert_eq(avro_generic_value_new(iface, &row), 0);
    avro_value_get_by_name(&row, "id", &field, NULL);
    avro_value_set_string(&field, text);
    avro_value_get_by_name(&row, "x", &field, NULL);
    const double x[WIDTH] = {i, i + 0.5, -i};
    for (int k = 0; k < WIDTH; k++) {
        avro_value_append(&field, &element, NULL);
        avro_value_set_double(&element, x[k]);
    }
    avro_value_get_by_name(&row, "n", &field, NULL);
    avro_value_set_branch(&field, i % 7 == 0 ? 0 : 1, &element);
    if (i % 7 == 0) {
        avro_value_set_null(&element);
    } else {
        avro_value_set_long(&element, i);
    }
    avro_value_get_by_name(&row, "other", &field, NULL);
    avro_value_set_long(&field, (int64_t)i << 33);
    avro_value_get_by_name(&row, "raw", &field, NULL);
    char raw[] = "12345678";
    avro_value_set_bytes(&field, raw, (size_t)(i % 9));
    cr_assert_eq(avro_file_writer_append_value(writer, &row), 0);
    avro_value_decref(&row);
}

static size_t
write_file(const char *codec, uint8_t *out)
{
    char path[] = "/tmp/leat-avro-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
    avro_schema_t schema;
    avro_file_writer_t writer;
    cr_assert_eq(
        avro_schema_from_json_length(schema_text, strlen(schema_text), &schema), 0);
    cr_assert_eq(avro_file_writer_create_with_codec(path, schema, &writer, codec, 2048),
                 0, "%s", avro_strerror());
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    for (int i = 0; i < ROWS; i++) {
        write_row(writer, iface, i);
    }
    cr_assert_eq(avro_file_writer_close(writer), 0);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    FILE *file = fopen(path, "re");
    size_t size = fread(out, 1, FILE_MAX, file);
    fclose(file);
    unlink(path);
    return size;
}

static void
check_row(const struct oip_request *r, enum status status, int i)
{
    char text[32];
    float x[WIDTH];
    int16_t n = 0;
    snprintf(text, sizeof text, "r%d", i);
    cr_assert(span_is_text(r->id, text), "%.*s", (int)r->id.size, r->id.data);
    if (i % 7 == 0) {
        cr_assert_eq(status, STATUS_INVALID);
        return;
    }
    cr_assert_eq(status, STATUS_OK);
    cr_assert_eq(r->input_count, 2);
    cr_assert_eq(r->inputs[0].data.size, sizeof x);
    memcpy(x, r->inputs[0].data.data, sizeof x);
    cr_assert(x[0] == (float)i && x[1] == (float)i + 0.5F && x[2] == (float)-i);
    cr_assert_eq(r->inputs[0].shape[0], 1);
    cr_assert_eq(r->inputs[0].shape[1], WIDTH);
    memcpy(&n, r->inputs[1].data.data, sizeof n);
    cr_assert_eq(n, i);
}

struct reading {
    struct avro_file file;
    struct arena schema_arena;
    struct arena arena;
    struct avro_row_schema schema;
    struct fault fault;
    int rows;
};

static void
reading_init(struct reading *r)
{
    *r = (struct reading){0};
    avro_file_init(&r->file, BLOCK_MAX);
    arena_init(&r->schema_arena, 1 << 20);
    arena_init(&r->arena, 1 << 20);
}

static void
reading_fini(struct reading *r)
{
    avro_file_fini(&r->file);
    arena_fini(&r->schema_arena);
    arena_fini(&r->arena);
}

static void
read_block(struct reading *r, struct avro_block *block)
{
    for (int64_t i = 0; i < block->count; i++) {
        struct oip_request request;
        struct fault fault;
        arena_reset(&r->arena);
        enum status status = avro_row_read(&r->schema, &model, &block->data, &r->arena,
                                           &request, &fault);
        cr_assert(block->data.data != NULL, "%s", fault.text);
        check_row(&request, status, r->rows++);
    }
    cr_assert_eq(block->data.size, 0);
}

static enum avro_found
read_all(struct reading *r)
{
    struct avro_block block;
    enum avro_found found = AVRO_FOUND_NONE;
    while ((found = avro_file_next(&r->file, &block, &r->fault)) != AVRO_FOUND_NONE &&
           found != AVRO_FOUND_FAULT) {
        if (found == AVRO_FOUND_HEADER) {
            cr_assert_eq(avro_row_schema_read(buf_span(&r->file.schema),
                                              &r->schema_arena, &r->schema, &r->fault),
                         STATUS_OK, "%s", r->fault.text);
        } else {
            read_block(r, &block);
        }
    }
    return found;
}

static void
expect_rows(const uint8_t *bytes, size_t size, size_t piece)
{
    struct reading r;
    reading_init(&r);
    for (size_t at = 0; at < size; at += piece) {
        size_t left = size - at;
        cr_assert_eq(
            avro_file_feed(&r.file, span_of(bytes + at, left < piece ? left : piece)),
            STATUS_OK);
        cr_assert_eq(read_all(&r), AVRO_FOUND_NONE, "%s", r.fault.text);
    }
    avro_file_end(&r.file);
    cr_assert_eq(read_all(&r), AVRO_FOUND_NONE, "%s", r.fault.text);
    cr_assert_eq(r.rows, ROWS);
    reading_fini(&r);
}

static enum status
fault_of(const uint8_t *bytes, size_t size)
{
    struct reading r;
    reading_init(&r);
    cr_assert_eq(avro_file_feed(&r.file, span_of(bytes, size)), STATUS_OK);
    avro_file_end(&r.file);
    enum avro_found found = read_all(&r);
    enum status status = found == AVRO_FOUND_FAULT ? r.fault.status : STATUS_OK;
    reading_fini(&r);
    return status;
}

Test(avro_file, reads_what_avro_c_wrote_however_it_is_cut)
{
    static const char *const codecs[] = {"null", "deflate"};
    static const size_t pieces[] = {1, 7, 1000, FILE_MAX};
    uint8_t *bytes = malloc(FILE_MAX);
    for (size_t c = 0; c < 2; c++) {
        size_t size = write_file(codecs[c], bytes);
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            expect_rows(bytes, size, pieces[p]);
        }
    }
    free(bytes);
}

Test(avro_file, keeps_a_block_while_more_of_the_file_comes)
{
    uint8_t *bytes = malloc(FILE_MAX);
    size_t size = write_file("null", bytes);
    struct reading r;
    struct avro_block block;
    reading_init(&r);
    cr_assert_eq(avro_file_feed(&r.file, span_of(bytes, size / 2)), STATUS_OK);
    cr_assert_eq(avro_file_next(&r.file, &block, &r.fault), AVRO_FOUND_HEADER);
    cr_assert_eq(avro_row_schema_read(buf_span(&r.file.schema), &r.schema_arena,
                                      &r.schema, &r.fault),
                 STATUS_OK);
    cr_assert_eq(avro_file_next(&r.file, &block, &r.fault), AVRO_FOUND_BLOCK);
    cr_assert_eq(avro_file_feed(&r.file, span_of(bytes + size / 2, size - size / 2)),
                 STATUS_OK);
    read_block(&r, &block);
    cr_assert_eq(read_all(&r), AVRO_FOUND_NONE, "%s", r.fault.text);
    cr_assert_eq(r.rows, ROWS);
    reading_fini(&r);
    free(bytes);
}

Test(avro_file, refuses_a_file_that_is_cut_off_or_damaged)
{
    uint8_t *bytes = malloc(FILE_MAX);
    size_t size = write_file("null", bytes);
    cr_assert_eq(fault_of(bytes, size), STATUS_OK);
    cr_assert_eq(fault_of(bytes, size - 1), STATUS_INVALID);
    cr_assert_eq(fault_of(bytes, 20), STATUS_INVALID);
    cr_assert_eq(fault_of(bytes, 0), STATUS_INVALID);
    bytes[size - 1] ^= 1; /* of the sync marker */
    cr_assert_eq(fault_of(bytes, size), STATUS_INVALID);
    bytes[0] = 'X';
    cr_assert_eq(fault_of(bytes, size), STATUS_INVALID);
    free(bytes);
}

static enum status
schema_status(const char *text)
{
    struct arena arena;
    struct avro_row_schema schema;
    struct fault fault = {0};
    arena_init(&arena, 1 << 20);
    enum status status =
        avro_row_schema_read(span_of_text(text), &arena, &schema, &fault);
    arena_fini(&arena);
    return status;
}

#define FIELD(type)                                                                    \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"f\",\"type\":" type   \
    "}]}"

Test(avro_file, says_which_schemas_it_reads)
{
    cr_assert_eq(schema_status(FIELD("\"int\"")), STATUS_OK);
    cr_assert_eq(schema_status(FIELD("[\"float\",\"null\"]")), STATUS_OK);
    cr_assert_eq(
        schema_status(FIELD("{\"type\":\"array\",\"items\":{\"type\":\"array\","
                            "\"items\":\"int\"}}")),
        STATUS_OK);
    cr_assert_eq(schema_status(FIELD("\"null\"")), STATUS_UNSUPPORTED);
    cr_assert_eq(schema_status(FIELD("{\"type\":\"array\",\"items\":\"null\"}")),
                 STATUS_UNSUPPORTED);
    cr_assert_eq(schema_status(FIELD("[\"int\",\"string\"]")), STATUS_UNSUPPORTED);
    cr_assert_eq(schema_status(FIELD("{\"type\":\"map\",\"values\":\"int\"}")),
                 STATUS_UNSUPPORTED);
    cr_assert_eq(schema_status("\"int\""), STATUS_INVALID);
    cr_assert_eq(schema_status("{"), STATUS_INVALID);
    cr_assert_neq(schema_status(FIELD("[[[[[[\"int\"]]]]]]")), STATUS_OK);
}
