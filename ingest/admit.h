/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a submission is let in: admission is asked with what waits for its model, and
 * the answer to come tells the tenant how its rate stands.
 */
#ifndef INGEST_ADMIT_H
#define INGEST_ADMIT_H

#include "base/http_server.h"
#include "base/status.h"
#include "ingest/admission.h"
#include "ingest/catalogue.h"

struct ingest;

/**
 * @param[in,out] ask all but its line, which is filled in
 * @return as admission_take()
 */
MUST_CHECK enum status ingest_admit(struct ingest *ingest,
                                    struct http_exchange *x,
                                    const struct catalogue_model *model,
                                    struct admission_ask *ask,
                                    struct admission_refusal *why);

#endif
