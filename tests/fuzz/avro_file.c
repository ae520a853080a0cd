/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an .avro file, and whatever its schema says as rows: bounded, and what
 * is accepted are sound tensors.
 */
#include "schemas/avro_file.h"

#include "schemas/avro_row.h"
#include "tests/fuzz/fuzz.h"

enum { LIMIT = 1 << 20, ROWS_MAX = 1000 };

static const struct tensor_spec inputs[] = {
    {.name = {(const uint8_t *)"x", 1},
     .datatype = DATATYPE_FP32,
     .rank = 2,
     .shape = {-1, -1}},
    {.name = {(const uint8_t *)"n", 1},
     .datatype = DATATYPE_INT16,
     .rank = 1,
     .shape = {-1}},
    {.name = {(const uint8_t *)"id", 2},
     .datatype = DATATYPE_BYTES,
     .rank = 1,
     .shape = {-1}},
};
static const struct model_info model = {
    .inputs = inputs, .input_count = 3, .max_batch_size = 8};

static void
take_rows(const struct avro_row_schema *schema, struct avro_block *block)
{
    struct arena arena;
    arena_init(&arena, LIMIT);
    for (int64_t i = 0; i < block->count && i < ROWS_MAX; i++) {
        struct oip_request request;
        struct fault fault;
        arena_reset(&arena);
        enum status status =
            avro_row_read(schema, &model, &block->data, &arena, &request, &fault);
        for (size_t t = 0; status == STATUS_OK && t < request.input_count; t++) {
            require(tensor_check(&request.inputs[t], &fault) == STATUS_OK);
        }
        if (block->data.data == NULL) {
            break;
        }
    }
    arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct avro_file file;
    struct arena arena;
    struct avro_row_schema schema = {0};
    struct avro_block block;
    struct fault fault;
    enum avro_found found = AVRO_FOUND_NONE;
    avro_file_init(&file, LIMIT);
    arena_init(&arena, LIMIT);
    require(avro_file_feed(&file, span_of(data, size)) == STATUS_OK);
    avro_file_end(&file);
    while ((found = avro_file_next(&file, &block, &fault)) == AVRO_FOUND_HEADER ||
           found == AVRO_FOUND_BLOCK) {
        if (found == AVRO_FOUND_BLOCK) {
            take_rows(&schema, &block);
        } else if (avro_row_schema_read(buf_span(&file.schema), &arena, &schema,
                                        &fault) != STATUS_OK) {
            break;
        }
    }
    avro_file_fini(&file);
    arena_fini(&arena);
    return 0;
}
