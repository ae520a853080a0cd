/* SPDX-License-Identifier: Apache-2.0 */
/* Who a consumer is: group, instance, session, as settings of its client. Private. */
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

#endif
