/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the dead-letter topic, kept for a test to look at. */
#include "tests/flow/stage_letter.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

struct span
stage_letter_header(const struct stage_letter *letter, const char *name)
{
    for (size_t i = 0; i < letter->header_count; i++) {
        if (strcmp(letter->headers[i].name, name) == 0) {
            return span_of(letter->headers[i].value, letter->headers[i].size);
        }
    }
    return span_of(NULL, 0);
}

void
stage_letter_read(struct stage_letter *l, const struct record *r)
{
    l->value_size = r->value.size;
    memcpy(l->value, r->value.data,
           r->value.size < sizeof l->value ? r->value.size : sizeof l->value);
    const char *name;
    struct span value;
    while (record_header_at(r, l->header_count, &name, &value) == STATUS_OK) {
        cr_assert_lt(l->header_count, STAGE_HEADERS_MAX);
        struct stage_header *h = &l->headers[l->header_count++];
        cr_assert_leq(value.size, sizeof h->value);
        snprintf(h->name, sizeof h->name, "%s", name);
        h->size = value.size;
        if (value.size > 0) {
            memcpy(h->value, value.data, value.size);
        }
    }
    value = stage_letter_header(l, "__connect.errors.exception.message");
    snprintf(l->reason, sizeof l->reason, "%.*s", (int)value.size,
             (const char *)value.data);
    value = stage_letter_header(l, "__connect.errors.stage");
    snprintf(l->stage, sizeof l->stage, "%.*s", (int)value.size,
             (const char *)value.data);
}
