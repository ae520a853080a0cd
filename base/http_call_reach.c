/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts and ports a call may name. A narrowing by names, for people who know
 * whom they call; what protects is the check of the address that is connected to, in
 * http_call_transfer.c. Reads the URL with libcurl's own parser, so both mean the same.
 */
#include "base/http_call_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SEPARATORS ", "

enum { PORT_MOST = 65535 };

/* The next item of a list, moving behind it; size 0 at its end. */
static struct span
item_next(const char **list)
{
    const char *start = *list + strspn(*list, SEPARATORS);
    size_t size = strcspn(start, SEPARATORS);
    *list = start + size;
    return span_of(start, size);
}

static long
port_of(struct span item)
{
    char text[8] = "";
    if (item.size == 0 || item.size >= sizeof text) {
        return -1;
    }
    memcpy(text, item.data, item.size);
    char *end = NULL;
    long port = strtol(text, &end, 10);
    bool whole = *end == '\0' && text[0] >= '0' && text[0] <= '9';
    return whole && port > 0 && port <= PORT_MOST ? port : -1;
}

bool
http_ports_are_valid(const char *ports)
{
    struct span item;
    while ((item = item_next(&ports)).size > 0) {
        if (port_of(item) < 0) {
            return false;
        }
    }
    return true;
}

static bool
port_is_listed(const char *ports, long port)
{
    struct span item;
    while ((item = item_next(&ports)).size > 0) {
        if (port_of(item) == port) {
            return true;
        }
    }
    return false;
}

/* ".example.com" stands for everything below it. */
static bool
host_matches(struct span item, const char *host, size_t size)
{
    const char *pattern = (const char *)item.data;
    if (pattern[0] == '.') {
        return size > item.size &&
               strncasecmp(host + size - item.size, pattern, item.size) == 0;
    }
    return size == item.size && strncasecmp(host, pattern, size) == 0;
}

static bool
host_is_listed(const char *hosts, const char *host)
{
    size_t size = strlen(host);
    size -= size > 0 && host[size - 1] == '.'; /* the root of the DNS, written out */
    struct span item;
    while ((item = item_next(&hosts)).size > 0) {
        if (host_matches(item, host, size)) {
            return true;
        }
    }
    return false;
}

static bool
is_any(const char *list)
{
    return list == NULL || item_next(&list).size == 0;
}

bool
http_reach_holds(const struct http_call *call)
{
    if (is_any(call->hosts) && is_any(call->ports)) {
        return true;
    }
    CURLU *parsed = curl_url();
    char *host = NULL;
    char *port = NULL;
    bool holds =
        parsed != NULL &&
        curl_url_set(parsed, CURLUPART_URL, call->url, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    holds = holds && (is_any(call->hosts) || host_is_listed(call->hosts, host)) &&
            (is_any(call->ports) ||
             port_is_listed(call->ports, port_of(span_of_text(port))));
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parsed);
    return holds;
}
