/* SPDX-License-Identifier: Apache-2.0 */
/* The loop and the queue that joins threads to it. */
#include "base/loop.h"

#include "base/clock.h"
#include "base/queue.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct pair {
    struct loop *loop;
    int fds[2];
    unsigned called;
};

static void
unwatch_both(void *arg, uint32_t events)
{
    struct pair *p = arg;
    (void)events;
    p->called++;
    loop_unwatch(p->loop, p->fds[0]);
    loop_unwatch(p->loop, p->fds[1]);
}

Test(loop, drops_the_pending_event_of_a_descriptor_unwatched_in_the_same_turn)
{
    struct pair p = {.called = 0};
    cr_assert_eq(loop_create(&p.loop), STATUS_OK);
    for (unsigned i = 0; i < 2; i++) {
        p.fds[i] = eventfd(1, 0);
        cr_assert_eq(loop_watch(p.loop, p.fds[i], EPOLLIN, unwatch_both, &p),
                     STATUS_OK);
    }
    loop_turn(p.loop, 0);
    cr_assert_eq(p.called, 1);
    loop_destroy(&p.loop);
    close(p.fds[0]);
    close(p.fds[1]);
}

struct timer {
    struct loop *loop;
    int64_t due_ns;
    int64_t fired_ns;
};

static int64_t
timer_turn(void *arg, int64_t now_ns)
{
    struct timer *t = arg;
    if (now_ns < t->due_ns) {
        return t->due_ns;
    }
    t->fired_ns = now_ns;
    loop_stop(t->loop);
    return TIME_NEVER;
}

Test(loop, waits_until_the_next_due_time_and_not_longer)
{
    struct timer t = {.due_ns = clock_mono_ns() + 3 * NS_PER_MS};
    cr_assert_eq(loop_create(&t.loop), STATUS_OK);
    cr_assert_eq(loop_each_turn(t.loop, timer_turn, &t), STATUS_OK);
    loop_run(t.loop);
    cr_assert_geq(t.fired_ns, t.due_ns);
    cr_assert_lt(t.fired_ns, t.due_ns + NS_PER_S);
    loop_destroy(&t.loop);
}

static int64_t
count_turn(void *arg, int64_t now_ns)
{
    (void)now_ns;
    ++*(int *)arg;
    return TIME_NEVER;
}

Test(loop, calls_as_many_functions_a_turn_as_were_added)
{
    enum { TURNS = 600 };
    static int called[TURNS];
    struct loop *loop = NULL;
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    for (int i = 0; i < TURNS; i++) {
        cr_assert_eq(loop_each_turn(loop, count_turn, &called[i]), STATUS_OK);
    }
    loop_no_turn(loop, count_turn, &called[7]);
    loop_turn(loop, 0);
    for (int i = 0; i < TURNS; i++) {
        cr_assert_eq(called[i], i == 7 ? 0 : 1, "%d", i);
    }
    loop_destroy(&loop);
}

enum { ITEMS = 20000 };

static void *
give_all(void *arg)
{
    struct queue *queue = arg;
    static int items[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        items[i] = i;
        while (queue_give(queue, &items[i]) == STATUS_FULL) {
            sched_yield();
        }
    }
    return NULL;
}

struct taker {
    struct loop *loop;
    struct queue *queue;
    int next;
};

static void
take_all(void *arg, uint32_t events)
{
    struct taker *t = arg;
    (void)events;
    for (int *item = NULL; (item = queue_take(t->queue)) != NULL;) {
        cr_assert_eq(*item, t->next++);
    }
    if (t->next == ITEMS) {
        loop_stop(t->loop);
    }
}

Test(queue, carries_every_item_in_order_from_a_thread_to_a_loop)
{
    struct taker t = {.next = 0};
    cr_assert_eq(loop_create(&t.loop), STATUS_OK);
    cr_assert_eq(queue_create(&t.queue, 64), STATUS_OK);
    cr_assert_eq(loop_watch(t.loop, queue_fd(t.queue), EPOLLIN, take_all, &t),
                 STATUS_OK);
    pthread_t thread;
    pthread_create(&thread, NULL, give_all, t.queue);
    loop_run(t.loop);
    pthread_join(thread, NULL);
    cr_assert_eq(t.next, ITEMS);
    loop_destroy(&t.loop);
    queue_destroy(&t.queue);
}

Test(queue, is_full_at_its_limit_and_empty_after_a_timeout)
{
    struct queue *queue = NULL;
    int item = 0;
    cr_assert_eq(queue_create(&queue, 1), STATUS_OK);
    cr_assert_null(queue_wait(queue, NS_PER_MS));
    cr_assert_eq(queue_give(queue, &item), STATUS_OK);
    cr_assert_eq(queue_give(queue, &item), STATUS_FULL);
    cr_assert_eq(queue_wait(queue, NS_PER_MS), &item);
    cr_assert_null(queue_take(queue));
    queue_destroy(&queue);
}
