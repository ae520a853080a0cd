/* SPDX-License-Identifier: Apache-2.0 */
/* The link's state machine; link_move() is the one place where the state changes. */
#include "bus/link.h"

#include "base/clock.h"

#define PROBE_WAIT_NS (100 * NS_PER_MS)

static void
link_move(struct link *link, enum link_state state, int64_t now_ns)
{
    link->state = state;
    link->progress_ns = now_ns;
}

void
link_init(struct link *link, int64_t now_ns, int64_t stall_ns)
{
    *link = (struct link){
        .state = LINK_UNKNOWN, .stall_ns = stall_ns, .progress_ns = now_ns};
}

void
link_lost(struct link *link, int64_t now_ns)
{
    if (link->state == LINK_UP) {
        link_move(link, LINK_SUSPECT, now_ns);
    }
}

void
link_waits(struct link *link, int64_t now_ns)
{
    link->progress_ns = now_ns;
}

void
link_delivered(struct link *link, int64_t now_ns)
{
    link_move(link, LINK_UP, now_ns);
}

bool
link_take_probe(struct link *link, int64_t now_ns, bool waiting)
{
    if (link->probing || now_ns < link_due(link, waiting)) {
        return false;
    }
    if (link->state == LINK_UP) {
        link_move(link, LINK_SUSPECT, now_ns);
    }
    link->probing = true;
    return true;
}

void
link_probed(struct link *link, int64_t now_ns, bool answered)
{
    link->probing = false;
    link->probe_ns = now_ns + PROBE_WAIT_NS;
    link_move(link, answered ? LINK_UP : LINK_DOWN, now_ns);
}

int64_t
link_due(const struct link *link, bool waiting)
{
    if (link->probing) {
        return TIME_NEVER;
    }
    if (link->state != LINK_UP) {
        return link->probe_ns;
    }
    return waiting ? link->progress_ns + link->stall_ns : TIME_NEVER;
}
