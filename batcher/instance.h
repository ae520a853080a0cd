/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loaded instance of a model inside a runner: its slab, its two eventfds and the
 * batches in its slots. A slot is either free or holds exactly one batch.
 */
#ifndef BATCHER_INSTANCE_H
#define BATCHER_INSTANCE_H

#include "base/loop.h"
#include "base/status.h"
#include "batcher/batch.h"
#include "batcher/slab.h"
#include "runner/protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct instance;

/** A slot is DONE: retire it, read it, free it. */
typedef void (*instance_done_fn)(void *arg, struct instance *in, unsigned slot);

struct instance {
    struct loop *loop;
    instance_done_fn done;
    void *arg;
    struct slab slab;
    int submit;   /* eventfd; -1 = none */
    int complete; /* eventfd; -1 = none */
    unsigned index;
    bool loaded; /* the runner said so */
    struct batch *batches[SLOTS_PER_INSTANCE];
    unsigned under_way; /* handed over, not retired */
    uint64_t sequence;
    int64_t busy_since_ns; /* since when the oldest batch is the runner's turn */
};

MUST_CHECK enum status instance_open(struct instance *in,
                                     struct loop *loop,
                                     uint64_t slot_bytes,
                                     instance_done_fn done,
                                     void *arg);
void instance_close(struct instance *in);

/**
 * Makes it new for another runner: slots free, eventfds fresh. No batch may be in it.
 *
 * @return STATUS_OK; STATUS_IO
 */
MUST_CHECK enum status instance_renew(struct instance *in);

/** A free slot to gather into; there is one while under_way < SLOTS_PER_INSTANCE. */
struct slot_head *instance_free_slot(struct instance *in, unsigned *slot);

/** A batch was gathered into a free slot. @owner the batch is the instance's */
void instance_hold(struct instance *in, unsigned slot, struct batch *b);

/** Hands the slot to the runner. */
void instance_submit(struct instance *in, unsigned slot, int64_t now_ns);

/** Takes the slot back; its batch stays in it. @return false: the runner has taken it
 */
bool instance_withdraw(struct instance *in, unsigned slot);

/**
 * The runner is through with a slot: the device is free for the next batch, while the
 * outputs of this one stay in the slot until instance_free().
 */
void instance_retire(struct instance *in, int64_t now_ns);

/** Frees a slot that the runner does not hold and gives its batch back. */
struct batch *instance_free(struct instance *in, unsigned slot);

/** Calls done() for every slot that is DONE. */
void instance_harvest(struct instance *in);

#endif
