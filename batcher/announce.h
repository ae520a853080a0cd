/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the world which models are served here: ModelState records on the models topic,
 * keyed model/version@instance, every 5 s and when something changes, and a tombstone
 * for a version that is gone. Who reads them takes silence as absence. Beside them,
 * keyed running:model@instance, which requests have run for long.
 */
#ifndef BATCHER_ANNOUNCE_H
#define BATCHER_ANNOUNCE_H

#include "base/status.h"
#include "batcher/outbox.h"
#include "bus/config.h"
#include "schemas/message.h"

#include <stddef.h>
#include <stdint.h>

struct announcer;

/**
 * @param[in] instance name of this batcher, unique in the group; NULL: host and pid
 */
MUST_CHECK enum status announcer_create(struct announcer **out,
                                        struct outbox *outbox,
                                        const struct bus_config *bus,
                                        const char *instance,
                                        struct fault *fault);

/** After the outbox's end. */
void announcer_destroy(struct announcer **announcer);

/** Begins a round, in which everything that there is is said once. */
void announcer_begin(struct announcer *a);

/** Says how a version is, unless its last record is still under way. */
void announcer_say(struct announcer *a, const struct model_info *info);

/** Ends the round: what was not said in it is gone, its record is withdrawn.
 *
 * @return false: something is still to be said, so another round is wanted soon */
bool announcer_end(struct announcer *a);

/**
 * Says which requests of a model run, instead of what was said of it before; outside of
 * rounds.
 *
 * @param[in] running its model and ids; no ids: a tombstone
 * @return false: the last one is still under way, or there is no memory
 */
bool announcer_say_running(struct announcer *a, const struct running *running);

#endif
