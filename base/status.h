/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one vocabulary of outcomes. Every function that can fail returns an enum status;
 * one table (status.c) says what each means outside: its name (also the `code` of a
 * FAILED reply and of a problem document), its HTTP code, whether trying again may
 * help. Nobody else maps errors. Where a person reads the detail (config, decode, a
 * body, a model load) the caller lends a struct fault.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/span.h"

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at)                                                \
    __attribute__((format(printf, format_at, args_at)))

enum status {
    STATUS_OK = 0,
    STATUS_INVALID,      /* the input breaks a rule; the same input always will */
    STATUS_UNAUTHORIZED, /* nobody knows who asks */
    STATUS_FORBIDDEN,    /* known who asks, and not allowed to */
    STATUS_NOT_FOUND,    /* no such thing, or not this caller's */
    STATUS_CONFLICT,     /* the thing is in a state that does not allow it */
    STATUS_TOO_LARGE,    /* over a size limit */
    STATUS_UNSUPPORTED,  /* well formed, but not something this build or model does */
    STATUS_FULL,         /* a bound is reached; later may work */
    STATUS_UNAVAILABLE,  /* something we depend on is away (Kafka, a model, a disk) */
    STATUS_MISDIRECTED,  /* another instance owns it */
    STATUS_TIMEOUT,      /* the wait ended first; the work may still be done */
    STATUS_EXPIRED,  /* the deadline passed; the work was not and will not be done */
    STATUS_CANCELED, /* somebody asked for it not to be done */
    STATUS_MODEL_FAILED,     /* the model refused or failed on this very input */
    STATUS_MODEL_DIED,       /* the runner died on this very input, more than once */
    STATUS_RESULT_TOO_LARGE, /* the model answered, but more than its topic takes */
    STATUS_CLOSED,           /* shutting down */
    STATUS_FENCED, /* another process has taken our place under the same name */
    STATUS_NO_MEMORY,
    STATUS_IO,       /* a system call failed */
    STATUS_INTERNAL, /* a broken promise of our own */
    STATUS_COUNT
};

/** What went wrong in words, for a person; lent by the caller at boundaries only. */
struct fault {
    enum status status;
    char text[240];
};

/** Stable lower-case name, such as "model_failed"; never NULL. @thread any */
const char *status_name(enum status status);

/** HTTP status code that reports it, 200 for STATUS_OK. @thread any */
int status_http_code(enum status status);

/** Whether the same call may succeed later. @thread any */
bool status_is_retryable(enum status status);

/**
 * The status with that name.
 *
 * @param[in] name as status_name() gives it
 * @return the status; STATUS_INTERNAL for a name that is not known
 */
enum status status_from_name(struct span name);

/**
 * Writes a fault and returns its status, so that `return fault_set(...)` reads well.
 *
 * @param[out] fault NULL is accepted: the detail is dropped
 */
enum status fault_set(struct fault *fault, enum status status, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
