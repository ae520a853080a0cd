/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the repository inside the program; defined by cmake/embed.cmake's output. */
#ifndef INGEST_EMBEDDED_H
#define INGEST_EMBEDDED_H

#include <stddef.h>

extern const unsigned char embedded_dashboard[]; /* ingest/dashboard.html */
extern const size_t embedded_dashboard_size;
extern const unsigned char embedded_openapi[]; /* docs/openapi.json */
extern const size_t embedded_openapi_size;

#endif
