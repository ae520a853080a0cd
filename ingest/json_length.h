/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of the binary tensor extension that says where the JSON of a body ends.
 * Pure.
 */
#ifndef INGEST_JSON_LENGTH_H
#define INGEST_JSON_LENGTH_H

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

#define JSON_LENGTH_HEADER "Inference-Header-Content-Length"

/**
 * @param[in]  header {NULL, 0} if absent
 * @param[out] length bytes; OIP_JSON_ONLY if the header is absent
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status
json_length_read(struct span header, int64_t *length, struct fault *fault);

#endif
