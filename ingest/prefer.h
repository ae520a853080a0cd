/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Prefer header as far as it concerns us: respond-async and wait (RFC 7240 sections
 * 2, 4.1 and 4.3). Unknown preferences and values that make no sense are ignored, as
 * the RFC asks. Pure.
 */
#ifndef INGEST_PREFER_H
#define INGEST_PREFER_H

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct prefer {
    bool respond_async;
    int64_t wait_s; /* -1 = not said */
};

/** @param[in] header value of Prefer; empty if there is none */
struct prefer prefer_parse(struct span header);

#endif
