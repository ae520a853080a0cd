/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record that could not be worked on, as a record of the dead-letter topic: original
 * key, bytes and headers, and the reason in headers of a dialect that the tools around
 * Kafka know: those of Kafka Connect, of Spring, or of Kafka Streams.
 */
#ifndef BATCHER_DEAD_LETTER_H
#define BATCHER_DEAD_LETTER_H

#include "base/arena.h"
#include "bus/consumer.h"
#include "bus/producer.h"

enum dead_letter_dialect {
    DEAD_LETTER_CONNECT,
    DEAD_LETTER_SPRING,
    DEAD_LETTER_STREAMS,
    DEAD_LETTER_DIALECTS
};

/** Why, and who says so; texts are borrowed during the call. */
struct dead_letter {
    enum dead_letter_dialect dialect;
    const char *code; /* a status_name() */
    const char *message;
    const char *stage;
    const char *group; /* of the consumer that read the record */
};

/** The dialect of that name, DEAD_LETTER_CONNECT for one that is not known. */
enum dead_letter_dialect dead_letter_dialect(const char *name);

/**
 * Fills the record to be sent. Without memory for the headers it goes without.
 *
 * @param[in]  arena keeps the headers and their values
 * @param[out] out   topic and arg are left alone; value and key point into r
 */
void dead_letter_write(const struct record *r,
                       const struct dead_letter *letter,
                       struct arena *arena,
                       struct outgoing *out);

#endif
