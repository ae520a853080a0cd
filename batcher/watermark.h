/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Per partition the offset below which everything is answered: the only offset that may
 * be committed (promise P5). Records begin in the order of their offsets, which may
 * have gaps, and end in any order. Bounded by the records between the oldest open one
 * and the newest. Pure.
 */
#ifndef BATCHER_WATERMARK_H
#define BATCHER_WATERMARK_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watermark_entry;

struct watermark {
    struct watermark_entry *entries; /* ring, ascending offsets */
    size_t first;
    size_t count;
    size_t capacity; /* power of two, or 0 */
    size_t limit;    /* entries at most */
    int64_t next;    /* offset behind the newest begun; -1 before the first */
};

void watermark_init(struct watermark *w, size_t limit);
void watermark_fini(struct watermark *w);

/** Forgets every record, for a partition that went or came anew. */
void watermark_reset(struct watermark *w);

/**
 * A record was taken.
 *
 * @return STATUS_OK; STATUS_INVALID if the offset is not above the last one begun;
 *         STATUS_FULL; STATUS_NO_MEMORY
 */
MUST_CHECK enum status watermark_begin(struct watermark *w, int64_t offset);

/** Its answer is acknowledged. An offset that is not open is left alone. */
void watermark_end(struct watermark *w, int64_t offset);

/** Next offset to be read by whoever comes after us; -1 if nothing was begun. */
int64_t watermark_committable(const struct watermark *w);

/**
 * The record's answer lies in a transaction that is about to be committed. It stays
 * open until watermark_end(); if the transaction fails, the next one has another
 * number.
 *
 * @param[in] number of the transaction, not 0
 */
void watermark_stage(struct watermark *w, int64_t offset, uint32_t number);

/** What watermark_committable() will be once that transaction is committed. */
int64_t watermark_staged(const struct watermark *w, uint32_t number);

#endif
