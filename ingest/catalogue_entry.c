/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry keeps its record's bytes and all that was decoded from them in one arena, so
 * that the next state of the same instance replaces it whole.
 */
#include "ingest/catalogue_entry.h"

#include "schemas/codec.h"

#include <stdlib.h>

enum {
    ENTRY_BYTES_MAX = 1024 * 1024,
    HEARD_WITHIN_S = 15, /* to count as ready */
    LABEL_LOST_S = 5,    /* to be forgotten */
    US_PER_S = 1000000
};

void
catalogue_entry_destroy(struct catalogue_entry *entry)
{
    struct arena arena = entry->arena;
    free(entry);
    arena_fini(&arena);
}

enum status
catalogue_entry_create(struct catalogue_entry **out,
                       struct span key,
                       struct span value,
                       struct fault *fault)
{
    struct catalogue_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return STATUS_NO_MEMORY;
    }
    arena_init(&entry->arena, ENTRY_BYTES_MAX);
    const char *own_key = arena_text(&entry->arena, key);
    const char *own_value = arena_text(&entry->arena, value);
    if (own_key == NULL || own_value == NULL) {
        catalogue_entry_destroy(entry);
        fault_set(fault, STATUS_TOO_LARGE, "over %d bytes", ENTRY_BYTES_MAX);
        return STATUS_TOO_LARGE;
    }
    entry->key = span_of(own_key, key.size);
    enum status status = model_info_decode(span_of(own_value, value.size),
                                           &entry->arena, &entry->info, fault);
    if (status != STATUS_OK) {
        catalogue_entry_destroy(entry);
        return status;
    }
    *out = entry;
    return STATUS_OK;
}

bool
catalogue_entry_is_named(const struct catalogue_entry *entry, struct span name)
{
    bool named = span_equal(entry->info.version, name);
    for (size_t i = 0; i < entry->info.label_count && !named; i++) {
        named = span_equal(entry->info.labels[i], name);
    }
    return named;
}

static void
entry_lose(struct catalogue_entry *entry, struct span name, int64_t at_us)
{
    const char *own = arena_text(&entry->arena, name);
    bool old = entry->heard_us - at_us > (int64_t)LABEL_LOST_S * US_PER_S;
    if (own != NULL && !old && !catalogue_entry_is_named(entry, name)) {
        entry->lost[entry->lost_count++] =
            (struct lost_label){.name = span_of(own, name.size), .at_us = at_us};
    }
}

void
catalogue_entry_remember(struct catalogue_entry *entry,
                         const struct catalogue_entry *before)
{
    size_t most = before->info.label_count + before->lost_count;
    entry->lost = arena_array(&entry->arena, most, sizeof *entry->lost);
    for (size_t i = 0; i < before->info.label_count && entry->lost != NULL; i++) {
        entry_lose(entry, before->info.labels[i], entry->heard_us);
    }
    for (size_t i = 0; i < before->lost_count && entry->lost != NULL; i++) {
        entry_lose(entry, before->lost[i].name, before->lost[i].at_us);
    }
}

bool
catalogue_entry_is_fresh(const struct catalogue_entry *entry, int64_t now_us)
{
    return now_us - entry->heard_us <= (int64_t)HEARD_WITHIN_S * US_PER_S;
}

bool
catalogue_entry_is_ready(const struct catalogue_entry *entry, int64_t now_us)
{
    enum model_state state = entry->info.state;
    return (state == MODEL_READY || state == MODEL_UNLOADED) &&
           catalogue_entry_is_fresh(entry, now_us);
}

bool
catalogue_entry_was_named(const struct catalogue_entry *entry,
                          struct span name,
                          int64_t now_us)
{
    for (size_t i = 0; i < entry->lost_count; i++) {
        if (span_equal(entry->lost[i].name, name)) {
            return now_us - entry->lost[i].at_us <= (int64_t)LABEL_LOST_S * US_PER_S;
        }
    }
    return false;
}
