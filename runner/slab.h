/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of an instance's slab: which slot to run next, and saying that it
 * was run. No lock: the state word of a slot is the hand-over, the eventfds are only
 * the door bells.
 */
#ifndef RUNNER_SLAB_H
#define RUNNER_SLAB_H

#include "base/status.h"
#include "runner/control.h"
#include "runner/protocol.h"

#include <stddef.h>
#include <stdint.h>

/* One thread takes and waits, one gives (maybe the same); any rings. */
struct slab {
    void *base;
    size_t size;
    uint64_t slot_bytes;
    uint64_t last_sequence; /* of the slot taken last */
    int submit_fd;
    int complete_fd;
};

/**
 * Maps the slab that came with a `load` and takes its three descriptors.
 *
 * @param[out] slab set only on STATUS_OK; released by slab_unmap() and slab_close()
 * @return STATUS_OK; STATUS_INVALID for sizes that do not hold the slots; STATUS_IO
 */
MUST_CHECK enum status
slab_open(struct slab *slab, struct control_message *load, struct fault *fault);

/** Gives the memory back; slab_ring() may still be called until slab_close(). */
void slab_unmap(struct slab *slab);

/** Closes the descriptors. Only what slab_open() has filled in. */
void slab_close(struct slab *slab);

/** The FILLED slot of the lowest sequence, now RUNNING, its taken_ns set; NULL if none
 * is. */
struct slot_head *slab_take(struct slab *slab);

/** Publishes the slot as DONE; it is the parent's from here on. */
void slab_give(struct slab *slab, struct slot_head *slot, enum slot_outcome outcome);

/** Waits for a bell; may return without one. @blocks until then */
void slab_wait(struct slab *slab);

/** Makes slab_wait() return. @thread any */
void slab_ring(struct slab *slab);

#endif
