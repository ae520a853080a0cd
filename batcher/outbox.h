/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything the batcher writes to Kafka goes through here: a parcel that was handed
 * over is sent, and sent again with the same bytes while that can help, until it is
 * acknowledged or refused for good. Each parcel ends exactly once. While parcels wait
 * for room the outbox is stalled and no further batches are formed: that bounds it.
 */
#ifndef BATCHER_OUTBOX_H
#define BATCHER_OUTBOX_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/producer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox;
struct parcel;

/**
 * The end of a parcel.
 *
 * @param[in] status STATUS_OK: acknowledged; STATUS_TOO_LARGE, STATUS_NOT_FOUND (no
 *                   such topic or partition), STATUS_INVALID: never will be;
 *                   STATUS_CLOSED: given up because the batcher ends
 */
typedef void (*parcel_done_fn)(struct parcel *p, enum status status);

/** One record on its way, embedded in its owner. */
struct parcel {
    struct outgoing record; /* value, key and headers live until done; arg is ours */
    parcel_done_fn done;
    bool alone; /* was refused as too large together with others */
    struct parcel *next;
    int64_t sent_ns; /* when the producer was given it last */
};

MUST_CHECK enum status outbox_create(struct outbox **out,
                                     struct loop *loop,
                                     const struct bus_config *bus,
                                     struct fault *fault);

/** Ends every open parcel with STATUS_CLOSED. @blocks up to 5 s */
void outbox_destroy(struct outbox **outbox);

/** Takes a parcel; never fails, done() tells. It may be called before the return. */
void outbox_send(struct outbox *o, struct parcel *p);

/** Takes a parcel that is to be tried again later, not at once. */
void outbox_send_later(struct outbox *o, struct parcel *p);

/** Sends again what is due. @return when it wants to be called next */
int64_t outbox_turn(struct outbox *o, int64_t now_ns);

/** Parcels wait for room or for Kafka. */
bool outbox_is_stalled(const struct outbox *o);

/** Parcels not yet ended. */
size_t outbox_open(const struct outbox *o);

/** Takes the reports that are there, for a wait inside which the loop cannot turn. */
void outbox_serve(struct outbox *o);

/** Sends what lingers now. */
void outbox_flush(struct outbox *o);

/** What an answer hardly exceeds on its way to Kafka: reply_time_allowance(). */
int64_t outbox_reply_time(const struct outbox *o);

/** Kafka answers, as far as known. */
bool outbox_connected(const struct outbox *o);

MUST_CHECK enum status
outbox_topic(struct outbox *o, const char *name, struct producer_topic **topic);

#endif
