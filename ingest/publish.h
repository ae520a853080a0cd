/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to Kafka: the producer of request records with its sticky partition per
 * model, and the producer of QUEUED records of asynchronous jobs. A record's bytes are
 * lent until its delivery report.
 */
#ifndef INGEST_PUBLISH_H
#define INGEST_PUBLISH_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "bus/producer.h"
#include "ingest/catalogue.h"
#include "results/results.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct publish;

/** Where the next record of a model goes. */
struct publish_aim {
    struct producer_topic *topic;
    int32_t partition;
};

struct publish_config {
    size_t queue_bytes_max;      /* lent and not yet acknowledged */
    int64_t delivery_timeout_ns; /* after it a record is given up */
    int64_t stall_ns;            /* as of struct producer_config */
    delivery_fn request;         /* reports of request records */
    delivery_fn queued;          /* reports of QUEUED records */
    void *context;               /* of both */
};

MUST_CHECK enum status publish_open(struct publish **out,
                                    struct loop *loop,
                                    const struct bus_config *bus,
                                    struct results *results,
                                    const struct publish_config *config,
                                    struct fault *fault);

/** Reports what is still lent, then frees. @blocks up to 5 s */
void publish_close(struct publish **publish);

/** Gets to know the topic of a model ahead of its first request. */
MUST_CHECK enum status
publish_prepare(struct publish *publish, const struct catalogue_model *model);

/**
 * Chooses the partition of the next record of a model. A quantum that ends moves the
 * reply partition on as well, so mint the id after this.
 *
 * @param[in] info of the model's version
 */
MUST_CHECK enum status publish_aim(struct publish *publish,
                                   const struct catalogue_model *model,
                                   const struct model_info *info,
                                   int64_t now_ns,
                                   struct publish_aim *aim);

/** As producer_send(). @param[in] out topic and partition are filled in from aim */
MUST_CHECK enum status publish_request(struct publish *publish,
                                       const struct publish_aim *aim,
                                       struct outgoing *out);

/** Sends a QUEUED record to the replies topic, by its key. */
MUST_CHECK enum status publish_queued(struct publish *publish, struct outgoing *out);

/** Partitions of a model's request topic; 0 until a broker has said it. */
int32_t
publish_partitions(struct publish *publish, const struct catalogue_model *model);

bool publish_connected(const struct publish *publish);

/** Sends what lingers now. */
void publish_flush(struct publish *publish);

#endif
