/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in for a consumer: records, rebalances, errors, ends. Private to the room.
 */
#ifndef BUS_READING_H
#define BUS_READING_H

#include "bus/consumer_state.h"

#include <librdkafka/rdkafka.h>

#include <stdint.h>

/** Has librdkafka call the functions below; the opaque must be the consumer. */
void reading_listen(rd_kafka_conf_t *settings);

/** Takes what is there, within a budget. @param[in] arg the consumer */
void reading_serve(void *arg);

/** As consumer_reassign(). */
void reading_begin_again(struct consumer *consumer);

/** As loop_turn_fn. @param[in] arg the consumer */
int64_t reading_turn(void *arg, int64_t now_ns);

#endif
