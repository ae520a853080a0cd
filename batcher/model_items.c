/* SPDX-License-Identifier: Apache-2.0 */
#include "batcher/model_items.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/address.h"
#include "batcher/admit.h"
#include "batcher/reply.h"
#include "batcher/verdict.h"

static struct intake_place
item_place(const struct item *it)
{
    return (struct intake_place){.partition = it->record->partition,
                                 .epoch = it->epoch,
                                 .offset = it->record->offset,
                                 .bytes = it->record->value.size};
}

static void
item_finished(void *owner, struct item *it)
{
    struct model *m = owner;
    const struct intake_place place = item_place(it);
    if (it->end != STATUS_OK) {
        intake_given_back(m->intake, &place);
    } else {
        (void)intake_answered(m->intake, &place);
    }
    item_give(&m->pool, it);
}

static bool
item_staged(void *owner, struct item *it, uint32_t number)
{
    struct model *m = owner;
    const struct intake_place place = item_place(it);
    return intake_stage(m->intake, &place, number);
}

/** If not, another member answers it. */
static bool
item_is_ours(const void *owner, const struct item *it)
{
    const struct model *m = owner;
    return intake_is_ours(m->intake, it->entry.partition, it->epoch);
}

static void
item_started(void *arg, const struct item *it)
{
    struct model *m = arg;
    intake_started(m->intake, it->entry.partition, it->epoch, it->entry.offset);
}

static void
batch_answered(void *arg)
{
    struct model *m = arg;
    loader_praise(&m->loader);
}

static void
item_dropped(void *arg, struct item *it)
{
    struct model *m = arg;
    const struct intake_place place = item_place(it);
    intake_given_back(m->intake, &place);
    item_give(&m->pool, it);
}

static void
model_give_back(struct model *m, struct record *r, uint32_t epoch)
{
    const struct intake_place place = {.partition = r->partition,
                                       .epoch = epoch,
                                       .offset = r->offset,
                                       .bytes = r->value.size};
    intake_given_back(m->intake, &place);
    record_release(&r);
}

static bool
is_cancelled(const struct model *m, const struct item *it, int64_t now_ns)
{
    const struct cancels *cancels = m->context.cancels;
    struct uuid batch;
    struct span tenant = it->request.tenant;
    return cancels_has(cancels, &it->request.id, tenant, now_ns) ||
           (item_batch(it, &batch) && cancels_has(cancels, &batch, tenant, now_ns));
}

/** Whether it may wait for a batch, and whereto its answer goes in any case. */
static enum admit_verdict
model_judge(struct model *m, struct item *it, struct fault *fault)
{
    const struct moment now = {.mono_ns = loop_now(m->context.loop),
                               .wall_us = clock_wall_us()};
    const struct admit_terms terms = {
        .spec = &m->spec,
        .batching = &m->source->batching,
        .slot_bytes = m->dispatcher.instances[0].slab.slot_bytes,
        .reply_time_ns = outbox_reply_time(m->context.replier->outbox)};
    struct fault route = {.text = ""};
    enum admit_verdict verdict = admit(it, &terms, &now, fault);
    if (address_find(it, &route) != STATUS_OK && verdict == ADMIT_OK) {
        *fault = route;
        return ADMIT_REFUSED;
    }
    return verdict == ADMIT_OK && is_cancelled(m, it, now.mono_ns) ? ADMIT_CANCELED
                                                                   : verdict;
}

static struct item *
model_new_item(struct model *m, struct record *r, uint32_t epoch)
{
    struct item *it = item_take(&m->pool);
    if (it == NULL) {
        /* Its offset stays open: it is read again by whoever comes after us. */
        log_error("no_memory", log_text("model", m->source->name));
        return NULL;
    }
    it->record = r;
    it->epoch = epoch;
    it->replier = m->context.replier;
    it->done = item_finished;
    it->is_ours = item_is_ours;
    it->stage = item_staged;
    it->owner = m;
    return it;
}

void
model_take(void *arg, struct record *r, uint32_t epoch)
{
    struct model *m = arg;
    struct item *it = m->draining ? NULL : model_new_item(m, r, epoch);
    if (it == NULL) {
        model_give_back(m, r, epoch);
        return;
    }
    struct fault fault = {.status = STATUS_INVALID, .text = ""};
    enum admit_verdict verdict = model_judge(m, it, &fault);
    if (verdict == ADMIT_OK) {
        enum status status = dispatcher_add(&m->dispatcher, it);
        if (status == STATUS_OK) {
            item_note(&m->pool, it);
            return;
        }
        (void)fault_set(&fault, status, "the batcher's queue is full");
        verdict = ADMIT_REFUSED;
    }
    item_started(m, it);
    verdict_answer(it, verdict, &fault);
}

const struct dispatcher_events model_items_events = {
    .started = item_started, .answered = batch_answered, .dropped = item_dropped};

void
model_revoked(void *arg, int32_t partition, int64_t above)
{
    struct model *m = arg;
    dispatcher_drop(&m->dispatcher, partition, above);
}
