/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is let in: requests and their bytes, of a tenant and in all, a tenant's rate,
 * and what can be answered before its deadline with what waits for the model. Counted
 * from the moment a request is taken until it is given back. Who is refused is told
 * when to come back: an instant of his own, at which there is room if those who were
 * refused before come at theirs. Pure.
 */
#ifndef INGEST_ADMISSION_H
#define INGEST_ADMISSION_H

#include "base/status.h"
#include "ingest/catalogue.h"
#include "ingest/share.h"
#include "ingest/tenant.h"

#include <stddef.h>
#include <stdint.h>

struct admission {
    struct tenant_limits limits; /* in all; no rate */
    struct share all;
    int64_t line_slots_ns[CATALOGUE_MODELS_MAX]; /* the next promise, by model */
};

/** The line in front of a model. */
struct admission_line {
    size_t model;       /* number of the model in the catalogue */
    int64_t waiting;    /* requests before this one, running ones included */
    double drain_per_s; /* answered a second; 0 = not known, then nothing is refused */
    int64_t batch_ns;   /* that a full batch takes */
};

struct admission_ask {
    const struct tenant *tenant;
    size_t bytes; /* of the record */
    struct admission_line line;
    int64_t patience_ns; /* from now to the deadline; 0 = has none */
    int64_t now_ns;
};

enum admission_reason {
    ADMISSION_LINE,   /* what waits for the model takes longer than the deadline */
    ADMISSION_ALL,    /* the bounds in all */
    ADMISSION_TENANT, /* the tenant's bounds or rate */
    ADMISSION_REASON_COUNT
};

struct admission_refusal {
    enum admission_reason reason;
    const char *detail; /* static */
    int64_t retry_after_s;
};

/** @param[in] requests_max, bytes_max in all */
void admission_init(struct admission *a, size_t requests_max, size_t bytes_max);

/**
 * Counts a request in.
 *
 * @param[out] why set unless STATUS_OK
 * @return STATUS_OK; STATUS_FULL: nothing was counted; STATUS_TOO_LARGE: it alone is
 *         over a limit of bytes
 */
MUST_CHECK enum status admission_take(struct admission *a,
                                      const struct admission_ask *ask,
                                      struct admission_refusal *why);

/** Counts it out again. @param[in] bytes as they were taken */
void admission_give(struct admission *a,
                    const struct tenant *tenant,
                    size_t bytes,
                    int64_t now_ns);

#endif
