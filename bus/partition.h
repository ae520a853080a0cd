/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which partition a key belongs to: murmur2 as the Java clients compute it, so that a
 * producer in any language puts the reply to an id where the id's owner reads. Pure.
 */
#ifndef BUS_PARTITION_H
#define BUS_PARTITION_H

#include "base/span.h"

#include <stdint.h>

/** @source Apache Kafka's default partitioner: (murmur2(key) & 0x7fffffff) mod count */
int32_t partition_of_key(struct span key, int32_t partition_count);

#endif
