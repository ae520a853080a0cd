/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An eventfd, watched edge-triggered: each ring is one event, and nobody has to read
 * the counter back, which saves a system call per wake-up.
 */
#include "bus/bell.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const uint64_t ONE = 1;

static void
bell_heard(void *arg, uint32_t events)
{
    (void)events;
    struct bell *bell = arg;
    bell->fn(bell->arg);
}

enum status
bell_open(struct bell *bell,
          struct loop *loop,
          rd_kafka_queue_t *queue,
          bell_fn fn,
          void *arg)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) {
        rd_kafka_queue_destroy(queue);
        return STATUS_IO;
    }
    *bell = (struct bell){.loop = loop, .queue = queue, .fd = fd, .fn = fn, .arg = arg};
    enum status status = loop_watch(loop, fd, EPOLLIN | EPOLLET, bell_heard, bell);
    if (status != STATUS_OK) {
        rd_kafka_queue_destroy(queue);
        close(fd);
        *bell = (struct bell){0};
        return status;
    }
    rd_kafka_queue_io_event_enable(queue, fd, &ONE, sizeof(ONE));
    bell_ring(bell);
    return STATUS_OK;
}

void
bell_close(struct bell *bell)
{
    if (bell->queue == NULL) {
        return;
    }
    rd_kafka_queue_io_event_enable(bell->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(bell->queue);
    loop_unwatch(bell->loop, bell->fd);
    close(bell->fd);
    *bell = (struct bell){0};
}

void
bell_ring(struct bell *bell)
{
    /* Fails only when 2^64 rings were not heard; then one is pending anyway. */
    ssize_t written = write(bell->fd, &ONE, sizeof(ONE));
    (void)written;
}
