/* SPDX-License-Identifier: Apache-2.0 */
/* Walks pattern and path segment by segment, route by route: the hot one stands first.
 */
#include "ingest/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Takes the next "/segment"; false at the end or where no slash stands. */
static bool
segment_take(struct span *rest, struct span *segment)
{
    if (rest->size == 0 || rest->data[0] != '/') {
        return false;
    }
    const uint8_t *begin = rest->data + 1;
    size_t left = rest->size - 1;
    const uint8_t *slash = left == 0 ? NULL : memchr(begin, '/', left);
    size_t size = slash == NULL ? left : (size_t)(slash - begin);
    *segment = span_of(begin, size);
    *rest = span_of(begin + size, left - size);
    return true;
}

static bool
segment_matches(struct span wanted, struct span segment, struct route_match *match)
{
    if (wanted.size == 0 || wanted.data[0] != '{') {
        return span_equal(wanted, segment);
    }
    if (segment.size == 0) {
        return false;
    }
    if (span_is_text(wanted, "{model}")) {
        match->model = segment;
    } else if (span_is_text(wanted, "{version}")) {
        match->version = segment;
    } else {
        match->id = segment;
    }
    return true;
}

static bool
pattern_matches(const char *pattern, struct span path, struct route_match *match)
{
    *match = (struct route_match){0};
    struct span pattern_rest = span_of_text(pattern);
    struct span wanted;
    struct span segment;
    while (segment_take(&pattern_rest, &wanted)) {
        if (!segment_take(&path, &segment) ||
            !segment_matches(wanted, segment, match)) {
            return false;
        }
    }
    return path.size == 0;
}

static const char *
method_names(enum http_method method)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET, HEAD", [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",       [HTTP_DELETE] = "DELETE", [HTTP_OTHER] = "",
    };
    return names[method];
}

static void
allow_add(char *allow, enum http_method method)
{
    size_t used = strlen(allow);
    snprintf(allow + used, ROUTE_ALLOW_MAX - used, "%s%s", used == 0 ? "" : ", ",
             method_names(method));
}

const struct route *
route_find(enum http_method method,
           struct span path,
           struct route_match *match,
           enum status *status,
           char allow[static ROUTE_ALLOW_MAX])
{
    allow[0] = '\0';
    *status = STATUS_NOT_FOUND;
    if (method == HTTP_HEAD) {
        method = HTTP_GET;
    }
    if (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    for (size_t i = 0; i < route_count; i++) {
        if (!pattern_matches(routes[i].pattern, path, match)) {
            continue;
        }
        if (routes[i].method == method) {
            *status = STATUS_OK;
            return &routes[i];
        }
        allow_add(allow, routes[i].method);
        *status = STATUS_CONFLICT;
    }
    return NULL;
}
