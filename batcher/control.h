/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The batcher's ear on the control topic: every batcher reads all of it, without a
 * group, from its beginning (it is kept for minutes only) and on as long as it lives.
 * Orders reach the batcher one by one; what does not decode is logged and left out.
 */
#ifndef BATCHER_CONTROL_H
#define BATCHER_CONTROL_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"
#include "schemas/message.h"

#include <stdbool.h>

struct control_topic;

/** Somebody cancels a request, or has a model loaded or unloaded; the spans are
 * borrowed during the call. */
typedef void (*control_order_fn)(void *arg, const struct control *c);

MUST_CHECK enum status control_topic_open(struct control_topic **out,
                                          struct loop *loop,
                                          const struct bus_config *bus,
                                          control_order_fn obey,
                                          void *arg,
                                          struct fault *fault);

/** Whether the orders that were there at the start have been read. */
bool control_topic_caught_up(const struct control_topic *topic);

void control_topic_close(struct control_topic **topic);

#endif
