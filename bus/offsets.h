/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offsets and partitions of a consumer's client: lists, questions to the brokers,
 * commits. Private to the room. Every list is the caller's: a forgotten one makes
 * librdkafka's destroy hang.
 */
#ifndef BUS_OFFSETS_H
#define BUS_OFFSETS_H

#include "base/status.h"
#include "bus/consumer.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

rd_kafka_topic_partition_list_t *
offsets_list(const struct partition *parts, size_t count);

/** Every partition of the topics at OFFSET_COMMITTED; NULL if one cannot be found.
 * @blocks up to timeout_ns a topic
 */
rd_kafka_topic_partition_list_t *offsets_list_all(rd_kafka_t *rk,
                                                  const char *const *topics,
                                                  size_t count,
                                                  int64_t timeout_ns);

/** Puts numbers in place of OFFSET_COMMITTED; nothing committed: OFFSET_BEGINNING.
 * @blocks up to 5 s
 */
MUST_CHECK enum status
offsets_resolve(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list);

/** As consumer_commit(). */
MUST_CHECK enum status
offsets_commit(rd_kafka_t *rk, const struct partition *parts, size_t count, bool wait);

/* As the functions of consumer.h. */
MUST_CHECK enum status offsets_partitions(rd_kafka_t *rk,
                                          const char *topic,
                                          int64_t timeout_ns,
                                          int32_t *count);
MUST_CHECK enum status offsets_bounds(rd_kafka_t *rk,
                                      const char *topic,
                                      int32_t partition,
                                      int64_t timeout_ns,
                                      int64_t *low,
                                      int64_t *high);

#endif
