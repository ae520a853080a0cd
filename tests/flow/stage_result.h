/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test of the batcher sees of the answers to one request: the `sim` model's
 * answer is the hash of the row, so no answer can be taken for another's.
 */
#ifndef TESTS_FLOW_STAGE_RESULT_H
#define TESTS_FLOW_STAGE_RESULT_H

#include "base/uuid.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STAGE_ROW = 8, /* bytes of a row: x UINT8 [-1,8] */
    STAGE_CODE_BYTES = 32,
};

/** The answers to one request; `count` more than 1 is a duplicate. */
struct stage_result {
    struct uuid id;
    uint8_t row[STAGE_ROW];
    unsigned count;
    enum reply_status status;
    bool right; /* the hash is the row's */
    char code[STAGE_CODE_BYTES];
    char topic[64];
    int32_t batch_size;
    char version[16]; /* that answered */
    int64_t started_us;
    int64_t completed_us;
};

/** Notes a further answer, which came by this topic. */
void stage_result_note(struct stage_result *result,
                       const struct reply *reply,
                       const char *topic);

#endif
