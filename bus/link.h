/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether Kafka can be reached, as far as a producer knows. librdkafka tells of losses
 * only, and also when a broker merely closed an idle connection; so a loss, or records
 * that wait without a report, make the link suspect and a probe (a metadata request)
 * decides. While it is down, probes go on until one is answered; a delivery is proof
 * by itself. Pure.
 */
#ifndef BUS_LINK_H
#define BUS_LINK_H

#include <stdbool.h>
#include <stdint.h>

enum link_state {
    LINK_UNKNOWN, /* nothing heard yet: counts as away */
    LINK_UP,
    LINK_SUSPECT, /* something is odd, a probe will tell; counts as up */
    LINK_DOWN     /* a probe got no answer */
};

struct link {
    enum link_state state;
    int64_t stall_ns;    /* so long may records wait before a probe asks why */
    bool probing;        /* a probe is under way */
    int64_t probe_ns;    /* no probe before */
    int64_t progress_ns; /* last sign of life, or begin of the wait */
};

void link_init(struct link *link, int64_t now_ns, int64_t stall_ns);

/** librdkafka lost its last connection. */
void link_lost(struct link *link, int64_t now_ns);

/** A record begins to wait while none did. */
void link_waits(struct link *link, int64_t now_ns);

/** A record was stored. */
void link_delivered(struct link *link, int64_t now_ns);

/**
 * Whether to send a probe now; the link counts it as sent.
 *
 * @param[in] waiting records lent and not yet reported
 */
bool link_take_probe(struct link *link, int64_t now_ns, bool waiting);

/** A probe ended. */
void link_probed(struct link *link, int64_t now_ns, bool answered);

/** When link_take_probe() is to be asked again; TIME_NEVER if only events matter. */
int64_t link_due(const struct link *link, bool waiting);

static inline bool
link_is_up(const struct link *link)
{
    return link->state == LINK_UP || link->state == LINK_SUSPECT;
}

#endif
