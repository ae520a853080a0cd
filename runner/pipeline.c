/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See pipeline.h. In one thread the only costs of a hand-over are the two eventfds; in
 * two a pair of semaphores comes on top, which hands a batch that waits on without
 * sleeping. The two batches take turns: the preparer gets its place when the runner has
 * taken the other one, hence is done with this one.
 */
#include "runner/pipeline.h"

#include "base/clock.h"

/* EINTR is all it can fail with. */
static void
wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

static void
prepare(struct pipeline *p, struct batch *b, struct slot_head *slot, bool warm_up)
{
    b->outcome = SLOT_FAILED;
    if (batch_open(b, slot, p->slab->slot_bytes, p->model) == STATUS_OK) {
        b->warm_up = warm_up;
        b->outcome = p->model->staged ? p->ops->prepare(p->state, b) : SLOT_SUCCEEDED;
    }
    atomic_store_explicit(&slot->prepared_ns,
                          p->model->staged ? clock_mono_ns() : slot->taken_ns,
                          memory_order_relaxed);
}

/* What failed in its preparation keeps that outcome, and its turn. */
static void
run(struct pipeline *p, struct batch *b)
{
    atomic_store_explicit(&b->slot->started_ns, clock_mono_ns(), memory_order_relaxed);
    if (b->outcome == SLOT_SUCCEEDED) {
        b->outcome = p->ops->run(p->state, b);
    }
    b->slot->completed_ns = clock_mono_ns();
}

enum slot_outcome
pipeline_warm(struct pipeline *p, struct slot_head *slot)
{
    struct batch *b = &p->batches[0];
    slot->taken_ns = clock_mono_ns();
    prepare(p, b, slot, true);
    run(p, b);
    return b->outcome;
}

/* The next slot, now ours; NULL when there will be none. */
static struct slot_head *
next_slot(struct pipeline *p)
{
    for (;;) {
        /* Read before the look at the slots: what was filled before the stop is run. */
        bool last = atomic_load_explicit(&p->stopping, memory_order_acquire);
        struct slot_head *slot = slab_take(p->slab);
        if (slot != NULL || last) {
            return slot;
        }
        slab_wait(p->slab);
    }
}

static void *
preparer_main(void *arg)
{
    struct pipeline *p = arg;
    struct slot_head *slot = NULL;
    size_t turn = 0;
    do {
        struct batch *b = &p->batches[turn];
        wait_for(&p->place);
        slot = next_slot(p);
        if (slot != NULL) {
            prepare(p, b, slot, false);
        }
        turn = 1 - turn;
        p->handed = slot == NULL ? NULL : b;
        sem_post(&p->ready);
    } while (slot != NULL);
    return NULL;
}

enum status
pipeline_start(struct pipeline *p, struct fault *fault)
{
    if (!p->model->staged) {
        return STATUS_OK;
    }
    sem_init(&p->place, 0, 1);
    sem_init(&p->ready, 0, 0);
    if (pthread_create(&p->preparer, NULL, preparer_main, p) != 0) {
        return fault_set(fault, STATUS_IO, "no thread to prepare batches in");
    }
    return STATUS_OK;
}

/* The next batch, prepared; NULL when there will be none. */
static struct batch *
next_batch(struct pipeline *p)
{
    if (p->model->staged) {
        wait_for(&p->ready);
        struct batch *b = p->handed;
        sem_post(&p->place);
        return b;
    }
    struct slot_head *slot = next_slot(p);
    if (slot == NULL) {
        return NULL;
    }
    prepare(p, &p->batches[0], slot, false);
    return &p->batches[0];
}

enum slot_outcome
pipeline_serve(struct pipeline *p)
{
    struct batch *b = next_batch(p);
    while (b != NULL) {
        run(p, b);
        slab_give(p->slab, b->slot, b->outcome);
        if (b->outcome == SLOT_DEVICE_LOST) {
            return SLOT_DEVICE_LOST;
        }
        b = next_batch(p);
    }
    if (p->model->staged) {
        pthread_join(p->preparer, NULL);
        sem_destroy(&p->place);
        sem_destroy(&p->ready);
    }
    return SLOT_SUCCEEDED;
}

void
pipeline_stop(struct pipeline *p)
{
    atomic_store_explicit(&p->stopping, true, memory_order_release);
    slab_ring(p->slab);
}
