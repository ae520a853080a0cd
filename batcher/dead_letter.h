/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record that could not be worked on, as a record of the dead-letter topic: original
 * key, bytes and headers, and the reason in headers named as Kafka Connect names them.
 */
#ifndef BATCHER_DEAD_LETTER_H
#define BATCHER_DEAD_LETTER_H

#include "base/arena.h"
#include "bus/consumer.h"
#include "bus/producer.h"

/**
 * Fills the record to be sent. Without memory for the headers it goes without.
 *
 * @param[in]  arena   keeps the headers and their texts
 * @param[in]  message the reason, copied
 * @param[out] out     topic and arg are left alone; value and key point into r
 */
void dead_letter_write(const struct record *r,
                       const char *message,
                       const char *stage,
                       struct arena *arena,
                       struct outgoing *out);

#endif
