/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anybody may write a batch_id into a record, so a reply counts as a line only if its
 * id is one that the batch gives out, and only for the tenant whose batch it is.
 */
#include "results/batches.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/batch_line.h"
#include "results/owner.h"
#include "results/store.h"
#include "results/store_batch.h"

#include <stdlib.h>
#include <string.h>

/* Of forgetting: how much at once, so that a turn stays short, and how often. */
enum { ROWS_PER_TURN = 64, NOTES_PER_TURN = 2000 };

#define SWEEP_NS NS_PER_S
#define GO_ON_NS (20 * NS_PER_MS)

struct batches {
    struct batches_config config;
    struct uuid swept; /* looked at last */
    int64_t sweep_ns;
};

enum status
batches_create(struct batches **out, const struct batches_config *config)
{
    struct batches *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return STATUS_NO_MEMORY;
    }
    b->config = *config;
    *out = b;
    return STATUS_OK;
}

void
batches_destroy(struct batches **batches)
{
    free(*batches);
    *batches = NULL;
}

bool
batches_is_own(const struct reply *reply)
{
    struct uuid batch;
    struct span own_id;
    return reply->batch_id.size == UUID_TEXT &&
           batch_id_parse(reply->batch_id, &batch, &own_id) == STATUS_OK &&
           uuid_equal(&batch, &reply->id);
}

struct span
batches_own_id(const struct reply *reply)
{
    struct uuid batch;
    struct span own_id;
    bool given = batch_id_parse(reply->batch_id, &batch, &own_id) == STATUS_OK;
    return given ? own_id : span_of(NULL, 0);
}

static bool
is_tenants(const struct batch_row *row, struct span tenant)
{
    return span_equal(span_of(row->tenant, row->tenant_size), tenant);
}

/* @return false: it is another tenant's */
static bool
row_for(struct batches *b,
        const struct uuid *id,
        const struct reply *reply,
        struct batch_row *row)
{
    if (store_batch_get(b->config.store, id, row) == STATUS_OK) {
        return is_tenants(row, reply->tenant);
    }
    if (reply->tenant.size > sizeof row->tenant) {
        return false;
    }
    *row = (struct batch_row){.created_us = reply->timing.submitted_us,
                              .tenant_size = reply->tenant.size};
    if (reply->tenant.size > 0) {
        memcpy(row->tenant, reply->tenant.data, reply->tenant.size);
    }
    return true;
}

/* Records of an upload may come in any order, and twice. */
static void
note_own(struct batch_row *row, const struct reply *reply)
{
    uint64_t lines = reply->batch_size > 0 ? (uint64_t)reply->batch_size : 0;
    bool closes = reply_is_terminal(reply);
    if (closes && row->closed == 0) {
        row->lines = lines;
        row->closed = 1;
    } else if (row->closed == 0 && lines > row->lines) {
        row->lines = lines;
    }
}

static enum status
note_line(struct batches *b,
          const struct uuid *id,
          const struct reply *reply,
          struct batch_row *row)
{
    uint32_t line = batch_line_number(id, &reply->id);
    struct uuid derived;
    if (line == 0 || batches_line_id(b, id, line, &derived) != STATUS_OK ||
        !uuid_equal(&derived, &reply->id)) {
        return STATUS_NOT_FOUND;
    }
    enum status status = store_batch_note(b->config.store, id, row->ended, line);
    row->ended++;
    row->counts[reply->status]++;
    return status;
}

void
batches_note(struct batches *b, const struct reply *reply, int64_t arrived_us)
{
    struct uuid id;
    struct span own_id;
    struct batch_row row;
    if (reply->batch_id.size == 0 ||
        batch_id_parse(reply->batch_id, &id, &own_id) != STATUS_OK ||
        !row_for(b, &id, reply, &row)) {
        return;
    }
    enum status status = STATUS_OK;
    if (uuid_equal(&id, &reply->id)) {
        note_own(&row, reply);
    } else {
        status = note_line(b, &id, reply, &row);
    }
    if (status == STATUS_NOT_FOUND) {
        return;
    }
    row.newest_us = arrived_us > row.newest_us ? arrived_us : row.newest_us;
    status = status == STATUS_OK ? store_batch_put(b->config.store, &id, &row) : status;
    if (status != STATUS_OK) {
        log_warn("batch_not_kept", log_status(status));
    }
}

enum status
batches_find(struct batches *b,
             const struct uuid *id,
             struct span tenant,
             struct batch_view *view)
{
    int32_t partition = owner_partition(b->config.owner, id);
    if (b->config.owner->owned_count == 0) {
        return STATUS_UNAVAILABLE;
    }
    if (!owner_has(b->config.owner, partition)) {
        return STATUS_MISDIRECTED;
    }
    struct batch_row row;
    if (store_batch_get(b->config.store, id, &row) != STATUS_OK ||
        !is_tenants(&row, tenant)) {
        bool complete = b->config.caught_up(b->config.arg, partition) &&
                        !store_damaged(b->config.store);
        return complete ? STATUS_NOT_FOUND : STATUS_UNAVAILABLE;
    }
    *view = (struct batch_view){.created_us = row.created_us,
                                .lines = row.lines,
                                .closed = row.closed != 0,
                                .ended = row.ended};
    memcpy(view->counts, row.counts, sizeof view->counts);
    return STATUS_OK;
}

enum status
batches_line_id(const struct batches *b,
                const struct uuid *id,
                uint32_t line,
                struct uuid *line_id)
{
    int32_t partitions = b->config.owner->partition_count;
    return partitions == 0 ? STATUS_UNAVAILABLE
                           : batch_line_id(id, line, partitions, line_id);
}

enum status
batches_ended(struct batches *b, const struct uuid *id, uint64_t n, uint32_t *line)
{
    return store_batch_noted(b->config.store, id, n, line);
}

int64_t
batches_turn(struct batches *b, int64_t now_ns, int64_t wall_us)
{
    static const struct uuid before_all;
    if (now_ns < b->sweep_ns) {
        return b->sweep_ns;
    }
    b->sweep_ns = now_ns + SWEEP_NS;
    for (int i = 0; i < ROWS_PER_TURN; i++) {
        struct uuid id = b->swept;
        struct batch_row row;
        if (store_batch_next(b->config.store, &id, &row) != STATUS_OK) {
            b->swept = before_all;
            return b->sweep_ns;
        }
        if (row.newest_us + b->config.ttl_us < wall_us &&
            !store_batch_drop(b->config.store, &id, NOTES_PER_TURN)) {
            b->sweep_ns = now_ns + GO_ON_NS; /* more of the same one */
            return b->sweep_ns;
        }
        b->swept = id;
    }
    b->sweep_ns = now_ns + GO_ON_NS;
    return b->sweep_ns;
}
