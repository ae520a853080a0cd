/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One served model: its runner, its intake and the dispatcher between them. The runner
 * is a process of the model's own, so that a death is always this model's doing. It is
 * started again whenever it dies; meanwhile requests wait.
 */
#ifndef BATCHER_MODEL_H
#define BATCHER_MODEL_H

#include "base/loop.h"
#include "base/status.h"
#include "batcher/batcher.h"
#include "batcher/cancel.h"
#include "batcher/device.h"
#include "batcher/reply.h"
#include "batcher/repository.h"
#include "bus/config.h"
#include "bus/transactor.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;

/** What the models of a batcher share. */
struct model_context {
    struct loop *loop;
    const struct bus_config *bus;
    const struct batcher_config *config;
    struct replier *replier;
    struct devices *devices;
    uint64_t seed;                 /* of maps of ids from outside */
    const struct cancels *cancels; /* a request that is among them is not run */
    const bool *orders_read;       /* until then no request is read */
    void (*changed)(void *arg);    /* some model's state is another now */
    void *arg;
};

MUST_CHECK enum status model_create(struct model **out,
                                    const struct model_context *context,
                                    const struct repository_model *source,
                                    struct fault *fault);

/** Stops the runner and drops what is not answered, so that the outbox may close. */
void model_stop(struct model *m);

/** After model_stop() and the end of the outbox. Leaves the group. @blocks up to 5 s */
void model_destroy(struct model **model);

/** Does what is due before batches are closed. @return when it wants to be called next
 */
int64_t model_turn(struct model *m, int64_t now_ns);

/** And after: lets in as much as there is room for. @return as model_turn() */
int64_t model_take_in(struct model *m, int64_t now_ns);

/** Requests that wait for a batch. */
size_t model_waiting(const struct model *m);

/** Answers a request CANCELED if it waits here, has not begun to run and is this
 * tenant's; if the id is a bulk batch's, each of its lines. */
void model_cancel(struct model *m, const struct uuid *id, struct span tenant);

/** Takes nothing new, gives back what has not begun. */
void model_drain(struct model *m);

/** Nothing of it is unanswered or unacknowledged. */
bool model_is_idle(const struct model *m);

/** As intake_collect(). */
MUST_CHECK enum status
model_collect(struct model *m, uint32_t number, struct transactor *transactor);

/** The device was lost again and again: another host may do better. */
bool model_device_is_gone(const struct model *m);

/** Another process has taken its place in the group, under the same name. */
bool model_is_fenced(const struct model *m);

/** As announced; spans live as long as the model. */
struct model_info model_info(const struct model *m);

/** Loaded and reading, or FAILED for good; otherwise what it waits for. */
bool model_is_settled(struct model *m, const char **waiting_for);

size_t model_partitions(const struct model *m);

#endif
