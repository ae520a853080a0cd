/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a consumer is: group, instance, session, as settings of its client, and as the
 * credentials with which a transaction commits offsets for it. Private.
 */
#ifndef BUS_MEMBERSHIP_H
#define BUS_MEMBERSHIP_H

#include "base/status.h"
#include "bus/config.h"
#include "bus/consumer.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>

/**
 * @param[in] wants_ends whether librdkafka is to tell of ends of partitions
 * @owner the caller, until client_create()
 */
MUST_CHECK enum status membership_settings(rd_kafka_conf_t **out,
                                           const struct bus_config *bus,
                                           const struct consumer_config *config,
                                           bool wants_ends,
                                           struct fault *fault);

/** max.poll.interval.ms: as long do the others wait for a member in a rebalance, too.
 */
int64_t membership_poll_interval(const rd_kafka_conf_t *settings);

/**
 * The group's generation and our id in it, to be taken when partitions come and kept
 * while they are ours: a broker refuses offsets under an older generation, so whoever
 * lost its partitions unknowingly cannot commit for them. (A client that has been
 * thrown out would say "no member", which brokers believe.)
 *
 * @return NULL if this client is no member; otherwise the caller's
 */
rd_kafka_consumer_group_metadata_t *membership_take(rd_kafka_t *rk);

/** A copy of the caller's, or NULL without memory. */
rd_kafka_consumer_group_metadata_t *
membership_copy(const rd_kafka_consumer_group_metadata_t *membership);

/** A copy of what the consumer's assignment came with; NULL if it has none. */
rd_kafka_consumer_group_metadata_t *consumer_membership(const struct consumer *c);

#endif
