/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits in Kafka for each model and how fast it is drained: the ends of its
 * request topic and the offsets its group committed, asked for four times a second
 * while anybody is interested, else every ten. What this process sends counts from the
 * moment it is sent, so a burst is seen at once. Numbers are of requests, whoever sent
 * them.
 */
#ifndef INGEST_BACKLOG_H
#define INGEST_BACKLOG_H

#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"
#include "bus/config.h"
#include "bus/producer.h"
#include "ingest/catalogue.h"
#include "ingest/publish.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backlog;

struct backlog_view {
    int64_t waiting;    /* stored or being stored, and not yet answered */
    double drain_per_s; /* answered a second while many wait: measured, else as the
                           batchers announce it; 0 = not known, or nobody serves it */
    int64_t batch_ns;   /* that a full batch takes; 0 = not known */
    bool known;         /* false: Kafka has not been heard of late; waiting is then what
                           this process has sent and not seen stored */
    int64_t as_of_ns;   /* monotonic; when the committed offsets were read */
};

/** Where a job stands. */
struct backlog_place {
    int64_t position; /* requests stored before it whose answers are not committed,
                         running ones included; -1 = not known */
    int64_t wait_ns;  /* until its answer, likely; -1 = not known */
};

/** @param[in] catalogue, publish borrowed as long as it is open */
MUST_CHECK enum status backlog_open(struct backlog **out,
                                    struct loop *loop,
                                    const struct bus_config *bus,
                                    const struct catalogue *catalogue,
                                    struct publish *publish,
                                    struct fault *fault);

/** Accepts NULL. @blocks up to 5 s */
void backlog_close(struct backlog **backlog);

/** What waits for a model now. @return false if the model is not known: view is unset
 */
bool backlog_of(const struct backlog *b, struct span model, struct backlog_view *view);

/** Where a job of a model stands that was submitted then, and that it has not ended. */
void backlog_place_of(struct backlog *b,
                      struct span model,
                      int64_t submitted_us,
                      struct backlog_place *place);

/** A request was handed to the producer. @param[in] number the model's */
void backlog_sent(struct backlog *b, size_t number, int64_t wall_us);

/** Its delivery report came. */
void backlog_reported(struct backlog *b, size_t number, const struct delivery *d);

#endif
