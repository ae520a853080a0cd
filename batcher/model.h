/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One model of the repository: its intake and its versions, each with a runner and a
 * dispatcher of its own while it is loaded. A request that names no version is answered
 * by the newest one that is loaded. While none is, requests wait: the first ones in the
 * lobby, those behind them in Kafka, where the partitions stay ours, paused.
 *
 * What is loaded when is decided by models.c, which knows the memory of all.
 */
#ifndef BATCHER_MODEL_H
#define BATCHER_MODEL_H

#include "base/loop.h"
#include "base/status.h"
#include "batcher/batcher.h"
#include "batcher/cancel.h"
#include "batcher/device.h"
#include "batcher/reply.h"
#include "batcher/resident.h"
#include "batcher/source.h"
#include "batcher/version.h"
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

/** @param[in] source what was read of it; shared */
MUST_CHECK enum status model_create(struct model **out,
                                    const struct model_context *context,
                                    struct source *source,
                                    struct fault *fault);

const char *model_name(const struct model *m);

/** Whether what was read is what it was made of. */
bool model_is_as(const struct model *m, const struct repository_model *read);

/** Its folder was read anew. */
MUST_CHECK enum status model_update(struct model *m, struct source *source);

/** Its folder is gone: what is in hand is finished, then model_is_over(). */
void model_remove(struct model *m);
bool model_is_over(const struct model *m);

/** Somebody orders it to be loaded, what failed to be tried again, or unloaded. */
void model_order(struct model *m, bool load, int64_t issued_us);

/* Loading. */

/** The next version to be loaded, or NULL. */
struct version *model_wants(const struct model *m);

/** A version with requests whose runner died and whose next ones find no memory on
 * their device; or NULL. */
struct version *model_starving(const struct model *m);

/** Its requests or an order ask for it: others may have to make room. */
bool model_insists(const struct model *m);

/** Since when it wants something loaded; 0 = it does not. */
int64_t model_wanting_since(const struct model *m);

/** Loads it; if it takes the place of one that must go first, has that one go.
 *
 * @param[in] beside there is memory for both
 * @return false: the other one has to end first */
bool model_load(struct model *m, struct version *v, bool beside);

/** Stays unloaded until there is a request. */
void model_wait_for_demand(struct model *m);

/** Unloads it; a request loads it again. @param[in] where the memory that is short */
void model_evict(struct model *m, const char *where);

/** As the room it takes in a memory is seen by those who want it. */
struct resident model_resident(const struct model *m, const char *where);

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

/** Calls back with each version as it is announced; spans live during the call. */
typedef void (*model_info_fn)(void *arg, const struct model_info *info);
void model_each_info(struct model *m, model_info_fn fn, void *arg);

/** Some version is loaded and its runner alive. */
bool model_is_ready(const struct model *m);

/** Something of it is being loaded or unloaded. */
bool model_is_changing(const struct model *m);

/** Measures the memory of what is loaded. */
void model_measure(struct model *m);

/** The same, and a line of metrics for each version and memory. */
void model_write_memory(struct model *m, struct buf *out);

/** Reading and loaded, or not to be loaded before it is asked, or FAILED for good;
 * otherwise what it waits for. */
bool model_is_settled(struct model *m, const char **waiting_for);

size_t model_partitions(const struct model *m);

#endif
