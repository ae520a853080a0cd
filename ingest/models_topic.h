/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads partition 0 of the models topic from its beginning, without a group, into the
 * catalogue, or, if they tell of what runs, into the running jobs, and goes on as long
 * as the ingest lives. Records that are already there count as heard when they were
 * published, later ones when they arrive.
 */
#ifndef INGEST_MODELS_TOPIC_H
#define INGEST_MODELS_TOPIC_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "ingest/catalogue.h"
#include "ingest/running_jobs.h"

#include <stdbool.h>

struct models_topic;

/** A model has a new state; called after the catalogue took it. */
typedef void (*models_topic_fn)(void *arg, struct catalogue_model *model);

MUST_CHECK enum status models_topic_open(struct models_topic **out,
                                         struct loop *loop,
                                         const struct bus_config *bus,
                                         models_topic_fn fn,
                                         void *arg,
                                         struct fault *fault);

void models_topic_close(struct models_topic **topic);

const struct catalogue *models_topic_catalogue(const struct models_topic *topic);

struct running_jobs *models_topic_running(const struct models_topic *topic);

/** Whether everything that was there at the start has been read. */
bool models_topic_caught_up(const struct models_topic *topic);

#endif
