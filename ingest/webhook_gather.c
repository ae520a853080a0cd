/* SPDX-License-Identifier: Apache-2.0 */
/* Our own page is added last, when the others have come: then it is of the same time.
 */
#include "ingest/webhook_gather.h"

#include "base/clock.h"
#include "ingest/answer.h"
#include "ingest/metrics.h"
#include "ingest/peer_call.h"
#include "ingest/problem.h"
#include "ingest/service.h"
#include "ingest/webhook_merge.h"
#include "schemas/oip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { OTHERS_MAX = 64, QUERY_SIZE = 128 };

#define ANSWER_WITHIN_NS (5 * NS_PER_S)

struct gather {
    struct ingest *ingest;
    struct http_exchange *x; /* NULL: its client went */
    struct webhook_page page;
    struct webhook_merge merge;
    size_t under_way; /* calls, and one for whoever begins them */
    enum status status;
};

struct page_text {
    struct buf *out;
    size_t count;
};

static void
write_delivery(void *arg, const struct webhook_record *w)
{
    struct page_text *page = arg;
    struct buf *b = page->out;
    char id[UUID_TEXT];
    uuid_format(&w->id, id);
    buf_append_format(b, "%s{\"id\":\"%.*s\",\"state\":\"%s\",\"attempts\":%" PRId32,
                      page->count++ == 0 ? "" : ",", UUID_TEXT, id,
                      webhook_state_name(w->state), w->attempts);
    buf_append_format(b, ",\"begun_us\":%" PRId64 ",\"%s_us\":%" PRId64, w->begun_us,
                      w->state == WEBHOOK_PENDING ? "due" : "ended", w->due_us);
    if (w->reason.size > 0) {
        buf_append_text(b, ",\"reason\":");
        oip_write_text(w->reason, b);
    }
    buf_append_byte(b, '}');
}

static void
refuse(struct http_exchange *x, enum status status)
{
    const char *detail =
        status == STATUS_CLOSED
            ? "shutting down"
            : "some deliveries are between two owners or still being read";
    status = status == STATUS_CLOSED ? status : STATUS_UNAVAILABLE;
    problem_respond(x, &(struct problem){.status = status, .detail = detail});
}

static enum status
page_write(struct ingest *ingest, const struct webhook_page *page, struct buf *out)
{
    size_t of;
    struct uuid next;
    struct page_text text = {.out = out};
    buf_append_format(out, "{\"partitions\":%zu,\"webhooks\":[",
                      results_webhook_partitions(ingest->results, &of));
    bool more = results_webhooks(ingest->results, page, write_delivery, &text, &next);
    buf_append_text(out, "]");
    if (more) {
        char id[UUID_TEXT];
        uuid_format(&next, id);
        buf_append_format(out, ",\"next\":\"%.*s\"", UUID_TEXT, id);
    }
    buf_append_byte(out, '}');
    return out->status;
}

void
webhook_page_respond(struct ingest *ingest,
                     struct http_exchange *x,
                     const struct webhook_page *page)
{
    struct buf body;
    buf_init(&body, WEBHOOK_PAGE_BYTES_MAX);
    if (page_write(ingest, page, &body) == STATUS_OK) {
        answer_json(x, 200, &body);
    } else {
        refuse(x, body.status);
    }
    buf_fini(&body);
}

/* Between two assignments some partitions are nobody's, or just being read. Without a
 * way to other instances a page can be of our own only. */
static enum status
add_own(struct gather *g)
{
    size_t of;
    struct buf own;
    buf_init(&own, WEBHOOK_PAGE_BYTES_MAX);
    enum status status = page_write(g->ingest, &g->page, &own);
    if (status == STATUS_OK) {
        status = webhook_merge_add(&g->merge, buf_span(&own));
    }
    buf_fini(&own);
    (void)results_webhook_partitions(g->ingest->results, &of);
    bool whole = g->ingest->peers == NULL || (of > 0 && g->merge.partitions == of);
    return status == STATUS_OK && !whole ? STATUS_UNAVAILABLE : status;
}

static void
respond(struct gather *g)
{
    struct buf body;
    http_watch_gone(g->x, NULL, NULL);
    if (g->status == STATUS_OK) {
        g->status = add_own(g);
    }
    if (g->status != STATUS_OK) {
        refuse(g->x, g->status);
        return;
    }
    buf_init(&body, WEBHOOK_PAGE_BYTES_MAX);
    webhook_merge_write(&g->merge, g->page.limit, &body);
    answer_json(g->x, 200, &body);
    buf_fini(&body);
}

static void
gather_done(struct gather *g)
{
    if (--g->under_way > 0) {
        return;
    }
    if (g->x != NULL) {
        respond(g);
    }
    webhook_merge_fini(&g->merge);
    free(g);
}

static void
answered(void *arg, const struct http_answer *answer)
{
    struct gather *g = arg;
    bool told = answer->status == STATUS_OK && answer->code == 200 &&
                webhook_merge_add(&g->merge, answer->body) == STATUS_OK;
    metric_add(&ingest_metrics[told ? METRIC_FORWARD_ANSWERED : METRIC_FORWARD_FAILED],
               1);
    if (answer->status == STATUS_CLOSED) {
        g->status = STATUS_CLOSED;
    } else if (!told) {
        results_owner_failed(g->ingest->results);
        g->status = STATUS_UNAVAILABLE;
    }
    gather_done(g);
}

static void
on_gone(void *arg, struct http_exchange *x)
{
    struct gather *g = arg;
    g->x = NULL;
    metric_add(&ingest_metrics[METRIC_GONE], 1);
    http_respond(x, 499, NULL, 0, NULL); /* dropped by the server; nobody reads it */
}

static void
query_write(const struct webhook_page *page, char query[static QUERY_SIZE])
{
    char from[UUID_TEXT];
    bool any = page->state == WEBHOOK_STATE_COUNT;
    uuid_format(&page->from, from);
    snprintf(query, QUERY_SIZE, "limit=%zu&from=%.*s%s%s", page->limit, UUID_TEXT, from,
             any ? "" : "&state=", any ? "" : webhook_state_name(page->state));
}

static void
ask_all(struct gather *g, char (*addresses)[RESULTS_ADDRESS_SIZE], size_t count)
{
    char query[QUERY_SIZE];
    query_write(&g->page, query);
    const char *tenant = arena_text(&g->ingest->arena, g->page.tenant);
    const struct peer_request request = {
        .method = "GET",
        .path = span_of_text("/v1/webhooks"),
        .query = query,
        .headers = {{PEER_TENANT_HEADER, tenant == NULL ? "" : tenant}},
        .header_count = 1,
        .timeout_ns = ANSWER_WITHIN_NS,
    };
    for (size_t i = 0; i < count && g->status == STATUS_OK; i++) {
        g->status =
            peer_call_start(g->ingest->peers, addresses[i], &request, answered, g);
        g->under_way += g->status == STATUS_OK ? 1 : 0;
    }
}

void
webhook_gather(struct ingest *ingest,
               struct http_exchange *x,
               const struct tenant *tenant,
               const struct webhook_page *page)
{
    char others[OTHERS_MAX][RESULTS_ADDRESS_SIZE];
    size_t count = 0;
    enum status status = results_others(ingest->results, others, OTHERS_MAX, &count);
    struct gather *g = status == STATUS_OK ? calloc(1, sizeof(*g)) : NULL;
    if (g == NULL || ingest->errands_closed) {
        free(g);
        refuse(x, ingest->errands_closed ? STATUS_CLOSED : STATUS_UNAVAILABLE);
        return;
    }
    *g = (struct gather){.ingest = ingest, .x = x, .page = *page, .under_way = 1};
    g->page.tenant = tenant_name(tenant);
    webhook_merge_init(&g->merge);
    http_watch_gone(x, on_gone, g);
    ask_all(g, others, count);
    gather_done(g);
}
