/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From method and path to a small function. A pattern is literal segments and the
 * parameters {model}, {version} and {id}; one trailing slash of a path is ignored. The
 * matching is pure; the table of all routes is routes.c.
 */
#ifndef INGEST_ROUTE_H
#define INGEST_ROUTE_H

#include "base/http_server.h"
#include "base/span.h"
#include "base/status.h"
#include "ingest/tenant.h"

#include <stddef.h>

struct ingest;

/** What the parameters of the pattern stand for, spans into the path; and who asks. */
struct route_match {
    struct span model;
    struct span version; /* size 0: the route has none */
    struct span id;
    const struct tenant *tenant; /* of the caller; never NULL in a route_fn */
};

typedef void (*route_fn)(struct ingest *ingest,
                         struct http_exchange *x,
                         const struct route_match *match);

struct route {
    enum http_method method; /* a GET is matched by HEAD as well */
    unsigned scopes; /* of enum tenant_scope, one is enough; 0 = open to everybody */
    const char *pattern;
    route_fn fn;
};

enum { ROUTE_ALLOW_MAX = 64 };

extern const struct route routes[];
extern const size_t route_count;

/**
 * Finds the route of a request.
 *
 * @param[out] match set only on STATUS_OK
 * @param[out] allow on STATUS_CONFLICT the methods that the path knows, "GET, HEAD"
 * @return the route; NULL if there is none: then *status is STATUS_NOT_FOUND or
 *         STATUS_CONFLICT (the path is known, the method is not: 405)
 */
const struct route *route_find(enum http_method method,
                               struct span path,
                               struct route_match *match,
                               enum status *status,
                               char allow[static ROUTE_ALLOW_MAX]);

#endif
