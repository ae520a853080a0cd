/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kafka inside the process, for `leat dev` and the flow tests: librdkafka's mock
 * cluster behind the same producers and consumers. It listens on loopback, so other
 * processes can produce to it too. It keeps 5 MiB a partition in memory and drops the
 * oldest silently beyond that: who uses it bounds what is in flight
 * (DEV_BROKER_SAFE_BYTES) and consumers are set to report an offset that fell out,
 * never to skip.
 */
#ifndef BUS_DEV_BROKER_H
#define BUS_DEV_BROKER_H

#include "base/status.h"

#include <stdint.h>

struct dev_broker;

enum { DEV_BROKER_SAFE_BYTES = 4 * 1024 * 1024 };

MUST_CHECK enum status dev_broker_create(struct dev_broker **out, struct fault *fault);
void dev_broker_destroy(struct dev_broker **broker);

/** For bus_config.bootstrap_servers; lives as long as the broker. */
const char *dev_broker_bootstrap(const struct dev_broker *broker);

MUST_CHECK enum status dev_broker_create_topic(struct dev_broker *broker,
                                               const char *name,
                                               int32_t partitions);

/* Faults for tests. */
void dev_broker_down(struct dev_broker *broker);
void dev_broker_up(struct dev_broker *broker);
/** The next `count` produce requests fail with a retriable or a permanent error. */
void dev_broker_fail_produce(struct dev_broker *broker, int count, int retriable);
/** The next question for committed offsets is refused for good. */
void dev_broker_fail_offsets(struct dev_broker *broker);
/** The next produce request makes the producer's client unusable: it must be replaced.
 */
void dev_broker_fence_producer(struct dev_broker *broker);

#endif
