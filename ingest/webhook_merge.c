/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/webhook_merge.h"

#include "schemas/json_read.h"

#include <stdlib.h>
#include <string.h>

enum { MERGE_BYTES_MAX = 128 * 1024 * 1024 };

void
webhook_merge_init(struct webhook_merge *m)
{
    *m = (struct webhook_merge){.count = 0};
    arena_init(&m->arena, MERGE_BYTES_MAX);
}

void
webhook_merge_fini(struct webhook_merge *m)
{
    free(m->items);
    arena_fini(&m->arena);
}

static int
compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, UUID_BYTES);
}

static int
compare_items(const void *a, const void *b)
{
    const struct listed_webhook *x = a;
    const struct listed_webhook *y = b;
    return compare(&x->id, &y->id);
}

static void
add_bound(struct webhook_merge *m, const struct uuid *next)
{
    if (!m->bounded || compare(next, &m->bound) < 0) {
        m->bounded = true;
        m->bound = *next;
    }
}

static struct uuid
read_id(struct json_read *j)
{
    struct uuid id = {{0}};
    if (uuid_parse(json_read_text(j), &id) != STATUS_OK) {
        json_read_refuse(j, STATUS_INVALID, "not an id");
    }
    return id;
}

/* @return where its text begins and how long it is */
static struct span
read_delivery(struct json_read *j, struct uuid *id)
{
    struct span key;
    bool named = false;
    json_read_peek(j);
    const uint8_t *begin = j->at;
    json_read_enter(j, VALUE_OBJECT);
    while (json_read_member(j, &key)) {
        if (span_is_text(key, "id")) {
            *id = read_id(j);
            named = true;
        } else {
            json_read_skip(j);
        }
    }
    if (!named) {
        json_read_refuse(j, STATUS_INVALID, "a delivery without an id");
    }
    return span_of(begin, (size_t)(j->at - begin));
}

static void
append(struct webhook_merge *m, struct json_read *j)
{
    struct listed_webhook item;
    item.document = read_delivery(j, &item.id);
    if (m->count == m->room) {
        size_t room = m->room == 0 ? 128 : 2 * m->room;
        struct listed_webhook *more = realloc(m->items, room * sizeof(*more));
        if (more == NULL) {
            json_read_refuse(j, STATUS_NO_MEMORY, "no memory for a page");
            return;
        }
        m->items = more;
        m->room = room;
    }
    if (j->status == STATUS_OK) {
        m->items[m->count++] = item;
    }
}

static void
read_page(struct webhook_merge *m, struct json_read *j)
{
    struct span key;
    struct uuid next;
    bool more = false;
    int64_t partitions = 0;
    json_read_enter(j, VALUE_OBJECT);
    while (json_read_member(j, &key)) {
        if (span_is_text(key, "webhooks")) {
            json_read_enter(j, VALUE_ARRAY);
            while (json_read_element(j)) {
                append(m, j);
            }
        } else if (span_is_text(key, "next")) {
            next = read_id(j);
            more = true;
        } else if (span_is_text(key, "partitions")) {
            partitions = json_read_int64(j);
        } else {
            json_read_skip(j);
        }
    }
    json_read_finish(j);
    if (j->status == STATUS_OK) {
        m->partitions += (size_t)partitions;
        if (more) {
            add_bound(m, &next);
        }
    }
}

enum status
webhook_merge_add(struct webhook_merge *m, struct span page)
{
    struct json_read j;
    struct fault fault = {.text = ""};
    const char *copy = arena_text(&m->arena, page);
    if (copy == NULL) {
        return STATUS_NO_MEMORY;
    }
    json_read_init(&j, span_of(copy, page.size), &m->arena, &fault);
    size_t before = m->count;
    read_page(m, &j);
    m->count = j.status == STATUS_OK ? m->count : before;
    return j.status;
}

void
webhook_merge_write(struct webhook_merge *m, size_t limit, struct buf *out)
{
    size_t written = 0;
    const struct uuid *last = NULL;
    if (m->count > 1) {
        qsort(m->items, m->count, sizeof(*m->items), compare_items);
    }
    buf_append_text(out, "{\"webhooks\":[");
    for (size_t i = 0; i < m->count; i++) {
        const struct listed_webhook *item = &m->items[i];
        if (last != NULL && uuid_equal(last, &item->id)) {
            continue;
        }
        if (written == limit || (m->bounded && compare(&item->id, &m->bound) >= 0)) {
            add_bound(m, &item->id);
            break;
        }
        buf_append_text(out, written++ == 0 ? "" : ",");
        buf_append(out, item->document.data, item->document.size);
        last = &item->id;
    }
    buf_append_text(out, "]");
    if (m->bounded) {
        char id[UUID_TEXT];
        uuid_format(&m->bound, id);
        buf_append_format(out, ",\"next\":\"%.*s\"", UUID_TEXT, id);
    }
    buf_append_byte(out, '}');
}
