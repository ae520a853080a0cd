/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What producers, consumers and admin share: the settings of a librdkafka client, its
 * log lines in our log, its errors in our vocabulary. Private to the room.
 */
#ifndef BUS_CLIENT_H
#define BUS_CLIENT_H

#include "base/option.h"
#include "base/status.h"
#include "bus/config.h"

#include <librdkafka/rdkafka.h>

#include <stddef.h>
#include <stdint.h>

enum client_role { CLIENT_PRODUCER, CLIENT_CONSUMER, CLIENT_ADMIN };

enum { CLIENT_NUMBER_SIZE = 24 };

/** A number as a property's value. @param[out] text at least CLIENT_NUMBER_SIZE */
const char *client_number(int64_t value, char *text);

/**
 * Settings in this order, later ones win: the role's, `own`, the user's kafka.* ones.
 *
 * @param[in] own what this very client needs by default
 * @owner the caller, until client_create()
 */
MUST_CHECK enum status client_settings(rd_kafka_conf_t **out,
                                       const struct bus_config *bus,
                                       enum client_role role,
                                       const struct property *own,
                                       size_t own_count,
                                       struct fault *fault);

/** Sets what the user cannot change. */
MUST_CHECK enum status client_set(rd_kafka_conf_t *settings,
                                  const char *key,
                                  const char *value,
                                  struct fault *fault);

/** @param[in] settings taken, also on failure */
MUST_CHECK enum status client_create(rd_kafka_t **out,
                                     rd_kafka_conf_t *settings,
                                     enum client_role role,
                                     struct fault *fault);

enum status client_status(rd_kafka_resp_err_t error);

/** For librdkafka's calls: whole ms, at least 1. */
int client_timeout_ms(int64_t timeout_ns);

/** Asks a broker for one topic. @param[out] count partitions; 0 = no such topic */
MUST_CHECK enum status client_ask_partitions(rd_kafka_t *rk,
                                             rd_kafka_topic_t *topic,
                                             int timeout_ms,
                                             int32_t *count);

#endif
