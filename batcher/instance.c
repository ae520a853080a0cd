/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner may block on `submit`, so that one is a blocking eventfd (we only ever
 * write 1); `complete` is ours to read and does not block.
 */
#include "batcher/instance.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
instance_harvest(struct instance *in)
{
    for (;;) {
        unsigned oldest = SLOTS_PER_INSTANCE;
        uint64_t sequence = UINT64_MAX;
        for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
            struct slot_head *slot = slab_slot(&in->slab, i);
            if (in->batches[i] != NULL && slot->sequence < sequence &&
                atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_DONE) {
                oldest = i;
                sequence = slot->sequence;
            }
        }
        if (oldest == SLOTS_PER_INSTANCE) {
            return;
        }
        in->done(in->arg, in, oldest);
    }
}

static void
instance_completed(void *arg, uint32_t events)
{
    (void)events;
    struct instance *in = arg;
    uint64_t count;
    if (read(in->complete, &count, sizeof count) == (ssize_t)sizeof count) {
        instance_harvest(in);
    }
}

static void
events_close(struct instance *in)
{
    if (in->complete >= 0) {
        loop_unwatch(in->loop, in->complete);
        close(in->complete);
    }
    if (in->submit >= 0) {
        close(in->submit);
    }
    in->complete = -1;
    in->submit = -1;
}

enum status
instance_open(struct instance *in,
              struct loop *loop,
              uint64_t slot_bytes,
              instance_done_fn done,
              void *arg)
{
    unsigned index = in->index;
    *in = (struct instance){.loop = loop,
                            .done = done,
                            .arg = arg,
                            .index = index,
                            .submit = -1,
                            .complete = -1};
    return slab_open(&in->slab, slot_bytes);
}

void
instance_close(struct instance *in)
{
    events_close(in);
    slab_close(&in->slab);
}

enum status
instance_renew(struct instance *in)
{
    events_close(in);
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
        atomic_store(&slab_slot(&in->slab, i)->state, SLOT_FREE);
    }
    in->loaded = false;
    in->sequence = 0;
    in->submit = eventfd(0, EFD_CLOEXEC);
    in->complete = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (in->submit < 0 || in->complete < 0) {
        events_close(in);
        return STATUS_IO;
    }
    return loop_watch(in->loop, in->complete, EPOLLIN, instance_completed, in);
}

struct slot_head *
instance_free_slot(struct instance *in, unsigned *slot)
{
    for (unsigned i = 0; i < SLOTS_PER_INSTANCE; i++) {
        if (in->batches[i] == NULL) {
            *slot = i;
            return slab_slot(&in->slab, i);
        }
    }
    return NULL;
}

void
instance_hold(struct instance *in, unsigned slot, struct batch *b)
{
    b->submitted_ns = 0;
    in->batches[slot] = b;
}

void
instance_submit(struct instance *in, unsigned slot, int64_t now_ns)
{
    struct slot_head *head = slab_slot(&in->slab, slot);
    in->batches[slot]->submitted_ns = now_ns;
    if (in->under_way == 0) {
        in->busy_since_ns = now_ns;
    }
    in->under_way++;
    in->sequence++;
    head->sequence = in->sequence;
    atomic_store_explicit(&head->state, SLOT_FILLED, memory_order_release);
    const uint64_t one = 1;
    /* It cannot fail: the counter is far from its limit. A lost wake-up would end in
     * the run timeout. */
    (void)!write(in->submit, &one, sizeof one);
}

bool
instance_withdraw(struct instance *in, unsigned slot)
{
    uint32_t expected = SLOT_FILLED;
    if (!atomic_compare_exchange_strong(&slab_slot(&in->slab, slot)->state, &expected,
                                        SLOT_FREE)) {
        return false;
    }
    in->under_way--;
    return true;
}

void
instance_retire(struct instance *in, int64_t now_ns)
{
    in->under_way--;
    in->busy_since_ns = now_ns;
}

struct batch *
instance_free(struct instance *in, unsigned slot)
{
    struct batch *b = in->batches[slot];
    in->batches[slot] = NULL;
    atomic_store_explicit(&slab_slot(&in->slab, slot)->state, SLOT_FREE,
                          memory_order_release);
    return b;
}
