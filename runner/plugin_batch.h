/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch as a plug-in sees it: views of the inputs in the slot, and room for the
 * outputs behind them. What the plug-in asks for is checked against its model, so that
 * a wrong shape fails the batch with a sentence before anybody reads it.
 */
#ifndef RUNNER_PLUGIN_BATCH_H
#define RUNNER_PLUGIN_BATCH_H

#include "runner/batch.h"

#include <leat/plugin.h>
#include <stdbool.h>

/* Used by one thread at a time, as the batch it stands for. */
struct plugin_batch {
    struct leat_batch lent; /* first: the plug-in comes back with its address */
    struct batch *batch;
    bool runs;   /* outputs may be taken */
    bool failed; /* whatever the plug-in returns */
    struct leat_input inputs[LEAT_TENSORS_MAX];
};

/** A new batch in this view. @param[in] batch opened; borrowed until the next one */
void plugin_batch_open(struct plugin_batch *view, struct batch *batch);

/** From here on outputs may be taken. */
void plugin_batch_run(struct plugin_batch *view);

/**
 * What a call came to.
 *
 * @param[in] outcome what prepare() or run() returned
 * @return the batch's outcome; its reason is in the slot
 */
enum slot_outcome plugin_batch_end(struct plugin_batch *view, int outcome);

#endif
