/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listens to the replies topic as any system on Kafka could: the demo reads from it the
 * batch sizes and the answers to what it produced without HTTP.
 */
#ifndef CLI_REPLIES_TAP_H
#define CLI_REPLIES_TAP_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "schemas/message.h"

struct replies_tap;

/** A terminal reply; borrowed during the call. */
typedef void (*replies_tap_fn)(void *arg, const struct reply *reply);

/**
 * Reads every partition from its end on.
 *
 * @return STATUS_OK; STATUS_UNAVAILABLE; STATUS_NOT_FOUND if there is no such topic
 * @blocks up to 10 s
 */
MUST_CHECK enum status replies_tap_create(struct replies_tap **out,
                                          struct loop *loop,
                                          const struct bus_config *bus,
                                          replies_tap_fn fn,
                                          void *arg,
                                          struct fault *fault);
void replies_tap_destroy(struct replies_tap **tap);

#endif
