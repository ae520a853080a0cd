/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an upload has lent to the producer: its lines, oldest first, so that it can say
 * below which line everything is stored; and the records of the batch itself.
 */
#include "base/clock.h"
#include "ingest/bulk_upload_state.h"
#include "ingest/metrics.h"
#include "ingest/service.h"
#include "schemas/codec.h"

#include <stdio.h>

/* The records of the batch itself. */

/* So that what is acknowledged can be read at once: its own record has not come round
 * through Kafka yet. Noting it twice changes nothing. */
static void
note_own(struct upload *u, const struct bulk_record *record)
{
    struct batches *batches = results_batches(u->ingest->results);
    struct batch_view view;
    struct reply reply;
    arena_reset(&u->ingest->arena);
    if (batches_find(batches, &u->terms.batch, u->terms.tenant, &view) !=
            STATUS_MISDIRECTED &&
        reply_decode(buf_span(&record->bytes), &u->ingest->arena, &reply, NULL) ==
            STATUS_OK) {
        batches_note(batches, &reply, clock_wall_us());
    }
}

static void
own_reported(struct bulk_record *record, const struct delivery *d)
{
    struct upload *u = record->owner;
    u->lent_own--;
    if (d->status == STATUS_OK) {
        note_own(u, record);
    }
    bulk_record_free(record);
    if (d->status != STATUS_OK) {
        upload_fail(u, STATUS_UNAVAILABLE, "Kafka did not store the batch's record");
    } else if (u->state == UPLOAD_OPENING) {
        u->state = UPLOAD_TAKING;
    } else if (u->state == UPLOAD_CLOSING && u->lent_own == 0) {
        u->state = UPLOAD_OVER;
    }
    loop_wake(u->ingest->loop);
}

enum status
upload_send_own(struct upload *u, enum reply_status status)
{
    struct bulk_record *record = bulk_record_make(own_reported, u, 0);
    if (record == NULL) {
        return STATUS_NO_MEMORY;
    }
    char text[UUID_TEXT];
    uuid_format(&u->terms.batch, text);
    const struct reply r = {
        .id = u->terms.batch,
        .batch_id = span_of(text, sizeof(text)),
        .model = u->terms.model.size > 0 ? u->terms.model : span_of_text("batch"),
        .status = status,
        .batch_size = (int32_t)upload_stored(u),
        .timing.submitted_us = clock_wall_us(),
        .tenant = u->terms.tenant,
    };
    reply_encode(&r, &record->bytes);
    enum status sent = record->bytes.status;
    if (sent == STATUS_OK) {
        sent = bulk_send_reply(u->ingest->bulk, record, &u->terms.batch);
    }
    if (sent != STATUS_OK) {
        bulk_record_free(record);
        return sent;
    }
    u->lent_own++;
    u->told = upload_stored(u);
    u->told_ns = loop_now(u->ingest->loop);
    return STATUS_OK;
}

/* Lines. */

static void
line_unlink(struct upload *u, struct bulk_record *record)
{
    if (record->previous == NULL) {
        u->first = record->next;
    } else {
        record->previous->next = record->next;
    }
    if (record->next == NULL) {
        u->last = record->previous;
    } else {
        record->next->previous = record->previous;
    }
    u->lent--;
    u->lent_bytes -= record->charged;
    bulk_record_free(record);
}

/* A request that is more than Kafka takes becomes its own refusal.
 * @return whether that is on its way */
static bool
line_replace(struct upload *u, struct bulk_record *record)
{
    struct request r;
    struct ingest *ingest = u->ingest;
    arena_reset(&ingest->arena);
    if (request_decode(buf_span(&record->bytes), &ingest->arena, &r, NULL) !=
        STATUS_OK) {
        return false; /* it is a refusal already */
    }
    struct bulk_line line = {.number = record->line, .id = r.id, .model_name = r.model};
    if (r.batch_id.size > UUID_TEXT) {
        line.body.id =
            span_of(r.batch_id.data + UUID_TEXT + 1, r.batch_id.size - UUID_TEXT - 1);
    }
    struct fault fault;
    (void)fault_set(&fault, STATUS_TOO_LARGE,
                    "as a record the line has %zu bytes, more than Kafka takes",
                    record->bytes.size);
    struct buf refusal;
    buf_init(&refusal, record->bytes.limit);
    bulk_line_encode_failed(&u->terms, &line, &fault, clock_wall_us(), &refusal);
    buf_fini(&record->bytes);
    record->bytes = refusal;
    return refusal.status == STATUS_OK &&
           bulk_send_reply(ingest->bulk, record, &line.id) == STATUS_OK;
}

static void
line_reported(struct bulk_record *record, const struct delivery *d)
{
    struct upload *u = record->owner;
    if (d->status == STATUS_TOO_LARGE && line_replace(u, record)) {
        return;
    }
    if (d->status != STATUS_OK) {
        char detail[160];
        snprintf(detail, sizeof(detail), "Kafka did not store line %u: %s",
                 record->line, d->reason);
        upload_fail(u, STATUS_UNAVAILABLE, detail);
        metric_add(&ingest_metrics[METRIC_NOT_STORED], 1);
    } else {
        metric_add(&ingest_metrics[METRIC_STORED], 1);
    }
    line_unlink(u, record);
    loop_wake(u->ingest->loop);
}

static void
line_lend(struct upload *u, struct bulk_record *record)
{
    record->previous = u->last;
    if (u->last == NULL) {
        u->first = record;
    } else {
        u->last->next = record;
    }
    u->last = record;
    record->charged = record->bytes.size;
    u->lent++;
    u->lent_bytes += record->charged;
}

static enum status
line_encode_and_send(struct upload *u,
                     struct bulk_record *record,
                     struct bulk_line *line,
                     const struct fault *fault)
{
    struct bulk *bulk = u->ingest->bulk;
    int64_t wall_us = clock_wall_us();
    enum status status = STATUS_TOO_LARGE;
    struct fault refused = *fault;
    if (fault->status == STATUS_OK) {
        bulk_line_encode(&u->terms, line, wall_us, &record->bytes);
        status =
            record->bytes.status != STATUS_OK
                ? record->bytes.status
                : bulk_send_request(bulk, record, line->model, line->info, &line->id);
        (void)fault_set(&refused, STATUS_TOO_LARGE,
                        "as a record the line has %zu bytes, more than Kafka takes",
                        record->bytes.size);
    }
    if (status != STATUS_TOO_LARGE) {
        return status;
    }
    buf_reset(&record->bytes);
    bulk_line_encode_failed(&u->terms, line, &refused, wall_us, &record->bytes);
    return record->bytes.status != STATUS_OK ? record->bytes.status
                                             : bulk_send_reply(bulk, record, &line->id);
}

enum status
upload_take_line(struct upload *u, const struct bulk_item *item)
{
    struct ingest *ingest = u->ingest;
    struct bulk_line line = {.number = u->line + 1};
    struct fault fault = {.status = STATUS_OK, .text = ""};
    enum status status = batches_line_id(results_batches(ingest->results),
                                         &u->terms.batch, line.number, &line.id);
    if (status != STATUS_OK) {
        return status;
    }
    arena_reset(&ingest->arena);
    fault.status =
        item->kind == BULK_ROW
            ? bulk_line_read_row(ingest, &u->terms, &u->source, &line, &fault)
            : bulk_line_read(ingest, &u->terms, item, &line, &fault);
    if (item->kind == BULK_ROW && u->source.block.data.data == NULL) {
        return STATUS_INVALID; /* where the next row begins is not known */
    }
    struct bulk_record *record = bulk_record_make(line_reported, u, line.number);
    if (record == NULL) {
        return STATUS_NO_MEMORY;
    }
    status = line_encode_and_send(u, record, &line, &fault);
    if (status != STATUS_OK) {
        bulk_record_free(record);
        return status;
    }
    u->line = line.number;
    line_lend(u, record);
    return STATUS_OK;
}
