/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the world which models are served here: ModelState records on the models topic,
 * keyed model/version@instance, every 5 s and when something changes. Who reads them
 * takes silence as absence.
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
 * @param[in] models   how many will be announced
 */
MUST_CHECK enum status announcer_create(struct announcer **out,
                                        struct outbox *outbox,
                                        const struct bus_config *bus,
                                        const char *instance,
                                        size_t models,
                                        struct fault *fault);

/** After the outbox's end. */
void announcer_destroy(struct announcer **announcer);

/**
 * Sends the state of the i-th model, unless its last record is still under way; then it
 * is to be called again.
 *
 * @return STATUS_OK; STATUS_FULL while the last one is under way
 */
MUST_CHECK enum status
announcer_send(struct announcer *a, size_t i, const struct model_info *info);

#endif
