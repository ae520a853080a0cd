/* SPDX-License-Identifier: Apache-2.0 */
/* Signals through a signalfd: no handler, no flag, no race. One per process. */
#include "base/stop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct stop {
    int fd;
    stop_fn fn;
    void *arg;
};

static struct stop stop = {.fd = -1};

static void
stop_event(void *arg, uint32_t events)
{
    struct stop *s = arg;
    (void)events;
    struct signalfd_siginfo info;
    if (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
        s->fn(s->arg, (int)info.ssi_signo);
    }
}

enum status
stop_watch(struct loop *loop, stop_fn fn, void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    stop = (struct stop){
        .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
        .fn = fn,
        .arg = arg,
    };
    if (stop.fd < 0) {
        return STATUS_IO;
    }
    return loop_watch(loop, stop.fd, EPOLLIN, stop_event, &stop);
}

void
stop_unwatch(struct loop *loop)
{
    if (stop.fd >= 0) {
        loop_unwatch(loop, stop.fd);
        close(stop.fd);
        stop.fd = -1;
    }
}
