/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a body says of how its answer is to look, kept for longer than the body. Pure
 * but for the memory.
 */
#ifndef INGEST_ANSWER_FORM_H
#define INGEST_ANSWER_FORM_H

#include "base/status.h"
#include "schemas/oip.h"

/**
 * Copies what the answer needs to know of the body.
 *
 * @param[out] memory owns what answer points to, to be freed with free(); may be NULL
 * @return STATUS_OK; STATUS_NO_MEMORY
 */
MUST_CHECK enum status answer_form_copy(const struct oip_request *body,
                                        struct oip_answer *answer,
                                        void **memory);

#endif
