/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an infer or job body. The first two bytes choose the kind and where the
 * JSON ends. What is accepted must hold what its shape says, and must survive being
 * written as an answer and read again.
 */
#include "schemas/oip.h"
#include "tests/fuzz/fuzz.h"

enum { MEMORY_LIMIT = 1 << 24, ROOM_PER_BYTE = 64 };

static void
check_written(const struct oip_request *request, struct arena *arena)
{
    struct reply reply = {.outputs = request->inputs,
                          .output_count = request->input_count};
    struct oip_answer answer = {.all_binary = true};
    int64_t json_length = 0;
    struct buf b;
    buf_init(&b, MEMORY_LIMIT);
    oip_write_answer(&reply, &answer, &b, &json_length);
    answer.all_binary = false;
    buf_reset(&b);
    oip_write_answer(&reply, &answer, &b, &json_length);
    const char *list = memmem(b.data, b.size, "[{\"name\"", 8);
    if (b.status == STATUS_OK && list != NULL) {
        struct buf body;
        buf_init(&body, MEMORY_LIMIT);
        buf_append_text(&body, "{\"inputs\":");
        buf_append(&body, list, b.size - (size_t)((const uint8_t *)list - b.data));
        struct oip_request again;
        struct fault fault;
        enum status status = oip_read_request(buf_span(&body), OIP_JSON_ONLY, false,
                                              arena, &again, &fault);
        /* Not so: FP16, BF16, nan, bytes that are no text, long strings. */
        require(status != STATUS_OK || again.input_count == request->input_count);
        buf_fini(&body);
    }
    buf_fini(&b);
}

static void
check_model(struct oip_request *request, struct arena *arena)
{
    struct tensor_spec spec = {.name = request->inputs[0].name,
                               .datatype = request->inputs[0].datatype,
                               .rank = request->inputs[0].rank};
    for (uint32_t i = 0; i < spec.rank; i++) {
        spec.shape[i] = i == 0 ? -1 : request->inputs[0].shape[i];
    }
    struct model_info model = {.inputs = &spec, .input_count = 1, .max_batch_size = 16};
    struct fault fault;
    int64_t rows = 0;
    if (oip_fit_raw(request, &model, arena, &fault) != STATUS_OK) {
        return;
    }
    if (oip_check_model(request, &model, &rows, &fault) == STATUS_OK) {
        require(rows >= 1 && rows <= 16);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct span body = span_of(data + 2, size - 2);
    bool job = (data[0] & 1) != 0;
    int64_t json_length =
        (data[0] & 2) != 0 ? data[1] * (int64_t)body.size / 255 : OIP_JSON_ONLY;
    struct arena arena;
    arena_init(&arena, 65536 + ROOM_PER_BYTE * size);
    struct oip_request request;
    struct fault fault = {.status = STATUS_OK};
    enum status status =
        oip_read_request(body, json_length, job, &arena, &request, &fault);
    if (status != STATUS_OK) {
        require(fault.status == status && fault.text[0] != '\0');
        require(status != STATUS_NO_MEMORY);
        arena_fini(&arena);
        return 0;
    }
    for (size_t i = 0; i < request.input_count; i++) {
        require(tensor_check(&request.inputs[i], &fault) == STATUS_OK);
    }
    check_written(&request, &arena);
    check_model(&request, &arena);
    arena_fini(&arena);
    return 0;
}
