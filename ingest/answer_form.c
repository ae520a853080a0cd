/* SPDX-License-Identifier: Apache-2.0 */
/* One block of memory: the names' spans, then the texts they point to. */
#include "ingest/answer_form.h"

#include <stdlib.h>
#include <string.h>

enum status
answer_form_copy(const struct oip_request *body,
                 struct oip_answer *answer,
                 void **memory)
{
    *answer = (struct oip_answer){0};
    *memory = NULL;
    answer->all_binary = body->output_count == 0 && body->binary_all;
    size_t names = 0;
    size_t bytes = body->id.size;
    for (size_t i = 0; i < body->output_count; i++) {
        if (body->output_binary[i]) {
            names++;
            bytes += body->outputs[i].size;
        }
    }
    if (names == 0 && bytes == 0) {
        return STATUS_OK;
    }
    struct span *binary = malloc(names * sizeof(*binary) + bytes);
    if (binary == NULL) {
        return STATUS_NO_MEMORY;
    }
    uint8_t *at = (uint8_t *)(binary + names);
    *memory = binary;
    if (body->id.size > 0) {
        answer->client_id = span_of(at, body->id.size);
        memcpy(at, body->id.data, body->id.size);
        at += body->id.size;
    }
    for (size_t i = 0; i < body->output_count; i++) {
        if (body->output_binary[i]) {
            memcpy(at, body->outputs[i].data, body->outputs[i].size);
            binary[answer->binary_count++] = span_of(at, body->outputs[i].size);
            at += body->outputs[i].size;
        }
    }
    answer->binary = binary;
    return STATUS_OK;
}
