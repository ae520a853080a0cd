/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the transactor needs of a transactional producer: its client, for the calls that
 * begin and end transactions, and another one when that has failed for good. Private to
 * the room.
 */
#ifndef BUS_PRODUCER_CLIENT_H
#define BUS_PRODUCER_CLIENT_H

#include "bus/producer.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>

/** NULL while it could not be made. Valid until producer_renew(). */
rd_kafka_t *producer_client(const struct producer *producer);

/**
 * Reports all that the client still has, then puts a fresh one in its place. Nobody
 * else may be using the client.
 *
 * @return false: not now, ask again
 * @blocks up to 1 s
 */
bool producer_renew(struct producer *producer);

#endif
