/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loaded model instance: a thread that loads the model and warms it up, says
 * `loaded` (or `failed`), runs the slots of its slab in the order of their sequence,
 * and at the end says `unloaded`. Loading in that thread keeps a slow or hung model
 * from holding up any other.
 */
#ifndef RUNNER_INSTANCE_H
#define RUNNER_INSTANCE_H

#include "base/status.h"
#include "runner/control.h"

#include <stdbool.h>
#include <stdint.h>

struct instance;

/**
 * Starts the thread for a `load` message.
 *
 * @param[in]     control_fd for what the instance has to say; borrowed
 * @param[in,out] load its fields and descriptors are taken on STATUS_OK
 * @return STATUS_OK; STATUS_INVALID, STATUS_UNSUPPORTED, STATUS_NO_MEMORY or STATUS_IO
 *         with the reason for a `failed` message that the caller sends
 */
MUST_CHECK enum status instance_start(struct instance **out,
                                      uint32_t id,
                                      int control_fd,
                                      struct control_message *load,
                                      struct fault *fault);

uint32_t instance_id(const struct instance *instance);

/** Asks the thread to end when no slot is FILLED any more. @thread any @blocks never */
void instance_stop(struct instance *instance);

/** Whether the thread is at its end, so that instance_destroy() hardly waits. */
bool instance_ended(const struct instance *instance);

/** Joins the thread and releases everything. @blocks until the thread ends */
void instance_destroy(struct instance **instance);

#endif
