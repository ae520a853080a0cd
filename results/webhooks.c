/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery waits in the heap for its time, then possibly in the line of its endpoint
 * for one of four places, then for the answer. URL and body stay in the store; memory
 * holds about a hundred bytes per delivery.
 */
#include "results/webhooks.h"

#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/map.h"
#include "results/attempt.h"
#include "results/delivery.h"
#include "results/endpoint.h"
#include "results/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    CALLS_MAX = 64,
    CALLS_PER_ENDPOINT = 4,
    RETRY_AFTER_MAX_S = 3600,
    JITTER_PERCENT = 20,
};

#define BUSY_NS   (100 * NS_PER_MS)
#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)

const int64_t webhook_delays_ns[WEBHOOK_ATTEMPTS_MAX] = {
    0,           5 * NS_PER_S, 5 * MINUTE_NS, 30 * MINUTE_NS, 2 * HOUR_NS,
    5 * HOUR_NS, 10 * HOUR_NS, 14 * HOUR_NS,  20 * HOUR_NS,   24 * HOUR_NS,
};

struct delivery {
    struct heap_node due;            /* first: see delivery_of() */
    struct endpoint_waiting waiting; /* for a place at the endpoint */
    int64_t due_ns;
    struct uuid id; /* of the job */
    struct webhooks *webhooks;
    struct endpoint *endpoint;
    struct delivery *next; /* all deliveries */
    struct delivery **link;
};

struct webhooks {
    struct webhooks_config config;
    struct store *store;
    struct http_caller *caller; /* NULL while none can be sent */
    struct secrets secrets;
    struct heap due;
    struct map endpoints;
    struct delivery *all;
    size_t pending;
    unsigned calls;
    struct buf scratch;
};

static bool
due_earlier(const struct heap_node *a, const struct heap_node *b)
{
    return ((const struct delivery *)(const void *)a)->due_ns <
           ((const struct delivery *)(const void *)b)->due_ns;
}

static struct delivery *
delivery_of(struct heap_node *node)
{
    return (struct delivery *)(void *)node;
}

static struct delivery *
delivery_waiting(struct endpoint_waiting *waiting)
{
    char *inside = (char *)waiting;
    return (struct delivery *)(void *)(inside - offsetof(struct delivery, waiting));
}

static void
set_pending(struct webhooks *w, size_t pending)
{
    w->pending = pending;
    metric_set(results_metric(ROW_WEBHOOKS_PENDING), (int64_t)pending);
}

static bool
delivery_add(struct webhooks *w, const struct uuid *id, struct span url, int64_t due_ns)
{
    if (w->pending >= (size_t)w->config.pending_max) {
        return false;
    }
    struct delivery *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return false;
    }
    *d = (struct delivery){.due = {.at = HEAP_OUTSIDE},
                           .due_ns = due_ns,
                           .id = *id,
                           .webhooks = w,
                           .endpoint = endpoint_borrow(&w->endpoints, url)};
    if (d->endpoint == NULL) {
        free(d);
        return false;
    }
    if (heap_insert(&w->due, &d->due) != STATUS_OK) {
        endpoint_return(&w->endpoints, d->endpoint);
        free(d);
        return false;
    }
    d->next = w->all;
    d->link = &w->all;
    if (d->next != NULL) {
        d->next->link = &d->next;
    }
    w->all = d;
    set_pending(w, w->pending + 1);
    return true;
}

static void
delivery_free(struct delivery *d)
{
    struct webhooks *w = d->webhooks;
    heap_remove(&w->due, &d->due);
    *d->link = d->next;
    if (d->next != NULL) {
        d->next->link = d->link;
    }
    endpoint_return(&w->endpoints, d->endpoint);
    free(d);
    set_pending(w, w->pending - 1);
}

static void
keep(struct webhooks *w, const struct uuid *id, const struct delivery_record *record)
{
    bool settled = record->view.state != WEBHOOK_PENDING;
    buf_reset(&w->scratch);
    delivery_write(record, &w->scratch);
    enum status status = w->scratch.status;
    if (status == STATUS_OK) {
        status = store_delivery_put(w->store, id, settled, buf_span(&w->scratch));
    }
    if (status != STATUS_OK) {
        log_error("webhook_not_kept", log_status(status));
    }
}

static void
log_settled(const struct uuid *id, const struct webhook_view *view, const char *reason)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    log_warn("webhook_ended", log_span("id", span_of(text, UUID_TEXT)),
             log_text("state", webhook_state_name(view->state)),
             log_int("attempts", view->attempts), log_text("reason", reason));
}

/* The end of a delivery stays visible as long as the result is. */
static void
settle(struct webhooks *w,
       const struct uuid *id,
       struct webhook_view view,
       const char *reason)
{
    static const enum results_row rows[WEBHOOK_STATE_COUNT] = {
        [WEBHOOK_DELIVERED] = ROW_WEBHOOKS_DELIVERED,
        [WEBHOOK_EXHAUSTED] = ROW_WEBHOOKS_EXHAUSTED,
        [WEBHOOK_STOPPED] = ROW_WEBHOOKS_STOPPED,
    };
    struct stored result;
    metric_add(results_metric(rows[view.state]), 1);
    if (view.state != WEBHOOK_DELIVERED) {
        log_settled(id, &view, reason);
    }
    if (store_get(w->store, id, clock_wall_us(), &result) == STATUS_OK) {
        keep(w, id, &(struct delivery_record){.view = view});
    } else {
        store_delivery_remove(w->store, id);
    }
}

static int64_t
delay_before(const struct webhooks *w, int64_t attempt, int64_t retry_after_s)
{
    uint32_t random = 0;
    int64_t delay_ns = w->config.delays_ns[attempt];
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) == (ssize_t)sizeof random) {
        int64_t percent = (int64_t)(random % (2 * JITTER_PERCENT + 1)) - JITTER_PERCENT;
        delay_ns += delay_ns / 100 * percent;
    }
    int64_t asked_s =
        retry_after_s < RETRY_AFTER_MAX_S ? retry_after_s : RETRY_AFTER_MAX_S;
    return asked_s * NS_PER_S > delay_ns ? asked_s * NS_PER_S : delay_ns;
}

static void
schedule(struct delivery *d, int64_t due_ns)
{
    d->due_ns = due_ns;
    if (heap_insert(&d->webhooks->due, &d->due) != STATUS_OK) {
        log_error("webhook_postponed", log_text("reason", "no memory"));
        delivery_free(d); /* the store has it: taken up again at the next start */
    }
}

static void
wait_again(struct delivery *d, struct delivery_record *record, int64_t retry_after_s)
{
    struct webhooks *w = d->webhooks;
    int64_t delay_ns = delay_before(w, record->view.attempts, retry_after_s);
    record->view.due_us = clock_wall_us() + delay_ns / NS_PER_US;
    keep(w, &d->id, record);
    schedule(d, clock_mono_ns() + delay_ns);
}

/* The next in line has its turn; the loop's next one. */
static void
advance(struct endpoint *e, int64_t now_ns)
{
    struct endpoint_waiting *waiting = endpoint_next(e);
    if (waiting != NULL) {
        struct delivery *d = delivery_waiting(waiting);
        schedule(d, now_ns);
    }
}

/* Why no further attempt is made, for whoever reads the log. */
static void
write_reason(const struct http_answer *answer, char *reason, size_t size)
{
    if (answer->status == STATUS_OK) {
        snprintf(reason, size, "answered %d", answer->code);
    } else if (answer->status == STATUS_UNSUPPORTED) {
        snprintf(reason, size, "a private address (webhook.allow.private)");
    } else {
        snprintf(reason, size, "%s", status_name(answer->status));
    }
}

static void
on_answer(void *arg, const struct http_answer *answer)
{
    struct delivery *d = arg;
    struct webhooks *w = d->webhooks;
    struct endpoint *e = d->endpoint;
    struct span bytes;
    struct delivery_record record;
    w->calls--;
    e->calls--;
    if (answer->status == STATUS_CLOSED) {
        delivery_free(d);
        return;
    }
    if (store_delivery_get(w->store, &d->id, &bytes) != STATUS_OK ||
        delivery_read(bytes, &record) != STATUS_OK) {
        record = (struct delivery_record){.view = {.attempts = w->config.attempts_max}};
    }
    record.view.attempts++;
    record.view.state =
        attempt_judge(answer, record.view.attempts >= w->config.attempts_max);
    record.view.due_us = clock_wall_us();
    advance(e, clock_mono_ns());
    if (record.view.state == WEBHOOK_PENDING) {
        wait_again(d, &record, answer->retry_after_s);
        return;
    }
    char reason[64];
    write_reason(answer, reason, sizeof reason);
    settle(w, &d->id, record.view, reason);
    delivery_free(d);
}

static void
start(struct delivery *d, int64_t now_ns)
{
    struct webhooks *w = d->webhooks;
    struct span bytes;
    struct delivery_record record;
    if (store_delivery_get(w->store, &d->id, &bytes) != STATUS_OK ||
        delivery_read(bytes, &record) != STATUS_OK) {
        log_error("webhook_lost", log_text("reason", "not in the store"));
        advance(d->endpoint, now_ns);
        delivery_free(d);
        return;
    }
    const struct attempt attempt = {
        .secrets = &w->secrets,
        .id = &d->id,
        .url = record.url,
        .body = record.body,
        .timeout_ns = w->config.timeout_ns,
        .allow_private = w->config.allow_private,
    };
    if (attempt_start(w->caller, &attempt, on_answer, d) == STATUS_OK) {
        metric_add(results_metric(ROW_WEBHOOK_ATTEMPTS), 1);
        w->calls++;
        d->endpoint->calls++;
        return;
    }
    schedule(d, now_ns + BUSY_NS);
}

int64_t
webhooks_turn(struct webhooks *w, int64_t now_ns)
{
    while (w->calls < CALLS_MAX) {
        struct delivery *d = delivery_of(heap_peek(&w->due));
        if (d == NULL) {
            return TIME_NEVER;
        }
        if (d->due_ns > now_ns) {
            return d->due_ns;
        }
        heap_remove(&w->due, &d->due);
        if (d->endpoint->calls >= CALLS_PER_ENDPOINT) {
            endpoint_queue(d->endpoint, &d->waiting);
        } else {
            start(d, now_ns);
        }
    }
    return TIME_NEVER; /* an answer wakes the loop */
}

static void
begin(struct webhooks *w, const struct reply *reply, int64_t now_ns, int64_t wall_us)
{
    struct buf body;
    buf_init(&body, DELIVERY_BODY_MAX);
    delivery_write_body(reply, wall_us, &body);
    struct delivery_record record = {.view = {.due_us = wall_us},
                                     .url = reply->webhook.url,
                                     .body = buf_span(&body)};
    if (body.status == STATUS_OK) {
        keep(w, &reply->id, &record);
    }
    if (body.status != STATUS_OK ||
        !delivery_add(w, &reply->id, reply->webhook.url, now_ns)) {
        record.view.state = WEBHOOK_EXHAUSTED;
        settle(w, &reply->id, record.view, "webhook.pending.max reached, or no memory");
    }
    buf_fini(&body);
}

void
webhooks_begin(struct webhooks *w,
               const struct reply *reply,
               int64_t now_ns,
               int64_t wall_us)
{
    struct span known;
    if (!delivery_is_wanted(reply) ||
        store_delivery_get(w->store, &reply->id, &known) == STATUS_OK) {
        return;
    }
    struct webhook_view never = {.state = WEBHOOK_EXHAUSTED, .due_us = wall_us};
    if (!webhooks_enabled(w)) {
        settle(w, &reply->id, never, "no webhook.secret.file to sign with");
        return;
    }
    if (reply->webhook.url.size > ATTEMPT_URL_MAX ||
        memchr(reply->webhook.url.data, 0, reply->webhook.url.size) != NULL) {
        settle(w, &reply->id, never, "the URL is no URL");
        return;
    }
    begin(w, reply, now_ns, wall_us);
}

static void
take_up(void *arg, const struct uuid *id, struct span bytes)
{
    struct webhooks *w = arg;
    struct delivery_record record;
    if (delivery_read(bytes, &record) != STATUS_OK ||
        record.url.size > ATTEMPT_URL_MAX) {
        return;
    }
    int64_t wait_ns = (record.view.due_us - clock_wall_us()) * NS_PER_US;
    int64_t due_ns = clock_mono_ns() + (wait_ns > 0 ? wait_ns : 0);
    if (!delivery_add(w, id, record.url, due_ns)) {
        log_warn("webhook_left", log_text("reason", "webhook.pending.max reached"));
    }
}

enum status
webhooks_create(struct webhooks **out,
                struct loop *loop,
                struct store *store,
                const struct webhooks_config *config,
                struct fault *fault)
{
    struct webhooks *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for webhooks");
    }
    w->config = *config;
    w->store = store;
    heap_init(&w->due, (size_t)config->pending_max, due_earlier);
    map_init(&w->endpoints, (size_t)config->pending_max, 0); /* keys are digests */
    buf_init(&w->scratch, DELIVERY_BODY_MAX + ATTEMPT_URL_MAX + 1024);
    enum status status = STATUS_OK;
    if (config->secret_file != NULL) {
        status = secrets_read(&w->secrets, config->secret_file, fault);
        if (status == STATUS_OK) {
            status = http_caller_create(&w->caller, loop, CALLS_MAX);
        }
    }
    if (status != STATUS_OK) {
        webhooks_destroy(&w);
        return status;
    }
    if (webhooks_enabled(w)) {
        store_delivery_each(store, take_up, w);
    }
    *out = w;
    return STATUS_OK;
}

void
webhooks_destroy(struct webhooks **webhooks)
{
    struct webhooks *w = *webhooks;
    *webhooks = NULL;
    if (w == NULL) {
        return;
    }
    http_caller_destroy(&w->caller);
    struct delivery *d = w->all;
    while (d != NULL) {
        struct delivery *next = d->next;
        delivery_free(d);
        d = next;
    }
    heap_fini(&w->due);
    map_fini(&w->endpoints);
    buf_fini(&w->scratch);
    secrets_fini(&w->secrets);
    free(w);
}

bool
webhooks_enabled(const struct webhooks *w)
{
    return w->caller != NULL;
}
