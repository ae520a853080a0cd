/* SPDX-License-Identifier: Apache-2.0 */
/* From the head of POST /v1/batches to an upload that takes the body. */
#include "base/clock.h"
#include "ingest/bulk_upload.h"
#include "ingest/bulk_upload_state.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/tenant.h"

#include <string.h>

enum { UPLOADS_MAX = 16 };

struct head {
    struct ingest *ingest;
    struct http_exchange *x;
    const struct tenant *tenant;
    struct uuid id;
    bool named;    /* the caller chose the id */
    uint32_t from; /* first line of this body */
    struct span model;
    struct span version;
    struct fault fault;
};

static enum status
gate(struct head *h)
{
    struct ingest *ingest = h->ingest;
    if (ingest->draining) {
        return fault_set(&h->fault, STATUS_CLOSED, "shutting down");
    }
    if (!publish_connected(ingest->publish)) {
        return fault_set(&h->fault, STATUS_UNAVAILABLE, "Kafka cannot be reached");
    }
    if (!results_open(ingest->results)) {
        return fault_set(&h->fault, STATUS_UNAVAILABLE, "waiting for: %s",
                         results_waiting_for(ingest->results));
    }
    if (!models_topic_caught_up(ingest->models)) {
        return fault_set(&h->fault, STATUS_UNAVAILABLE,
                         "the catalogue of models is still being read");
    }
    if (bulk_lists(ingest->bulk)->upload_count >= UPLOADS_MAX) {
        return fault_set(&h->fault, STATUS_FULL, "%d uploads are under way already",
                         UPLOADS_MAX);
    }
    return STATUS_OK;
}

static enum status
read_model(struct head *h)
{
    h->model = http_query(h->x, "model");
    h->version = http_query(h->x, "version");
    if (h->model.size == 0) {
        return STATUS_OK; /* each line names its own */
    }
    const struct catalogue_model *model =
        catalogue_find(models_topic_catalogue(h->ingest->models), h->model);
    if (model == NULL || h->version.size > NAME_MAX_BYTES ||
        catalogue_version(model, h->version, clock_wall_us(), NULL) == NULL) {
        return fault_set(&h->fault, STATUS_NOT_FOUND,
                         "the model of ?model= (and ?version=) is not known");
    }
    return STATUS_OK;
}

static enum status
read_from(struct head *h)
{
    enum { DIGITS_MAX = 10 };
    struct span text = http_query(h->x, "from");
    uint64_t from = 0;
    if (text.data == NULL) {
        h->from = 1;
        return STATUS_OK;
    }
    for (size_t i = 0; i < text.size && i < DIGITS_MAX; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            from = 0;
            break;
        }
        from = from * 10 + (text.data[i] - '0');
    }
    if (from < 1 || text.size > DIGITS_MAX ||
        from > (uint64_t)h->ingest->config.bulk_lines_max) {
        return fault_set(&h->fault, STATUS_INVALID, "from: not a line number");
    }
    h->from = (uint32_t)from;
    return STATUS_OK;
}

/* A batch that goes on must go on where it broke off: a gap would never be answered. */
static enum status
check_known(struct head *h)
{
    struct ingest *ingest = h->ingest;
    struct batch_view view = {0};
    if (upload_is_open(bulk_lists(ingest->bulk), &h->id)) {
        return fault_set(&h->fault, STATUS_CONFLICT, "the batch is being uploaded now");
    }
    enum status status = batches_find(results_batches(ingest->results), &h->id,
                                      tenant_name(h->tenant), &view);
    if (status == STATUS_UNAVAILABLE) {
        return fault_set(&h->fault, status,
                         "the batch's partition is still being read");
    }
    if (view.closed) {
        return fault_set(&h->fault, STATUS_CONFLICT, "the batch is complete already");
    }
    if (status != STATUS_MISDIRECTED && h->from - 1 > view.lines) {
        return fault_set(&h->fault, STATUS_CONFLICT, "from: only %llu lines are stored",
                         (unsigned long long)view.lines);
    }
    return STATUS_OK;
}

static enum status
read_id(struct head *h)
{
    struct span text = http_query(h->x, "id");
    h->named = text.data != NULL;
    if (!h->named) {
        if (h->from > 1) {
            return fault_set(&h->fault, STATUS_INVALID, "from: needs the batch's id");
        }
        enum status status = results_mint(h->ingest->results, clock_wall_us(), &h->id);
        return status == STATUS_OK
                   ? status
                   : fault_set(&h->fault, status, "no id can be given now");
    }
    if (uuid_parse(text, &h->id) != STATUS_OK) {
        return fault_set(&h->fault, STATUS_INVALID, "id: not a UUID");
    }
    return check_known(h);
}

static struct span
copy_name(struct span text, char copy[static NAME_MAX_BYTES])
{
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return span_of(copy, text.size);
}

static enum status
begin(struct head *h)
{
    struct upload *u = upload_make(h->ingest, h->x, h->from);
    if (u == NULL) {
        return fault_set(&h->fault, STATUS_NO_MEMORY, "no memory for an upload");
    }
    u->terms = (struct bulk_terms){
        .batch = h->id,
        .tenant = tenant_name(h->tenant),
        .model = copy_name(h->model, u->model),
        .version = copy_name(h->version, u->version),
    };
    enum status status = upload_send_own(u, REPLY_QUEUED);
    if (status != STATUS_OK) {
        upload_free(u);
        return fault_set(&h->fault,
                         status == STATUS_NOT_FOUND ? STATUS_UNAVAILABLE : status,
                         "the batch's record cannot be sent to Kafka");
    }
    http_stream_body(h->x, &upload_body_events, u);
    return STATUS_OK;
}

void
batch_post(struct ingest *ingest,
           struct http_exchange *x,
           const struct route_match *match)
{
    static enum status (*const steps[])(struct head *) = {gate, read_model, read_from,
                                                          read_id, begin};
    struct head h = {.ingest = ingest, .x = x, .tenant = match->tenant};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        enum status status = steps[i](&h);
        if (status != STATUS_OK) {
            h.fault.status = status;
            problem_respond_fault(x, &h.fault);
            return;
        }
    }
}
