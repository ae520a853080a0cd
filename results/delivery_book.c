/* SPDX-License-Identifier: Apache-2.0 */
/* The store keeps the very bytes that the journal gets. */
#include "results/delivery_book.h"

#include "base/clock.h"
#include "base/log.h"
#include "results/metrics.h"
#include "schemas/codec.h"

#include <string.h>

enum {
    ARENA_BYTES = 4096,
    RECORD_BYTES_MAX = WEBHOOK_BODY_MAX + 16 * 1024,
    SWEPT_AT_ONCE = 1000,
    LOOKED_AT_MAX = 20000, /* records, for one page */
};

void
delivery_book_init(struct delivery_book *b,
                   struct store *store,
                   const struct delivery_journal *journal,
                   int64_t ttl_us)
{
    *b = (struct delivery_book){.store = store, .journal = *journal, .ttl_us = ttl_us};
    arena_init(&b->arena, ARENA_BYTES);
    buf_init(&b->scratch, RECORD_BYTES_MAX);
}

void
delivery_book_fini(struct delivery_book *b)
{
    arena_fini(&b->arena);
    buf_fini(&b->scratch);
}

bool
delivery_book_is_ours(const struct delivery_book *b, const struct uuid *id)
{
    return b->journal.is_ours(b->journal.arg, id);
}

static enum status
decode(struct delivery_book *b, struct span bytes, struct webhook_record *record)
{
    arena_reset(&b->arena);
    return webhook_record_decode(bytes, &b->arena, record, NULL);
}

enum status
delivery_book_recall(struct delivery_book *b,
                     const struct uuid *id,
                     struct webhook_record *record)
{
    struct stored_delivery stored;
    enum status status = store_delivery_get(b->store, id, &stored);
    return status == STATUS_OK ? decode(b, stored.bytes, record) : status;
}

static void
put(struct delivery_book *b,
    const struct webhook_record *record,
    enum stored_delivery_state state,
    struct span bytes)
{
    const struct stored_delivery stored = {
        .state = state,
        .ended_us = state == DELIVERY_OPEN ? 0 : record->due_us,
        .bytes = bytes,
    };
    enum status status = store_delivery_put(b->store, &record->id, &stored);
    if (status != STATUS_OK) {
        log_error("webhook_not_kept", log_status(status));
    }
}

void
delivery_book_keep(struct delivery_book *b, const struct webhook_record *record)
{
    bool ended = record->state != WEBHOOK_PENDING;
    buf_reset(&b->scratch);
    webhook_record_encode(record, &b->scratch);
    if (b->scratch.status == STATUS_OK) {
        put(b, record, ended ? DELIVERY_ENDED : DELIVERY_OPEN, buf_span(&b->scratch));
    } else {
        log_error("webhook_not_kept", log_status(b->scratch.status));
    }
}

void
delivery_book_tell(struct delivery_book *b, struct webhook_record *record)
{
    record->revision++;
    delivery_book_keep(b, record);
    if (b->scratch.status == STATUS_OK) {
        b->journal.write(b->journal.arg, &record->id, buf_span(&b->scratch));
    }
}

static void
log_end(const struct webhook_record *record)
{
    char text[UUID_TEXT];
    uuid_format(&record->id, text);
    log_warn("webhook_ended", log_span("id", span_of(text, UUID_TEXT)),
             log_text("state", webhook_state_name(record->state)),
             log_int("attempts", record->attempts), log_span("reason", record->reason));
}

void
delivery_book_end(struct delivery_book *b,
                  struct webhook_record *record,
                  enum webhook_state state,
                  const char *reason)
{
    static const enum results_row rows[WEBHOOK_STATE_COUNT] = {
        [WEBHOOK_DELIVERED] = ROW_WEBHOOKS_DELIVERED,
        [WEBHOOK_EXHAUSTED] = ROW_WEBHOOKS_EXHAUSTED,
        [WEBHOOK_STOPPED] = ROW_WEBHOOKS_STOPPED,
    };
    record->state = state;
    record->reason = span_of_text(state == WEBHOOK_DELIVERED ? "" : reason);
    record->due_us = clock_wall_us();
    record->url = span_of(NULL, 0);
    record->body = span_of(NULL, 0);
    metric_add(results_metric(rows[state]), 1);
    delivery_book_tell(b, record);
    if (state != WEBHOOK_DELIVERED) {
        log_end(record);
    }
}

/* Of two owners that wrote the same revision the one that ended it is right. */
static bool
supersedes(const struct webhook_record *a, const struct webhook_record *b)
{
    bool ends = a->state != WEBHOOK_PENDING && b->state == WEBHOOK_PENDING;
    return a->revision > b->revision || (a->revision == b->revision && ends);
}

bool
delivery_book_learn(struct delivery_book *b,
                    const struct webhook_record *record,
                    struct span bytes)
{
    struct webhook_record known;
    bool ended = record->state != WEBHOOK_PENDING;
    enum status status = delivery_book_recall(b, &record->id, &known);
    bool news = status != STATUS_OK || supersedes(record, &known);
    bool confirmed = !news && ended && known.revision == record->revision;
    if (news || confirmed) {
        put(b, record, ended ? DELIVERY_TOLD : DELIVERY_OPEN, bytes);
    }
    return news;
}

void
delivery_book_repeat(struct delivery_book *b, const struct uuid *id, struct span bytes)
{
    b->journal.write(b->journal.arg, id, bytes);
}

void
delivery_book_sweep(struct delivery_book *b, int64_t wall_us)
{
    store_delivery_sweep(b->store, &b->sweep_from, SWEPT_AT_ONCE, wall_us - b->ttl_us);
}

struct listing {
    struct delivery_book *book;
    const struct webhook_page *page;
    results_webhook_fn fn;
    void *arg;
    size_t looked_at;
    size_t listed;
    bool more;
    struct uuid next;
};

static bool
is_listed(const struct listing *l, const struct webhook_record *record)
{
    bool wanted =
        l->page->state == WEBHOOK_STATE_COUNT || l->page->state == record->state;
    return wanted && span_equal(record->tenant, l->page->tenant) &&
           delivery_book_is_ours(l->book, &record->id);
}

static bool
list_one(void *arg, const struct uuid *id, const struct stored_delivery *stored)
{
    struct listing *l = arg;
    struct webhook_record record;
    if (l->listed == l->page->limit || l->looked_at == LOOKED_AT_MAX) {
        l->more = true;
        l->next = *id;
        return false;
    }
    l->looked_at++;
    if (decode(l->book, stored->bytes, &record) == STATUS_OK && is_listed(l, &record)) {
        l->listed++;
        l->fn(l->arg, &record);
    }
    return true;
}

bool
delivery_book_list(struct delivery_book *b,
                   const struct webhook_page *page,
                   results_webhook_fn fn,
                   void *arg,
                   struct uuid *next)
{
    struct listing l = {.book = b, .page = page, .fn = fn, .arg = arg};
    store_delivery_each(b->store, &page->from, list_one, &l);
    *next = l.next;
    return l.more;
}
