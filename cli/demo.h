/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's ways of asking, one file each; they share one loop and one HTTP caller. */
#ifndef CLI_DEMO_H
#define CLI_DEMO_H

#include "base/http_call.h"
#include "base/loop.h"
#include "bus/config.h"
#include "cli/digits.h"
#include "cli/replies_tap.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>

struct demo_config {
    const char *address;
    const char *examples;
};

struct demo {
    const struct demo_config *config;
    const struct bus_config *bus;
    struct loop *loop;
    struct http_caller *caller;
    struct replies_tap *tap;
    struct digits digits;
    size_t replies; /* terminal replies seen on Kafka */
    size_t rows_in_batches;
    int32_t largest_batch;
};

/** Turns until *count reaches wanted; false (and a message) after a minute. */
bool demo_wait(struct demo *d, const size_t *count, size_t wanted);

/** A call to the ingest; fn gets the answer on the loop. @param[in] prefer or NULL */
MUST_CHECK enum status demo_call(struct demo *d,
                                 const char *method,
                                 const char *path,
                                 const char *prefer,
                                 struct span body,
                                 http_answer_fn fn,
                                 void *arg);

/* Each prints what it does and what came; false if a promise was not kept. */
bool demo_polled(struct demo *d);
bool demo_webhook(struct demo *d);
bool demo_kafka(struct demo *d);

/** A reply went by on Kafka: perhaps the one that demo_kafka() waits for. */
void demo_kafka_seen(struct demo *d, const struct reply *reply);

#endif
