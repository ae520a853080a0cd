/* SPDX-License-Identifier: Apache-2.0 */
/* The map wants ids as keys: a digest of the origin is as good. */
#include "results/endpoint.h"

#include "results/signature.h"

#include <stdlib.h>

enum { SLOW_DOWN_PART = 5 };

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
    e->wake.at = HEAP_OUTSIDE;
    e->key = key;
    e->users = 1;
    e->places = ENDPOINT_PLACES;
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
    *waiting = (struct endpoint_waiting){.previous = e->last, .queued = true};
    if (e->last != NULL) {
        e->last->next = waiting;
    } else {
        e->first = waiting;
    }
    e->last = waiting;
}

struct endpoint_waiting *
endpoint_first(const struct endpoint *e)
{
    return e->first;
}

void
endpoint_leave(struct endpoint *e, struct endpoint_waiting *waiting)
{
    if (!waiting->queued) {
        return;
    }
    if (waiting->previous != NULL) {
        waiting->previous->next = waiting->next;
    } else {
        e->first = waiting->next;
    }
    if (waiting->next != NULL) {
        waiting->next->previous = waiting->previous;
    } else {
        e->last = waiting->previous;
    }
    waiting->queued = false;
}

bool
endpoint_is_open(const struct endpoint *e)
{
    return e->failures >= ENDPOINT_FAILURES_MAX;
}

bool
endpoint_has_place(const struct endpoint *e, int64_t now_ns)
{
    return e->calls < e->places && now_ns >= e->paused_until_ns;
}

static void
pause_until(struct endpoint *e, int64_t until_ns)
{
    if (until_ns > e->paused_until_ns) {
        e->paused_until_ns = until_ns;
    }
}

static void
note_failure(struct endpoint *e, int64_t now_ns, int64_t pause_ns)
{
    e->failures++;
    e->places = 1;
    if (!endpoint_is_open(e)) {
        return;
    }
    /* Calls that began before it opened end as failures too: one pause for them all. */
    if (now_ns >= e->paused_until_ns) {
        int64_t longest_ns = pause_ns * ENDPOINT_PAUSES_MAX;
        int64_t next_ns = e->pause_ns == 0 ? pause_ns : 2 * e->pause_ns;
        e->pause_ns = next_ns < longest_ns ? next_ns : longest_ns;
        pause_until(e, now_ns + e->pause_ns);
    }
}

void
endpoint_note(struct endpoint *e,
              enum endpoint_verdict verdict,
              int64_t now_ns,
              int64_t pause_ns)
{
    switch (verdict) {
    case ENDPOINT_FINE:
        e->failures = 0;
        e->pause_ns = 0;
        e->paused_until_ns = 0;
        e->places += e->places < ENDPOINT_PLACES;
        break;
    case ENDPOINT_SLOW_DOWN:
        e->failures = 0;
        e->pause_ns = 0;
        e->places = 1;
        pause_until(e, now_ns + pause_ns / SLOW_DOWN_PART);
        break;
    case ENDPOINT_FAILED:
        note_failure(e, now_ns, pause_ns);
        break;
    }
}
