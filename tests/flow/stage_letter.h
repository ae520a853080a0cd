/* SPDX-License-Identifier: Apache-2.0 */
/* What a test of the batcher sees of a dead letter: its bytes and all its headers. */
#ifndef TESTS_FLOW_STAGE_LETTER_H
#define TESTS_FLOW_STAGE_LETTER_H

#include "base/span.h"
#include "bus/consumer.h"

#include <stddef.h>
#include <stdint.h>

enum { STAGE_HEADERS_MAX = 16 };

struct stage_header {
    char name[64];
    uint8_t value[256];
    size_t size;
};

struct stage_letter {
    char value[64];
    size_t value_size;
    char reason[256]; /* these two in the dialect of Connect only */
    char stage[32];
    struct stage_header headers[STAGE_HEADERS_MAX];
    size_t header_count;
};

/** Keeps what the record says; fails the test where there is no room. */
void stage_letter_read(struct stage_letter *l, const struct record *r);

/** The bytes of a dead letter's header; data NULL: it has none of that name. */
struct span stage_letter_header(const struct stage_letter *letter, const char *name);

#endif
