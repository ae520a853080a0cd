/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery_book.c says how a delivery stands, delivery_line.c whose turn it is. What
 * the store holds of ours and does not stand in the line is taken up when the journal
 * has been read, and when there is room again.
 */
#include "results/webhooks.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/attempt.h"
#include "results/delivery.h"
#include "results/delivery_line.h"
#include "results/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    CALLS_MAX = 256,
    TAKEN_PER_TURN = 128,
    RETRY_AFTER_MAX_S = 3600,
    JITTER_PERCENT = 20,
};

#define BUSY_NS    (100 * NS_PER_MS)
#define SWEEP_NS   NS_PER_S
#define TAKE_UP_NS (10 * NS_PER_S)
#define MINUTE_NS  (60 * NS_PER_S)
#define HOUR_NS    (60 * MINUTE_NS)

const int64_t webhook_delays_ns[WEBHOOK_ATTEMPTS_MAX] = {
    0,           5 * NS_PER_S, 5 * MINUTE_NS, 30 * MINUTE_NS, 2 * HOUR_NS,
    5 * HOUR_NS, 10 * HOUR_NS, 14 * HOUR_NS,  20 * HOUR_NS,   24 * HOUR_NS,
};

const int64_t webhook_pause_ns = 5 * NS_PER_S;

struct webhooks {
    struct webhooks_config config;
    struct store *store;
    struct delivery_book book;
    struct http_caller *caller; /* NULL while none can be sent */
    struct secrets secrets;
    struct delivery_line line;
    unsigned calls;
    bool take_up_all;   /* at the next turn, also what the journal may not know */
    bool left;          /* the store holds some that did not fit */
    int64_t take_up_ns; /* not earlier, for what was left */
    int64_t sweep_ns;
};

int64_t
webhooks_lifetime(const int64_t *delays_ns, int64_t attempts_max)
{
    int64_t sum_ns = 0;
    for (int64_t i = 0; i < attempts_max; i++) {
        sum_ns += delays_ns[i];
    }
    sum_ns += sum_ns / 100 * JITTER_PERCENT;
    return sum_ns > MINUTE_NS ? sum_ns : MINUTE_NS;
}

static void
show_pending(const struct webhooks *w)
{
    metric_set(results_metric(ROW_WEBHOOKS_PENDING), (int64_t)w->line.count);
}

static void
drop(struct webhooks *w, struct waiting_delivery *d)
{
    delivery_line_remove(&w->line, d);
    show_pending(w);
}

static bool
line_add(struct webhooks *w, const struct webhook_record *record)
{
    int64_t now_ns = clock_mono_ns();
    int64_t wall_us = clock_wall_us();
    int64_t wait_us = record->due_us > wall_us ? record->due_us - wall_us : 0;
    int64_t age_us = wall_us > record->begun_us ? wall_us - record->begun_us : 0;
    const struct delivery_times times = {
        .due_ns = now_ns + wait_us * NS_PER_US,
        .lives_until_ns = now_ns + w->config.lifetime_ns - age_us * NS_PER_US,
    };
    bool added = delivery_line_add(&w->line, &record->id, record->url, times) != NULL;
    show_pending(w);
    return added;
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
schedule(struct webhooks *w, struct waiting_delivery *d, int64_t due_ns)
{
    if (!delivery_line_schedule(&w->line, d, due_ns)) {
        log_error("webhook_postponed", log_text("reason", "no memory"));
        drop(w, d);
        w->left = true;
    }
}

static void
wait_again(struct waiting_delivery *d,
           struct webhook_record *record,
           const struct http_answer *answer)
{
    struct webhooks *w = d->user;
    int64_t delay_ns = delay_before(w, record->attempts, answer->retry_after_s);
    record->due_us = clock_wall_us() + delay_ns / NS_PER_US;
    record->reason = span_of_text(attempt_reason(answer));
    delivery_book_tell(&w->book, record);
    schedule(w, d, clock_mono_ns() + delay_ns);
}

/* It went to another owner while the call was under way: only what ends it counts. */
static bool
is_news(const struct webhooks *w, const struct uuid *id, enum webhook_state state)
{
    return delivery_book_is_ours(&w->book, id) || state == WEBHOOK_DELIVERED ||
           state == WEBHOOK_STOPPED;
}

static void
on_answer(void *arg, const struct http_answer *answer)
{
    struct waiting_delivery *d = arg;
    struct webhooks *w = d->user;
    struct webhook_record record;
    enum endpoint_verdict verdict;
    w->calls--;
    if (answer->status == STATUS_CLOSED) {
        drop(w, d);
        return;
    }
    bool says = attempt_verdict(answer, &verdict);
    delivery_line_answered(&w->line, d, says ? &verdict : NULL, clock_mono_ns());
    if (delivery_book_recall(&w->book, &d->id, &record) != STATUS_OK ||
        record.state != WEBHOOK_PENDING) {
        drop(w, d);
        return;
    }
    record.attempts++;
    enum webhook_state state =
        attempt_judge(answer, record.attempts >= w->config.attempts_max);
    if (state == WEBHOOK_PENDING && delivery_book_is_ours(&w->book, &d->id)) {
        wait_again(d, &record, answer);
        return;
    }
    if (is_news(w, &d->id, state)) {
        delivery_book_end(&w->book, &record, state, attempt_reason(answer));
    }
    drop(w, d);
}

/* What is to be sent. One that was only noted in the store is told of first. */
static enum status
recall_to_send(struct webhooks *w, const struct uuid *id, struct webhook_record *record)
{
    enum status status = delivery_book_recall(&w->book, id, record);
    if (status == STATUS_OK && record->revision == 0) {
        delivery_book_tell(&w->book, record);
        status = delivery_book_recall(&w->book, id, record);
    }
    return status == STATUS_OK && record->state != WEBHOOK_PENDING ? STATUS_CONFLICT
                                                                   : status;
}

static void
call(struct webhooks *w, struct waiting_delivery *d, int64_t now_ns)
{
    struct webhook_record record;
    if (recall_to_send(w, &d->id, &record) != STATUS_OK) {
        if (!store_damaged(w->store)) { /* else it comes back with what was lost */
            log_error("webhook_lost", log_text("reason", "not in the store"));
        }
        delivery_line_answered(&w->line, d, NULL, now_ns);
        drop(w, d);
        return;
    }
    const struct attempt attempt = {
        .secrets = &w->secrets,
        .id = &d->id,
        .url = record.url,
        .body = record.body,
        .timeout_ns = w->config.timeout_ns,
        .allow_private = w->config.allow_private,
        .hosts = w->config.hosts,
        .ports = w->config.allow_private ? NULL : w->config.ports,
    };
    if (attempt_start(w->caller, &attempt, on_answer, d) == STATUS_OK) {
        metric_add(results_metric(ROW_WEBHOOK_ATTEMPTS), 1);
        w->calls++;
        return;
    }
    delivery_line_answered(&w->line, d, NULL, now_ns);
    schedule(w, d, now_ns + BUSY_NS);
}

static void
give_up(struct webhooks *w, struct waiting_delivery *d)
{
    struct webhook_record record;
    if (delivery_book_recall(&w->book, &d->id, &record) == STATUS_OK &&
        record.state == WEBHOOK_PENDING) {
        delivery_book_end(&w->book, &record, WEBHOOK_EXHAUSTED, "endpoint_dead");
    }
    drop(w, d);
}

/* One of the store, to be made. @return false: there is no room for more */
static bool
take_up(void *arg, const struct uuid *id, const struct stored_delivery *stored)
{
    struct webhooks *w = arg;
    struct webhook_record record;
    if (stored->state == DELIVERY_TOLD || !delivery_book_is_ours(&w->book, id)) {
        return true;
    }
    if (stored->state == DELIVERY_ENDED) {
        if (w->take_up_all) {
            delivery_book_repeat(&w->book, id, stored->bytes);
        }
        return true;
    }
    if (delivery_line_find(&w->line, id) != NULL) {
        return true;
    }
    if (delivery_book_recall(&w->book, id, &record) != STATUS_OK) {
        return true;
    }
    w->left = !line_add(w, &record) || w->left;
    return w->line.count < w->line.limit;
}

static void
take_up_what_fits(struct webhooks *w, int64_t now_ns)
{
    static const struct uuid first;
    bool room = w->line.count <= w->line.limit / 2;
    if (!w->take_up_all && !(w->left && room && now_ns >= w->take_up_ns)) {
        return;
    }
    w->left = false;
    w->take_up_ns = now_ns + TAKE_UP_NS;
    store_delivery_each(w->store, &first, take_up, w);
    w->take_up_all = false;
}

static void
sweep(struct webhooks *w, int64_t now_ns)
{
    if (now_ns >= w->sweep_ns) {
        delivery_book_sweep(&w->book, clock_wall_us());
        w->sweep_ns = now_ns + SWEEP_NS;
    }
}

int64_t
webhooks_turn(struct webhooks *w, int64_t now_ns)
{
    sweep(w, now_ns);
    if (!webhooks_enabled(w)) {
        return w->sweep_ns;
    }
    take_up_what_fits(w, now_ns);
    for (unsigned taken = 0; w->calls < CALLS_MAX; taken++) {
        struct waiting_delivery *d = NULL;
        if (taken == TAKEN_PER_TURN) {
            return now_ns; /* the others of the loop, too, want their turn */
        }
        enum delivery_turn turn = delivery_line_take(&w->line, now_ns, &d);
        if (turn == DELIVERY_NONE) {
            break;
        }
        if (turn == DELIVERY_CALL) {
            call(w, d, now_ns);
        } else {
            give_up(w, d);
        }
    }
    /* With all places taken an answer wakes the loop. */
    int64_t next_ns = w->calls < CALLS_MAX ? delivery_line_next(&w->line) : TIME_NEVER;
    return next_ns < w->sweep_ns ? next_ns : w->sweep_ns;
}

static const char *
why_never(const struct webhooks *w, struct span url)
{
    if (!webhooks_enabled(w)) {
        return "no_secret";
    }
    bool is_url = url.size <= ATTEMPT_URL_MAX && memchr(url.data, 0, url.size) == NULL;
    return is_url ? NULL : "bad_url";
}

/* While it is not ours to make, or not known to be, it is only noted in the store. */
static enum status
begin(struct webhooks *w, const struct reply *reply, struct webhook_record *record)
{
    struct buf body;
    buf_init(&body, WEBHOOK_BODY_MAX);
    delivery_write_body(reply, record->begun_us, &body);
    enum status status = body.status;
    record->body = buf_span(&body);
    record->url = reply->webhook.url;
    if (status == STATUS_OK && !delivery_book_is_ours(&w->book, &record->id)) {
        delivery_book_keep(&w->book, record);
    } else if (status == STATUS_OK) {
        status = line_add(w, record) ? STATUS_OK : STATUS_FULL;
    }
    if (status == STATUS_OK && delivery_book_is_ours(&w->book, &record->id)) {
        delivery_book_tell(&w->book, record);
    }
    buf_fini(&body);
    return status;
}

void
webhooks_begin(struct webhooks *w,
               const struct reply *reply,
               int64_t now_ns,
               int64_t wall_us)
{
    struct stored_delivery known;
    (void)now_ns;
    if (!delivery_is_wanted(reply) ||
        store_delivery_get(w->store, &reply->id, &known) == STATUS_OK) {
        return;
    }
    struct webhook_record record = {.id = reply->id,
                                    .tenant = reply->tenant,
                                    .begun_us = wall_us,
                                    .due_us = wall_us};
    const char *never = why_never(w, reply->webhook.url);
    if (never == NULL && begin(w, reply, &record) != STATUS_OK) {
        never = "too_many_pending";
    }
    if (never != NULL) {
        delivery_book_end(&w->book, &record, WEBHOOK_EXHAUSTED, never);
    }
}

enum status
webhooks_redeliver(struct webhooks *w, const struct reply *reply, int64_t now_ns)
{
    struct webhook_record record = {.id = reply->id};
    if (!delivery_is_wanted(reply)) {
        return STATUS_NOT_FOUND;
    }
    if (why_never(w, reply->webhook.url) != NULL) {
        return STATUS_UNSUPPORTED;
    }
    if (!delivery_book_is_ours(&w->book, &reply->id)) {
        return STATUS_UNAVAILABLE;
    }
    struct waiting_delivery *d = delivery_line_find(&w->line, &reply->id);
    if (d != NULL) {
        if (!d->calling) {
            schedule(w, d, now_ns);
        }
        return STATUS_OK;
    }
    if (delivery_book_recall(&w->book, &reply->id, &record) != STATUS_OK) {
        record = (struct webhook_record){.id = reply->id};
    }
    record.tenant = reply->tenant;
    record.state = WEBHOOK_PENDING;
    record.attempts = 0;
    record.reason = span_of(NULL, 0);
    record.begun_us = clock_wall_us();
    record.due_us = record.begun_us;
    return begin(w, reply, &record);
}

void
webhooks_learn(struct webhooks *w,
               const struct webhook_record *record,
               struct span bytes)
{
    bool news = delivery_book_learn(&w->book, record, bytes);
    struct waiting_delivery *d = delivery_line_find(&w->line, &record->id);
    if (news && record->state != WEBHOOK_PENDING && d != NULL && !d->calling) {
        drop(w, d);
    }
}

void
webhooks_ownership_changed(struct webhooks *w)
{
    struct waiting_delivery *next = NULL;
    for (struct waiting_delivery *d = w->line.all; d != NULL; d = next) {
        next = d->next;
        if (!d->calling && !delivery_book_is_ours(&w->book, &d->id)) {
            drop(w, d);
        }
    }
    w->take_up_all = true;
}

static enum status
read_secrets(struct webhooks *w, struct loop *loop, struct fault *fault)
{
    if (!http_ports_are_valid(w->config.ports == NULL ? "" : w->config.ports)) {
        return fault_set(fault, STATUS_INVALID,
                         "webhook.allow.ports: want numbers from 1 to 65535 by commas");
    }
    if (w->config.secret_file == NULL) {
        return STATUS_OK;
    }
    enum status status = secrets_read(&w->secrets, w->config.secret_file, fault);
    return status == STATUS_OK ? http_caller_create(&w->caller, loop, CALLS_MAX)
                               : status;
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
    delivery_line_init(&w->line, (size_t)config->pending_max, config->pause_ns, w);
    delivery_book_init(&w->book, store, &config->journal, config->ttl_us);
    enum status status = read_secrets(w, loop, fault);
    if (status != STATUS_OK) {
        webhooks_destroy(&w);
        return status;
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
    delivery_line_fini(&w->line);
    delivery_book_fini(&w->book);
    secrets_fini(&w->secrets);
    free(w);
}

bool
webhooks_enabled(const struct webhooks *w)
{
    return w->caller != NULL;
}

enum status
webhooks_reload(struct webhooks *w, struct fault *fault)
{
    struct secrets fresh;
    if (!webhooks_enabled(w)) {
        return STATUS_OK;
    }
    enum status status = secrets_read(&fresh, w->config.secret_file, fault);
    if (status == STATUS_OK) {
        w->secrets = fresh;
        secrets_fini(&fresh);
    }
    return status;
}

struct delivery_book *
webhooks_book(struct webhooks *w)
{
    return &w->book;
}
