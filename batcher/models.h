/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All models that a batcher serves: what the batcher wants of each of them it asks here
 * once.
 */
#ifndef BATCHER_MODELS_H
#define BATCHER_MODELS_H

#include "base/buf.h"
#include "base/status.h"
#include "base/uuid.h"
#include "batcher/model.h"
#include "batcher/outbox.h"
#include "bus/transactor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct models;

/**
 * Reads the repository and begins to load what is in it.
 *
 * @param[in] context copied but for its `changed` and `arg`; what it points to lives
 *                    longer than the models
 * @param[in] notices where announcements go
 */
MUST_CHECK enum status models_create(struct models **out,
                                     const struct model_context *context,
                                     struct outbox *notices,
                                     struct fault *fault);

/** Stops the runners and drops what is not answered, so that the outbox may close. */
void models_stop(struct models *ms);

/** After models_stop() and the end of the outboxes. @blocks up to 5 s a model */
void models_destroy(struct models **models);

/** Does what is due. @return when it wants to be called next */
int64_t models_turn(struct models *ms, int64_t now_ns);

/** Looks at the repository again and takes what is there now. @blocks for the disk */
void models_reload(struct models *ms);

/** An order to load or unload a model, which need not be one of ours. */
void models_order(struct models *ms, const struct control *order);

/** The memory of each version, as metrics in text. */
void models_write_memory(struct models *ms, struct buf *out);

/** Requests that wait for a batch. */
size_t models_waiting(const struct models *ms);

/** As model_cancel(), whichever model it is. */
void models_cancel(struct models *ms, const struct uuid *id, struct span tenant);

/** Takes nothing new; from now on every model is announced as one that stops. */
void models_drain(struct models *ms);
bool models_are_idle(const struct models *ms);

/** Says once more how each model is. */
void models_announce(struct models *ms, int64_t now_ns);

/** Everything was said and nothing has changed since. */
bool models_are_announced(const struct models *ms, int64_t now_ns);

bool models_device_is_gone(const struct models *ms);
bool models_are_fenced(const struct models *ms);

/** As model_is_settled(), of all. */
bool models_are_settled(struct models *ms, const char **waiting_for);

/** Models ready, and partitions assigned, now. */
size_t models_ready_count(const struct models *ms);
size_t models_partitions(const struct models *ms);

/** As intake_collect(). */
MUST_CHECK enum status
models_collect(struct models *ms, uint32_t number, struct transactor *transactor);

#endif
