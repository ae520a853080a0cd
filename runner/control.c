/* SPDX-License-Identifier: Apache-2.0 */
/* See control.h. SOCK_SEQPACKET keeps boundaries, so there is no framing to parse. */
#include "runner/control.h"

#include "runner/protocol.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
keep_fds(struct msghdr *header, struct control_message *m)
{
    m->fd_count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL;
         c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            m->fd_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(m->fds, CMSG_DATA(c), m->fd_count * sizeof(int));
        }
    }
}

enum status
control_receive(int fd, struct control_message *m, struct fault *fault)
{
    char packet[CONTROL_BYTES];
    union {
        char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
        struct cmsghdr aligned;
    } beside;
    struct iovec part = {.iov_base = packet, .iov_len = sizeof packet};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = beside.bytes,
                            .msg_controllen = sizeof beside.bytes};
    ssize_t size = 0;
    do {
        size = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size == 0 || (size < 0 && errno == ECONNRESET)) {
        return STATUS_CLOSED;
    }
    if (size < 0) {
        return fault_set(fault, STATUS_IO, "recvmsg: %s", strerrordesc_np(errno));
    }
    keep_fds(&header, m);
    enum status status = STATUS_TOO_LARGE;
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        fault_set(fault, status, "a control message over %d bytes", CONTROL_BYTES);
    } else {
        status = properties_parse(&m->fields, span_of(packet, (size_t)size), fault);
    }
    if (status != STATUS_OK) {
        m->fields = (struct properties){.count = 0};
        control_message_fini(m);
    }
    return status;
}

void
control_message_fini(struct control_message *m)
{
    for (size_t i = 0; i < m->fd_count; i++) {
        if (m->fds[i] >= 0) {
            close(m->fds[i]);
        }
    }
    m->fd_count = 0;
    properties_fini(&m->fields);
}

int
control_message_take_fd(struct control_message *m, size_t index)
{
    if (index >= m->fd_count) {
        return -1;
    }
    int fd = m->fds[index];
    m->fds[index] = -1;
    return fd;
}

void
control_begin(struct buf *message, const char *type)
{
    buf_init(message, CONTROL_BYTES);
    control_add(message, "type", type);
}

void
control_add(struct buf *message, const char *key, const char *value)
{
    buf_append_format(message, "%s=", key);
    for (const char *at = value; *at != '\0'; at++) {
        buf_append_byte(message, (uint8_t)*at < ' ' ? ' ' : (uint8_t)*at);
    }
    buf_append_byte(message, '\n');
}

void
control_add_number(struct buf *message, const char *key, uint64_t value)
{
    buf_append_format(message, "%s=%" PRIu64 "\n", key, value);
}

static void
send_packet(int fd, struct buf *message, int flags)
{
    if (message->status == STATUS_OK) {
        ssize_t sent = 0;
        do {
            sent = send(fd, message->data, message->size, flags | MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
    }
    buf_fini(message);
}

void
control_send(int fd, struct buf *message)
{
    send_packet(fd, message, 0);
}

void
control_log(int fd, const char *level, uint32_t instance, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct buf message;
    control_begin(&message, "log");
    control_add(&message, "level", level);
    control_add_number(&message, "instance", instance);
    control_add(&message, "text", text);
    send_packet(fd, &message, MSG_DONTWAIT);
}
