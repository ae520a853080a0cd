/* SPDX-License-Identifier: Apache-2.0 */
/* Callers may say any number; what is further away than a year is no deadline. */
#include "ingest/timeout.h"

#include "schemas/number.h"

#define TIMEOUT_MAX_MS (366LL * 24 * 3600 * 1000)

enum { US_PER_MS = 1000, MS_PER_S = 1000, SHOWN_BYTES = 40 };

static struct span
trimmed(struct span text)
{
    while (text.size > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = span_of(text.data + 1, text.size - 1);
    }
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

enum status
timeout_read(struct span header, int64_t *timeout_ms, struct fault *fault)
{
    *timeout_ms = 0;
    if (header.data == NULL) {
        return STATUS_OK;
    }
    struct span text = trimmed(header);
    struct number n;
    double ms = 0;
    if (text.size > 0 &&
        number_scan(text.data, text.data + text.size, &n) == STATUS_OK &&
        n.text.size == text.size) {
        ms = number_to_double(&n) * MS_PER_S;
    }
    if (!(ms > 0)) {
        return fault_set(fault, STATUS_INVALID,
                         "Request-Timeout: '%.*s' is not a number of seconds over 0",
                         (int)(text.size < SHOWN_BYTES ? text.size : SHOWN_BYTES),
                         (const char *)text.data);
    }
    if (ms <= (double)TIMEOUT_MAX_MS) {
        int64_t whole = (int64_t)ms;
        *timeout_ms = (double)whole < ms ? whole + 1 : whole;
    }
    return STATUS_OK;
}

int64_t
timeout_shortest_ms(int64_t header_ms, const struct oip_request *body)
{
    const int64_t given[] = {header_ms, body->deadline_ms,
                             body->timeout_us / US_PER_MS +
                                 (body->timeout_us % US_PER_MS > 0 ? 1 : 0)};
    int64_t shortest = 0;
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
        if (given[i] > 0 && given[i] <= TIMEOUT_MAX_MS &&
            (shortest == 0 || given[i] < shortest)) {
            shortest = given[i];
        }
    }
    return shortest;
}
