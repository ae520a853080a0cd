/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one instance said last of one version of a model; for catalogue.c only. Pure.
 */
#ifndef INGEST_CATALOGUE_ENTRY_H
#define INGEST_CATALOGUE_ENTRY_H

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lost_label {
    struct span name;
    int64_t at_us; /* wall */
};

struct catalogue_entry {
    struct arena arena; /* owns key, bytes, arrays of info, and lost */
    struct span key;
    struct model_info info;
    int64_t heard_us;        /* wall */
    struct lost_label *lost; /* that its last records had, and this one has not */
    size_t lost_count;
};

/**
 * @param[in]  value a ModelState record; copied, as the key is
 * @param[out] out set only on STATUS_OK; heard_us is the caller's to set
 * @return STATUS_OK; STATUS_NO_MEMORY; STATUS_TOO_LARGE; otherwise what the codec said
 */
MUST_CHECK enum status catalogue_entry_create(struct catalogue_entry **out,
                                              struct span key,
                                              struct span value,
                                              struct fault *fault);
void catalogue_entry_destroy(struct catalogue_entry *entry);

/**
 * Notes the labels that the record before it had and it has not: one that moves from
 * one version to another does so by two records, and while only the first of them is
 * here nobody would have it, and requests that say it be refused.
 */
void catalogue_entry_remember(struct catalogue_entry *entry,
                              const struct catalogue_entry *before);

/** Whether it is of the version of that number, or label. */
bool catalogue_entry_is_named(const struct catalogue_entry *entry, struct span name);

/** Whether it had that label up to 5 s ago. */
bool catalogue_entry_was_named(const struct catalogue_entry *entry,
                               struct span name,
                               int64_t now_us);

/** Whether it was heard of within 15 s. */
bool catalogue_entry_is_fresh(const struct catalogue_entry *entry, int64_t now_us);

/** Also one that is loaded when it is asked: who waits for it to be ready before he
 * asks would wait for ever. */
bool catalogue_entry_is_ready(const struct catalogue_entry *entry, int64_t now_us);

#endif
