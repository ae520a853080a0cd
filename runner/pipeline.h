/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the slots of one instance go through: taken, checked, prepared, run, given back,
 * all in the order of their sequence. One thread does it all; a model that is staged
 * has a second one, which prepares the next batch while this one runs. At most one
 * prepared batch waits, and no slot is taken beyond it: what is not taken the parent
 * can still withdraw.
 */
#ifndef RUNNER_PIPELINE_H
#define RUNNER_PIPELINE_H

#include "base/status.h"
#include "runner/backend.h"
#include "runner/batch.h"
#include "runner/model.h"
#include "runner/slab.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct pipeline {
    const struct backend_ops *ops;
    void *state;               /* the backend's */
    const struct model *model; /* loaded */
    struct slab *slab;
    atomic_bool stopping;
    struct batch batches[2]; /* one runs, one is prepared or waits; or only the first */
    pthread_t preparer;      /* where the model is staged */
    struct batch *handed;    /* under the semaphores; NULL = no more will come */
    sem_t place;             /* the preparer may fill `handed` */
    sem_t ready;             /* `handed` is filled */
};

/** Prepares and runs a slot of the caller's making, as warm-up, in this thread. */
enum slot_outcome pipeline_warm(struct pipeline *p, struct slot_head *slot);

/**
 * Starts the preparer where the model is staged. From here on slots may be taken.
 *
 * @return STATUS_OK: pipeline_serve() must follow; STATUS_IO
 */
MUST_CHECK enum status pipeline_start(struct pipeline *p, struct fault *fault);

/**
 * Runs slots until pipeline_stop() was called and none is FILLED any more.
 *
 * @return SLOT_SUCCEEDED; SLOT_DEVICE_LOST at once when a batch came to that: then the
 *         process must end
 * @blocks until then
 */
enum slot_outcome pipeline_serve(struct pipeline *p);

/** @thread any @blocks never */
void pipeline_stop(struct pipeline *p);

#endif
