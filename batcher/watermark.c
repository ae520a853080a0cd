/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of the offsets from the oldest open record to the newest. Ended records leave
 * the ring from its front only, so the front is always the committable offset.
 */
#include "batcher/watermark.h"

#include <stdlib.h>

enum { WATERMARK_CAPACITY_FIRST = 256 };

struct watermark_entry {
    int64_t offset;
    uint32_t staged; /* number of the transaction, 0 = none */
    bool ended;
};

static struct watermark_entry *
entry_at(const struct watermark *w, size_t i)
{
    return &w->entries[(w->first + i) & (w->capacity - 1)];
}

static enum status
watermark_grow(struct watermark *w)
{
    size_t capacity = w->capacity == 0 ? WATERMARK_CAPACITY_FIRST : w->capacity * 2;
    struct watermark_entry *entries = calloc(capacity, sizeof *entries);
    if (entries == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < w->count; i++) {
        entries[i] = *entry_at(w, i);
    }
    free(w->entries);
    w->entries = entries;
    w->capacity = capacity;
    w->first = 0;
    return STATUS_OK;
}

/** Index of the entry with that offset, or count. */
static size_t
watermark_find(const struct watermark *w, int64_t offset)
{
    size_t low = 0;
    size_t high = w->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entry_at(w, middle)->offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < w->count && entry_at(w, low)->offset == offset;
    return found ? low : w->count;
}

void
watermark_init(struct watermark *w, size_t limit)
{
    *w = (struct watermark){.limit = limit, .next = -1};
}

void
watermark_fini(struct watermark *w)
{
    free(w->entries);
    watermark_init(w, w->limit);
}

void
watermark_reset(struct watermark *w)
{
    w->first = 0;
    w->count = 0;
    w->next = -1;
}

enum status
watermark_begin(struct watermark *w, int64_t offset)
{
    if (offset < w->next || offset < 0) {
        return STATUS_INVALID;
    }
    if (w->count == w->limit) {
        return STATUS_FULL;
    }
    if (w->count == w->capacity) {
        enum status status = watermark_grow(w);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *entry_at(w, w->count) = (struct watermark_entry){.offset = offset};
    w->count++;
    w->next = offset + 1;
    return STATUS_OK;
}

void
watermark_end(struct watermark *w, int64_t offset)
{
    size_t i = watermark_find(w, offset);
    if (i == w->count) {
        return;
    }
    entry_at(w, i)->ended = true;
    while (w->count > 0 && entry_at(w, 0)->ended) {
        w->first = (w->first + 1) & (w->capacity - 1);
        w->count--;
    }
}

int64_t
watermark_committable(const struct watermark *w)
{
    return w->count > 0 ? entry_at(w, 0)->offset : w->next;
}

void
watermark_stage(struct watermark *w, int64_t offset, uint32_t number)
{
    size_t i = watermark_find(w, offset);
    if (i < w->count) {
        entry_at(w, i)->staged = number;
    }
}

int64_t
watermark_staged(const struct watermark *w, uint32_t number)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct watermark_entry *entry = entry_at(w, i);
        if (!entry->ended && entry->staged != number) {
            return entry->offset;
        }
    }
    return w->next;
}
