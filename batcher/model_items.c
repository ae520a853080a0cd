/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request names a version or takes the newest that is loaded. While none is, it waits
 * in the lobby, and those behind it in Kafka.
 */
#include "batcher/model_items.h"

#include "base/clock.h"
#include "base/log.h"
#include "batcher/address.h"
#include "batcher/admit.h"
#include "batcher/model_versions.h"
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
    struct model *m = it->owner;
    (void)arg;
    intake_started(m->intake, it->entry.partition, it->epoch, it->entry.offset);
}

static void
batch_answered(void *arg)
{
    struct version *v = arg;
    loader_praise(&v->loader);
}

static void
item_dropped(void *arg, struct item *it)
{
    struct model *m = it->owner;
    (void)arg;
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

static struct admit_terms
terms_of(const struct model *m, const struct version *v)
{
    return (struct admit_terms){.spec = &v->spec,
                                .batching = &v->source->model.batching,
                                .slot_bytes = (uint64_t)m->context.config->slot_bytes,
                                .reply_time_ns =
                                    outbox_reply_time(m->context.replier->outbox)};
}

/** What it says, and whereto its answer goes in any case. */
static enum admit_verdict
model_read(struct model *m, struct item *it, struct fault *fault)
{
    const struct moment now = {.mono_ns = loop_now(m->context.loop),
                               .wall_us = clock_wall_us()};
    const struct admit_terms terms = terms_of(m, m->versions);
    struct fault route = {.text = ""};
    enum admit_verdict verdict = admit_read(it, &terms, &now, fault);
    if (address_find(it, &route) != STATUS_OK && verdict == ADMIT_OK) {
        *fault = route;
        return ADMIT_REFUSED;
    }
    return verdict == ADMIT_OK && is_cancelled(m, it, now.mono_ns) ? ADMIT_CANCELED
                                                                   : verdict;
}

static void
model_answer(struct item *it, enum admit_verdict verdict, const struct fault *fault)
{
    item_started(NULL, it);
    verdict_answer(it, verdict, fault);
}

/** Gives an item that was read to a version, or answers it. */
static void
model_place(struct model *m, struct item *it, struct version *v)
{
    const struct admit_terms terms = terms_of(m, v);
    struct fault fault = {.status = STATUS_INVALID, .text = ""};
    enum admit_verdict verdict =
        admit_fit(it, &terms, loop_now(m->context.loop), &fault);
    if (verdict == ADMIT_OK) {
        enum status status = dispatcher_add(&v->dispatcher, it);
        if (status == STATUS_OK) {
            it->server = v;
            return;
        }
        (void)fault_set(&fault, status, "the batcher's queue is full");
        verdict = ADMIT_REFUSED;
    }
    model_answer(it, verdict, &fault);
}

static void
refuse_version(struct item *it)
{
    struct span named = it->request.model_version;
    struct fault fault = {.text = ""};
    (void)fault_set(&fault, STATUS_NOT_FOUND,
                    "version %.*s of the model is not served here: there is no such "
                    "number or label",
                    (int)(named.size < 64 ? named.size : 64), (const char *)named.data);
    model_answer(it, ADMIT_REFUSED, &fault);
}

/** To a version, the lobby or an answer. */
static void
model_lead(struct model *m, struct item *it)
{
    struct span named = it->request.model_version;
    struct version *v = model_choose(m, named);
    const struct version *later = v != NULL ? v : model_expected(m, named);
    if (v != NULL) {
        model_place(m, it, v);
    } else if (later != NULL) {
        item_set_version(it, named.size > 0 ? later->spec.version : named);
        lobby_add(&m->lobby, it);
    } else {
        refuse_version(it);
    }
}

static struct item *
model_new_item(struct model *m, struct record *r, uint32_t epoch)
{
    struct item *it = item_take(&m->pool);
    if (it == NULL) {
        /* Its offset stays open: it is read again by whoever comes after us. */
        log_error("no_memory", log_text("model", m->name));
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
    bool leaves = m->draining || m->removed;
    struct item *it = leaves ? NULL : model_new_item(m, r, epoch);
    if (it == NULL) {
        model_give_back(m, r, epoch);
        return;
    }
    m->asked_ns = loop_now(m->context.loop);
    struct fault fault = {.status = STATUS_INVALID, .text = ""};
    enum admit_verdict verdict = model_read(m, it, &fault);
    if (verdict != ADMIT_OK) {
        model_answer(it, verdict, &fault);
        return;
    }
    item_note(&m->pool, it);
    model_lead(m, it);
}

const struct dispatcher_events model_items_events = {
    .started = item_started, .answered = batch_answered, .dropped = item_dropped};

void
model_revoked(void *arg, int32_t partition, int64_t above)
{
    struct model *m = arg;
    /* What waits for a model to be loaded would keep the others of the group waiting.
     */
    model_drop_lobby(m, partition);
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (v->open) {
            dispatcher_drop(&v->dispatcher, partition, above);
        }
    }
}

/* The lobby. */

void
model_empty_lobby(struct model *m)
{
    struct former_list waiting = m->lobby.items;
    if (waiting.count == 0 || model_choose(m, span_of(NULL, 0)) == NULL) {
        return;
    }
    lobby_init(&m->lobby);
    for (struct former_entry *e = waiting.first; e != NULL;) {
        struct former_entry *next = e->next;
        struct item *it = item_of(e);
        it->in_lobby = false;
        model_lead(m, it);
        e = next;
    }
}

int64_t
model_expire_lobby(struct model *m, int64_t now_ns)
{
    struct item *it;
    while ((it = lobby_expired(&m->lobby, now_ns)) != NULL) {
        const struct fault none = {.text = ""};
        model_answer(it, ADMIT_EXPIRED, &none);
    }
    return m->lobby.due_ns;
}

void
model_drop_lobby(struct model *m, int32_t partition)
{
    struct item *it;
    while ((it = lobby_take(&m->lobby, partition)) != NULL) {
        item_dropped(NULL, it);
    }
}

/* From one version to another. */

/** Whether an item that waits elsewhere is answered by that version now. */
static bool
moves(const struct model *m, const struct item *it, const struct version *to)
{
    struct span named = it->request.model_version;
    return named.size == 0 || model_choose(m, named) == to;
}

static void
return_item(struct version *from, struct item *it)
{
    if (dispatcher_add(&from->dispatcher, it) != STATUS_OK) {
        item_dropped(NULL, it);
    }
}

/** @param[in] label only what names it; NULL: everything that moves */
static void
hand_over(struct model *m,
          struct version *from,
          struct version *to,
          const struct version_label *label)
{
    struct former_list waiting;
    if (!model_spec_covers(&to->spec, &from->spec)) {
        return;
    }
    former_empty(from->dispatcher.former, &waiting);
    for (struct former_entry *e = waiting.first; e != NULL;) {
        struct former_entry *next = e->next;
        struct item *it = item_of(e);
        bool meant = label == NULL
                         ? moves(m, it, to)
                         : span_is_text(it->request.model_version, label->name);
        if (meant && dispatcher_add(&to->dispatcher, it) == STATUS_OK) {
            it->server = to;
            item_set_version(it, to->spec.version);
        } else {
            return_item(from, it);
        }
        e = next;
    }
}

void
model_hand_over(struct model *m, struct version *from, struct version *to)
{
    hand_over(m, from, to, NULL);
}

void
model_hand_over_label(struct model *m,
                      struct version *from,
                      struct version *to,
                      const struct version_label *label)
{
    hand_over(m, from, to, label);
}

void
model_vacate(struct model *m, struct version *from)
{
    struct former_list waiting;
    former_empty(from->dispatcher.former, &waiting);
    for (struct former_entry *e = waiting.first; e != NULL;) {
        struct former_entry *next = e->next;
        lobby_add(&m->lobby, item_of(e));
        e = next;
    }
    version_leave(from);
}

/* Cancelling. */

static bool
withdraw(struct model *m, struct item *it)
{
    if (it->in_lobby) {
        lobby_remove(&m->lobby, it);
        return true;
    }
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (v == it->server && v->open) {
            return dispatcher_cancel(&v->dispatcher, it);
        }
    }
    return false;
}

void
model_cancel_item(struct model *m, struct item *it)
{
    if (withdraw(m, it)) {
        item_started(NULL, it);
        reply_cancel(it);
    }
}
