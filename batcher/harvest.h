/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of batches that left the runner: answers, or halves that run again, or
 * the single bad item answered FAILED. Every batch that was submitted ends here.
 */
#ifndef BATCHER_HARVEST_H
#define BATCHER_HARVEST_H

#include "batcher/batch.h"
#include "batcher/dispatcher.h"
#include "batcher/instance.h"
#include "batcher/reply.h"

/** What is known of a batch that was not answered. */
struct ending {
    enum batch_end end;
    const char *message;
    const struct run *run; /* NULL if it is not known */
};

/** An instance_done_fn. @param[in] arg the struct dispatcher */
void harvest_slot(void *arg, struct instance *in, unsigned slot);

/** The runner is gone: answers what was done, has the rest run again.
 * @param[in] how it ended, in words for whoever is to blame */
void harvest_dead(struct dispatcher *d, const char *how);

/** Takes a batch that is in no slot and was not answered. */
void
harvest_unanswered(struct dispatcher *d, struct batch *b, const struct ending *ending);

#endif
