/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every Kafka client of Leat is made from. Anything under kafka. passes through to
 * librdkafka; keys that would break a promise are refused with the reason
 * (auto.offset.reset, enable.auto.commit, enable.auto.offset.store, acks,
 * enable.idempotence, transactional.id); partition.assignment.strategy can only be
 * range, isolation.level only read_committed. kafka.producer.* goes to producers only,
 * kafka.consumer.* to consumers only.
 */
#ifndef BUS_CONFIG_H
#define BUS_CONFIG_H

#include "base/option.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct bus_config {
    const char *bootstrap_servers; /* "127.0.0.1:9092" */
    const char *topics_prefix;     /* "leat." */
    const char *client_id;         /* "leat" */
    bool dev;                   /* in-process broker: set by leat dev, not an option */
    struct property_list extra; /* kafka.* pass-through */
};

/** Options kafka.bootstrap.servers, kafka.client.id and topics.prefix. */
extern const struct option bus_options[];
extern const size_t bus_option_count;

enum { TOPIC_NAME_MAX = 249 };

/* The topics of DESIGN section 4, each prefix + suffix. */
#define TOPIC_REPLIES      "replies"
#define TOPIC_MODELS       "models"
#define TOPIC_DEAD_LETTERS "dead-letters"
#define TOPIC_WEBHOOKS     "webhooks"
#define TOPIC_CONTROL      "control"
#define TOPIC_REQUESTS     "requests." /* + model name */

/**
 * Writes prefix + suffix + model.
 *
 * @param[in] model name of a model, or "" for the topics that have none
 * @return STATUS_OK; STATUS_INVALID if Kafka would not take the name
 */
MUST_CHECK enum status bus_topic_name(const struct bus_config *config,
                                      const char *suffix,
                                      struct span model,
                                      char name[static TOPIC_NAME_MAX + 1]);

/** Refuses those keys and what librdkafka itself refuses, in words. */
MUST_CHECK enum status bus_check(const struct bus_config *config, struct fault *fault);

/** Version of the client library, for start-up lines and doctor. */
const char *bus_library_version(void);

#endif
