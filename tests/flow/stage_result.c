/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/flow/stage_result.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static uint64_t
fnv(const uint8_t *data, size_t size)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

void
stage_result_note(struct stage_result *result,
                  const struct reply *reply,
                  const char *topic)
{
    result->count++;
    result->status = reply->status;
    result->batch_size = reply->batch_size;
    result->started_us = reply->timing.started_us;
    result->completed_us = reply->timing.completed_us;
    snprintf(result->code, sizeof result->code, "%.*s", (int)reply->error.code.size,
             (const char *)reply->error.code.data);
    snprintf(result->version, sizeof result->version, "%.*s",
             (int)reply->model_version.size, (const char *)reply->model_version.data);
    snprintf(result->topic, sizeof result->topic, "%s", topic);
    if (reply->status == REPLY_SUCCEEDED) {
        uint64_t hash = fnv(result->row, STAGE_ROW);
        cr_assert_geq(reply->output_count, 1);
        cr_assert_eq(reply->outputs[0].shape[0], 1);
        result->right = reply->outputs[0].data.size == sizeof hash &&
                        memcmp(reply->outputs[0].data.data, &hash, sizeof hash) == 0;
    }
}
