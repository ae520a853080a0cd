/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4) from outside. Pure. */
#ifndef RUNNER_BASE64_H
#define RUNNER_BASE64_H

#include "base/span.h"
#include "base/status.h"

/**
 * Decodes; line ends are skipped, the padding may be missing.
 *
 * @param[out] out  room for 3/4 of the text's bytes
 * @param[out] size bytes written
 * @return STATUS_OK; STATUS_INVALID: not of the alphabet, or no whole bytes
 */
MUST_CHECK enum status base64_decode(struct span text, uint8_t *out, size_t *size);

#endif
