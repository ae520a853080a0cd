/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a posted body is, by its head: JSON, JSON with binary tensors behind it, the
 * bytes of one tensor (Inference-Header-Content-Length: 0), or an image
 * (Content-Type: image/...), which is the one element of the model's only input and is
 * answered in JSON.
 */
#ifndef INGEST_INFER_BODY_H
#define INGEST_INFER_BODY_H

#include "base/arena.h"
#include "base/http_server.h"
#include "schemas/oip.h"

#include <stdbool.h>

/**
 * @param[in]  job  the body is one of POST /v1/jobs: JSON in any case
 * @param[out] body points into x and the arena
 * @return STATUS_OK; what json_length_read() and oip_read_request() return
 */
MUST_CHECK enum status infer_body_read(struct http_exchange *x,
                                       bool job,
                                       struct arena *arena,
                                       struct oip_request *body,
                                       struct fault *fault);

#endif
