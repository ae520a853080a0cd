/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket as the child sees it: packets of `key=value` lines with
 * descriptors beside them. One thread receives; any thread sends, because one message
 * is one packet and the kernel keeps packets whole.
 */
#ifndef RUNNER_CONTROL_H
#define RUNNER_CONTROL_H

#include "base/buf.h"
#include "base/status.h"
#include "runner/properties.h"

#include <stddef.h>
#include <stdint.h>

enum { CONTROL_FDS_MAX = 3 };

struct control_message {
    struct properties fields; /* the first is type */
    int fds[CONTROL_FDS_MAX]; /* -1 once taken */
    size_t fd_count;
};

/**
 * Waits for the next message.
 *
 * @param[out] m set only on STATUS_OK; released by control_message_fini()
 * @return STATUS_OK; STATUS_CLOSED when the parent is gone; STATUS_INVALID for a packet
 *         that is no message; STATUS_TOO_LARGE; STATUS_NO_MEMORY; STATUS_IO
 * @blocks until one comes
 */
MUST_CHECK enum status
control_receive(int fd, struct control_message *m, struct fault *fault);

/** Closes the descriptors that nobody took. */
void control_message_fini(struct control_message *m);

/** The descriptor at that place, now the caller's; -1 if there is none. */
int control_message_take_fd(struct control_message *m, size_t index);

/** Begins a message: `type=...`. */
void control_begin(struct buf *message, const char *type);

/** Adds a line; control characters in the value become spaces. */
void control_add(struct buf *message, const char *key, const char *value);
void control_add_number(struct buf *message, const char *key, uint64_t value);

/**
 * Sends the message and releases the buffer. A parent that is gone is no error here:
 * control_receive() will say so.
 */
void control_send(int fd, struct buf *message);

/** Sends a log line, unless the socket is full. @param[in] level info, warn or error */
void control_log(int fd, const char *level, uint32_t instance, const char *format, ...)
    PRINTF_LIKE(4, 5);

#endif
