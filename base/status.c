/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of outcomes: one row per status says all that the outside ever sees of it.
 * A new status is a new row here and nothing elsewhere.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

struct status_row {
    const char *name;
    int http_code;
    bool retryable;
};

static const struct status_row rows[STATUS_COUNT] = {
    [STATUS_OK] = {"ok", 200, false},
    [STATUS_INVALID] = {"invalid", 400, false},
    [STATUS_UNAUTHORIZED] = {"unauthorized", 401, false},
    [STATUS_FORBIDDEN] = {"forbidden", 403, false},
    [STATUS_NOT_FOUND] = {"not_found", 404, false},
    [STATUS_CONFLICT] = {"conflict", 409, false},
    [STATUS_TOO_LARGE] = {"too_large", 413, false},
    [STATUS_UNSUPPORTED] = {"unsupported", 400, false},
    [STATUS_FULL] = {"full", 429, true},
    [STATUS_UNAVAILABLE] = {"unavailable", 503, true},
    [STATUS_MISDIRECTED] = {"misdirected", 421, true},
    [STATUS_TIMEOUT] = {"timeout", 504, true},
    [STATUS_EXPIRED] = {"expired", 504, false},
    [STATUS_CANCELED] = {"canceled", 409, false},
    [STATUS_MODEL_FAILED] = {"model_failed", 500, false},
    [STATUS_MODEL_DIED] = {"model_died", 500, false},
    [STATUS_RESULT_TOO_LARGE] = {"result_too_large", 500, false},
    [STATUS_CLOSED] = {"closed", 503, true},
    [STATUS_FENCED] = {"fenced", 503, false},
    [STATUS_NO_MEMORY] = {"no_memory", 503, true},
    [STATUS_IO] = {"io", 500, true},
    [STATUS_INTERNAL] = {"internal", 500, false},
};

static const struct status_row *
row_of(enum status status)
{
    unsigned at = (unsigned)status;
    return &rows[at < STATUS_COUNT ? at : STATUS_INTERNAL];
}

const char *
status_name(enum status status)
{
    return row_of(status)->name;
}

int
status_http_code(enum status status)
{
    return row_of(status)->http_code;
}

bool
status_is_retryable(enum status status)
{
    return row_of(status)->retryable;
}

enum status
status_from_name(struct span name)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        if (span_is_text(name, rows[i].name)) {
            return (enum status)i;
        }
    }
    return STATUS_INTERNAL;
}

enum status
fault_set(struct fault *fault, enum status status, const char *format, ...)
{
    if (fault == NULL) {
        return status;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
    fault->status = status;
    return status;
}
