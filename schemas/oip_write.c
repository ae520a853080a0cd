/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer to an infer call: JSON, then the binary tensors in the order in which the
 * JSON names them.
 */
#include "schemas/oip_write.h"

static bool
wanted_binary(const struct oip_answer *answer, struct span name)
{
    for (size_t i = 0; i < answer->binary_count; i++) {
        if (span_equal(answer->binary[i], name)) {
            return true;
        }
    }
    return answer->all_binary;
}

void
oip_write_tensor(const struct tensor *t, bool binary, struct buf *b)
{
    buf_append_byte(b, '{');
    oip_write_key(b, "name");
    oip_write_text(t->name, b);
    buf_append_byte(b, ',');
    oip_write_key(b, "datatype");
    oip_write_text(span_of_text(datatype_name(t->datatype)), b);
    buf_append_byte(b, ',');
    oip_write_key(b, "shape");
    oip_write_shape(b, t->shape, t->rank);
    buf_append_byte(b, ',');
    if (binary) {
        buf_append_text(b, "\"parameters\":{\"binary_data_size\":");
        oip_write_number(b, (int64_t)t->data.size);
        buf_append_byte(b, '}');
    } else {
        oip_write_key(b, "data");
        oip_write_data(t, b);
    }
    buf_append_byte(b, '}');
}

static void
write_id(const struct reply *reply, struct span client_id, struct buf *b)
{
    char id[UUID_TEXT];
    if (client_id.size == 0) {
        uuid_format(&reply->id, id);
        client_id = span_of(id, UUID_TEXT);
    }
    oip_write_key(b, "id");
    oip_write_text(client_id, b);
    buf_append_byte(b, ',');
}

void
oip_write_answer(const struct reply *reply,
                 const struct oip_answer *answer,
                 struct buf *b,
                 int64_t *json_length)
{
    size_t begin = b->size;
    size_t binaries = 0;
    buf_append_byte(b, '{');
    oip_write_key(b, "model_name");
    oip_write_text(reply->model, b);
    buf_append_byte(b, ',');
    oip_write_key(b, "model_version");
    oip_write_text(reply->model_version, b);
    buf_append_byte(b, ',');
    write_id(reply, answer->client_id, b);
    oip_write_key(b, "outputs");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < reply->output_count; i++) {
        bool binary = wanted_binary(answer, reply->outputs[i].name);
        binaries += binary;
        if (i > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_tensor(&reply->outputs[i], binary, b);
    }
    buf_append(b, "]}", 2);
    *json_length = binaries > 0 ? (int64_t)(b->size - begin) : OIP_JSON_ONLY;
    for (size_t i = 0; i < reply->output_count && binaries > 0; i++) {
        const struct tensor *t = &reply->outputs[i];
        if (wanted_binary(answer, t->name) && t->data.size > 0) {
            buf_append(b, t->data.data, t->data.size);
        }
    }
}
