/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop on epoll. A watch is a slot in a table indexed by descriptor; its generation
 * goes into the epoll data, so an event of a descriptor that was unwatched (and perhaps
 * reused) earlier in the same turn is recognised and dropped.
 */
#include "base/loop.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_EVENTS = 256, LOOP_TURNS_FIRST = 16 };

#define LOOP_WAIT_MAX_NS NS_PER_S

struct loop_watch {
    loop_event_fn fn; /* NULL = not watched */
    void *arg;
    uint32_t generation;
};

struct loop_turn {
    loop_turn_fn fn;
    void *arg;
};

struct loop {
    int epoll;
    int wake;
    int64_t now_ns;
    int64_t woken_ns;           /* when events were last taken */
    int64_t pace_ns;            /* asked for in this turn */
    struct loop_watch *watches; /* by descriptor */
    size_t watch_count;
    struct loop_turn *turns; /* in the order of adding */
    size_t turn_count;
    size_t turn_capacity;
    atomic_bool stopping;
};

static void
loop_woken(void *arg, uint32_t events)
{
    struct loop *loop = arg;
    (void)events;
    uint64_t count = 0;
    ssize_t n = read(loop->wake, &count, sizeof(count));
    (void)n; /* nothing to read: somebody else's wake-up was taken already */
}

enum status
loop_create(struct loop **out)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return STATUS_NO_MEMORY;
    }
    loop->now_ns = clock_mono_ns();
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->epoll < 0 || loop->wake < 0 ||
        loop_watch(loop, loop->wake, EPOLLIN, loop_woken, loop) != STATUS_OK) {
        loop_destroy(&loop);
        return STATUS_IO;
    }
    *out = loop;
    return STATUS_OK;
}

void
loop_destroy(struct loop **loop)
{
    struct loop *l = *loop;
    *loop = NULL;
    if (l == NULL) {
        return;
    }
    if (l->wake >= 0) {
        close(l->wake);
    }
    if (l->epoll >= 0) {
        close(l->epoll);
    }
    free(l->turns);
    free(l->watches);
    free(l);
}

static enum status
watches_reserve(struct loop *loop, size_t count)
{
    if (count <= loop->watch_count) {
        return STATUS_OK;
    }
    size_t wanted = loop->watch_count == 0 ? 64 : loop->watch_count;
    while (wanted < count) {
        wanted *= 2;
    }
    struct loop_watch *watches = realloc(loop->watches, wanted * sizeof(*watches));
    if (watches == NULL) {
        return STATUS_NO_MEMORY;
    }
    memset(watches + loop->watch_count, 0,
           (wanted - loop->watch_count) * sizeof(*watches));
    loop->watches = watches;
    loop->watch_count = wanted;
    return STATUS_OK;
}

enum status
loop_watch(struct loop *loop, int fd, uint32_t events, loop_event_fn fn, void *arg)
{
    enum status status = watches_reserve(loop, (size_t)fd + 1);
    if (status != STATUS_OK) {
        return status;
    }
    struct loop_watch *watch = &loop->watches[fd];
    bool known = watch->fn != NULL;
    watch->generation++;
    struct epoll_event event = {
        .events = events,
        .data.u64 = (uint64_t)watch->generation << 32 | (uint32_t)fd,
    };
    if (epoll_ctl(loop->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) !=
        0) {
        watch->fn = NULL;
        return STATUS_IO;
    }
    watch->fn = fn;
    watch->arg = arg;
    return STATUS_OK;
}

void
loop_unwatch(struct loop *loop, int fd)
{
    if (fd < 0 || (size_t)fd >= loop->watch_count || loop->watches[fd].fn == NULL) {
        return;
    }
    loop->watches[fd].fn = NULL;
    loop->watches[fd].generation++;
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

enum status
loop_each_turn(struct loop *loop, loop_turn_fn fn, void *arg)
{
    if (loop->turn_count == loop->turn_capacity) {
        size_t wanted =
            loop->turn_capacity == 0 ? LOOP_TURNS_FIRST : loop->turn_capacity * 2;
        struct loop_turn *turns = realloc(loop->turns, wanted * sizeof(*turns));
        if (turns == NULL) {
            return STATUS_NO_MEMORY;
        }
        loop->turns = turns;
        loop->turn_capacity = wanted;
    }
    loop->turns[loop->turn_count++] = (struct loop_turn){.fn = fn, .arg = arg};
    return STATUS_OK;
}

void
loop_no_turn(struct loop *loop, loop_turn_fn fn, void *arg)
{
    for (size_t i = 0; i < loop->turn_count; i++) {
        if (loop->turns[i].fn == fn && loop->turns[i].arg == arg) {
            memmove(&loop->turns[i], &loop->turns[i + 1],
                    (loop->turn_count - i - 1) * sizeof(loop->turns[0]));
            loop->turn_count--;
            return;
        }
    }
}

/* Nanoseconds matter: quanta and just-in-time batches are shorter than a millisecond.
 */
static struct timespec
wait_until(int64_t now_ns, int64_t due_ns)
{
    int64_t wait_ns = due_ns <= now_ns ? 0 : due_ns - now_ns;
    wait_ns = wait_ns > LOOP_WAIT_MAX_NS ? LOOP_WAIT_MAX_NS : wait_ns;
    return (struct timespec){.tv_sec = wait_ns / NS_PER_S,
                             .tv_nsec = wait_ns % NS_PER_S};
}

static void
loop_dispatch(struct loop *loop, const struct epoll_event *event)
{
    size_t fd = (uint32_t)event->data.u64;
    const struct loop_watch *watch = &loop->watches[fd];
    if (watch->fn != NULL && watch->generation == event->data.u64 >> 32) {
        watch->fn(watch->arg, event->events);
    }
}

/* Lets events gather until the pace allows the next look at them; returns the time. */
static int64_t
keep_pace(const struct loop *loop, int64_t due_ns)
{
    int64_t until_ns = loop->woken_ns + loop->pace_ns;
    until_ns = until_ns < due_ns ? until_ns : due_ns;
    if (until_ns > clock_mono_ns()) {
        struct timespec until = {.tv_sec = until_ns / NS_PER_S,
                                 .tv_nsec = until_ns % NS_PER_S};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    return clock_mono_ns();
}

void
loop_turn(struct loop *loop, int64_t max_wait_ns)
{
    loop->now_ns = clock_mono_ns();
    loop->pace_ns = 0;
    int64_t due_ns = loop->now_ns + max_wait_ns;
    for (size_t i = 0; i < loop->turn_count; i++) {
        const struct loop_turn turn = loop->turns[i]; /* it may add others */
        int64_t next_ns = turn.fn(turn.arg, loop->now_ns);
        due_ns = next_ns < due_ns ? next_ns : due_ns;
    }
    struct epoll_event events[LOOP_EVENTS];
    int64_t now_ns = loop->pace_ns > 0 ? keep_pace(loop, due_ns) : loop->now_ns;
    struct timespec wait = wait_until(now_ns, due_ns);
    int count = epoll_pwait2(loop->epoll, events, LOOP_EVENTS, &wait, NULL);
    if (count > 0) {
        loop->now_ns = clock_mono_ns();
        loop->woken_ns = loop->now_ns;
    }
    for (int i = 0; i < count; i++) {
        loop_dispatch(loop, &events[i]);
    }
}

void
loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire)) {
        loop_turn(loop, NS_PER_S);
    }
    atomic_store_explicit(&loop->stopping, false, memory_order_release);
}

void
loop_pace(struct loop *loop, int64_t pace_ns)
{
    loop->pace_ns = pace_ns > loop->pace_ns ? pace_ns : loop->pace_ns;
}

int64_t
loop_now(const struct loop *loop)
{
    return loop->now_ns;
}

void
loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->stopping, true, memory_order_release);
    loop_wake(loop);
}

void
loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t n = write(loop->wake, &one, sizeof(one));
    (void)n; /* full counter: it is awake already */
}
