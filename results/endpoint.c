/* SPDX-License-Identifier: Apache-2.0 */
/* The map wants ids as keys: a digest of the origin is as good. */
#include "results/endpoint.h"

#include "results/signature.h"

#include <stdlib.h>

static struct span
origin_of(struct span url)
{
    unsigned slashes = 0;
    for (size_t i = 0; i < url.size; i++) {
        slashes += url.data[i] == '/';
        if (slashes == 3 || url.data[i] == '?' || url.data[i] == '#') {
            return span_of(url.data, i);
        }
    }
    return url;
}

struct endpoint *
endpoint_borrow(struct map *endpoints, struct span url)
{
    struct uuid key;
    digest_key(origin_of(url), &key);
    struct endpoint *e = map_find(endpoints, &key);
    if (e != NULL) {
        e->users++;
        return e;
    }
    e = calloc(1, sizeof *e);
    if (e == NULL || map_insert(endpoints, &key, e) != STATUS_OK) {
        free(e);
        return NULL;
    }
    e->key = key;
    e->users = 1;
    return e;
}

void
endpoint_return(struct map *endpoints, struct endpoint *e)
{
    if (--e->users == 0) {
        map_remove(endpoints, &e->key);
        free(e);
    }
}

void
endpoint_queue(struct endpoint *e, struct endpoint_waiting *waiting)
{
    waiting->next = NULL;
    if (e->last != NULL) {
        e->last->next = waiting;
    } else {
        e->first = waiting;
    }
    e->last = waiting;
}

struct endpoint_waiting *
endpoint_next(struct endpoint *e)
{
    struct endpoint_waiting *waiting = e->first;
    if (waiting != NULL) {
        e->first = waiting->next;
        e->last = e->first == NULL ? NULL : e->last;
    }
    return waiting;
}
