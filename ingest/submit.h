/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a body to a record on its way: read, check against the model, admit, mint an id,
 * encode, expect the answer, send. Whatever is wrong is answered here, before anything
 * is produced.
 */
#ifndef INGEST_SUBMIT_H
#define INGEST_SUBMIT_H

#include "base/http_server.h"
#include "base/span.h"
#include "ingest/submission.h"

#include <stdbool.h>
#include <stdint.h>

struct submit_call {
    const struct tenant *tenant; /* who asks */
    struct span model;           /* of the path; empty: in the body */
    struct span version;
    bool job; /* the body is one of POST /v1/jobs */
    enum submission_mode mode;
    int64_t wait_ns;        /* how long to hold; not for ASYNC */
    const char *preference; /* for Preference-Applied; "" = none */
    const struct uuid *id;  /* to be used; one of ours. NULL: minted */
};

/** Leads to exactly one http_respond(), now or later. */
void
submit(struct ingest *ingest, struct http_exchange *x, const struct submit_call *call);

/** Whether submit() would get as far as admission; else x is answered. */
bool submit_check(struct ingest *ingest,
                  struct http_exchange *x,
                  const struct submit_call *call);

/** Reads the body alone. @param[out] body points into x and the ingest's arena */
MUST_CHECK enum status submit_read(struct ingest *ingest,
                                   struct http_exchange *x,
                                   const struct submit_call *call,
                                   struct oip_request *body,
                                   struct fault *fault);

#endif
