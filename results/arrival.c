/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reply that comes in: to whoever waits for it, into the store, to its batch and its
 * webhook. The first terminal one of an id is the answer; all that come later are known
 * by the store and answer nobody.
 */
#include "base/clock.h"
#include "base/log.h"
#include "results/results_state.h"

enum status
results_look_up(struct results *r, const struct uuid *id, struct stored *stored)
{
    if (r->arriving != NULL && uuid_equal(id, &r->arriving->id)) {
        *stored = r->arriving->stored;
        return STATUS_OK;
    }
    return store_get(r->store, id, clock_wall_us(), stored);
}

static enum status
keep(struct results *r, const struct uuid *id, const struct stored *stored)
{
    bool late = stored->arrived_us + r->ttl_us < clock_wall_us();
    enum status status = late ? STATUS_OK : store_put(r->store, id, stored);
    metric_add(results_metric(ROW_LATE), late);
    if (status == STATUS_CONFLICT) {
        metric_add(results_metric(ROW_DUPLICATES), stored->terminal);
    } else if (status != STATUS_OK) {
        log_warn("reply_not_kept", log_status(status));
    }
    return status;
}

/* Somebody waits. Whether a connection takes the answer decides how long it is kept, so
 * it is stored after it was told; a second one is known by asking first. */
static enum status
tell_and_keep(struct results *r, const struct reply *reply, struct stored *stored)
{
    if (store_ended(r->store, &reply->id, stored->arrived_us)) {
        metric_add(results_metric(ROW_DUPLICATES), 1);
        return STATUS_CONFLICT;
    }
    const struct arrival arrival = {reply->id, *stored};
    r->arriving = &arrival;
    r->delivered = false;
    results_note_ended(ROW_ENDED_ANSWERED, correlate_answer(&r->correlate, reply));
    r->arriving = NULL;
    stored->delivered = r->delivered;
    return keep(r, &reply->id, stored);
}

void
results_on_reply(void *arg,
                 const struct reply *reply,
                 struct span bytes,
                 int64_t arrived_us)
{
    struct results *r = arg;
    struct stored stored = {
        .arrived_us = arrived_us,
        .terminal = reply_is_terminal(reply),
        .bytes = bytes,
    };
    bool late = arrived_us + r->ttl_us < clock_wall_us();
    if (batches_is_own(reply)) {
        if (!late) {
            batches_note(r->batches, reply, arrived_us);
        }
        return;
    }
    bool told = stored.terminal && correlate_waits(&r->correlate, &reply->id);
    enum status status =
        told ? tell_and_keep(r, reply, &stored) : keep(r, &reply->id, &stored);
    if (stored.terminal && status == STATUS_OK && !late) {
        batches_note(r->batches, reply, arrived_us);
    }
    if (stored.terminal && status != STATUS_CONFLICT) {
        webhooks_begin(push_webhooks(r->push), reply, loop_now(r->loop), arrived_us);
    }
}

void
results_delivered(struct results *r, const struct uuid *id)
{
    if (r->arriving != NULL && uuid_equal(id, &r->arriving->id)) {
        r->delivered = true;
    }
}

void
results_queued(struct results *r, const struct uuid *id, struct span bytes)
{
    if (r->arriving != NULL && uuid_equal(id, &r->arriving->id)) {
        return;
    }
    /* As early as can be: no record that comes for it may look older (store.h). */
    int64_t minted_us = uuid_minted_us(id);
    int64_t wall_us = clock_wall_us();
    const struct stored stored = {
        .arrived_us = minted_us > 0 && minted_us < wall_us ? minted_us : wall_us,
        .bytes = bytes,
    };
    enum status status = store_put(r->store, id, &stored);
    if (status != STATUS_OK && status != STATUS_CONFLICT) {
        log_warn("queued_not_kept", log_status(status));
    }
}
