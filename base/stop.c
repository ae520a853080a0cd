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
static struct stop reload = {.fd = -1};

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

static enum status
watch(struct loop *loop, const sigset_t *set, struct stop *s)
{
    pthread_sigmask(SIG_BLOCK, set, NULL);
    s->fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->fd < 0 ? STATUS_IO : loop_watch(loop, s->fd, EPOLLIN, stop_event, s);
}

enum status
stop_watch(struct loop *loop, stop_fn fn, void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file over its limit: an error like a full disk */
    stop = (struct stop){.fn = fn, .arg = arg};
    return watch(loop, &set, &stop);
}

enum status
stop_watch_reload(struct loop *loop, stop_fn fn, void *arg)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    reload = (struct stop){.fn = fn, .arg = arg};
    return watch(loop, &set, &reload);
}

static void
unwatch(struct loop *loop, struct stop *s)
{
    if (s->fd >= 0) {
        loop_unwatch(loop, s->fd);
        close(s->fd);
        s->fd = -1;
    }
}

void
stop_unwatch(struct loop *loop)
{
    unwatch(loop, &stop);
    unwatch(loop, &reload);
}
