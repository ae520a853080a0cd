/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the former and the instances of one model. The lanes of the model's device
 * have its batches closed, gathered and handed over (staging.h); what comes out of the
 * slots is harvest.h's. Batches under suspicion of killing the runner run with nothing
 * of their model beside them, so that the blame is certain.
 */
#ifndef BATCHER_DISPATCHER_H
#define BATCHER_DISPATCHER_H

#include "base/loop.h"
#include "base/status.h"
#include "batcher/batch.h"
#include "batcher/batching.h"
#include "batcher/cost.h"
#include "batcher/device.h"
#include "batcher/former.h"
#include "batcher/instance.h"
#include "batcher/model_spec.h"
#include "batcher/outbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dispatcher_config {
    unsigned instances;
    size_t waiting_max; /* requests */
    size_t waiting_bytes_max;
    uint64_t slot_bytes;
    int64_t run_timeout_ns;
    uint32_t rows_max; /* of a batch */
    const struct batching *batching;
    struct device *device;
    bool allow_nan; /* outputs.nan=allow */
};

struct dispatcher_events {
    /** The item runs, or is answered without: from now on its answer is ours. */
    void (*started)(void *arg, const struct item *it);
    /** A batch came out of the runner well. */
    void (*answered)(void *arg);
    /** The item is given back unanswered. */
    void (*dropped)(void *arg, struct item *it);
};

struct dispatcher {
    struct loop *loop;
    struct dispatcher_config config;
    struct dispatcher_events events;
    void *arg;
    const struct outbox *outbox;
    const struct model_spec *spec; /* NULL before the first load */
    struct former *former;
    struct instance *instances;
    struct lane_user *users; /* one per instance */
    struct cost run;         /* what a batch takes on the device */
    struct cost stage;       /* and before: from closing until it could begin */
    struct batch *redo;      /* to be run again, in order */
    size_t under_way;        /* batches in slots, not retired */
    uint32_t rows_max;       /* of a batch; halved when the device ran out of memory */
    bool serving;            /* the runner takes batches */
    bool holding;            /* form nothing now */
    bool suspect_runs;
    bool device_lost;       /* the runner is about to exit */
    unsigned losses_in_row; /* of the device, with no batch answered between */
    int64_t relaxed_ns;     /* when the costs were last; 0 = never */
};

MUST_CHECK enum status dispatcher_init(struct dispatcher *d,
                                       struct loop *loop,
                                       const struct dispatcher_config *config,
                                       const struct outbox *outbox,
                                       const struct dispatcher_events *events,
                                       void *arg);

/** Nothing may run any more; what waits is dropped. */
void dispatcher_fini(struct dispatcher *d);

/** The runner has loaded every instance. @param[in] spec lives as long as d */
void dispatcher_serve(struct dispatcher *d, const struct model_spec *spec);

/** @return STATUS_OK: it waits; STATUS_FULL and STATUS_NO_MEMORY: still the caller's */
MUST_CHECK enum status dispatcher_add(struct dispatcher *d, struct item *it);

/** The runner measured in its warm-up what batches cost: what was learned under the one
 * before is forgotten. @param[in] message its `loaded`; first: of this runner */
void dispatcher_seed(struct dispatcher *d, struct span message, bool first);

/** Expires what waits. @return when it wants to be called next; batches are closed by
 * devices_dispatch() */
int64_t dispatcher_turn(struct dispatcher *d, int64_t now_ns);

/** Takes a batch that is to run again: before all others, or after them. */
void dispatcher_run_next(struct dispatcher *d, struct batch *b);
void dispatcher_run_last(struct dispatcher *d, struct batch *b);

/** A batch runs for longer than the run timeout. */
bool dispatcher_overran(const struct dispatcher *d, int64_t now_ns);

/** Drops what has not begun from a partition above an offset (-1 = all): what waits,
 * what is to run again, and what is in a slot that the runner has not taken. */
void dispatcher_drop(struct dispatcher *d, int32_t partition, int64_t above);

/**
 * Takes an item out before it runs: from the former, from what is to run again, or out
 * of a slot that the runner has not taken yet.
 *
 * @param[in] it was given by dispatcher_add() and its done() was not called
 * @return true: the item is the caller's, to be answered; false: it runs, or its answer
 *         is on its way
 */
bool dispatcher_cancel(struct dispatcher *d, struct item *it);

/** Drops everything, also what is in slots: for the end. */
void dispatcher_drop_all(struct dispatcher *d);

#endif
