/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of deliveries, each in the order of ids, made into one: ours and those of other
 * instances. A page that goes on somewhere bounds the whole: behind that id deliveries
 * of its instance would be missing. Pure but for memory.
 */
#ifndef INGEST_WEBHOOK_MERGE_H
#define INGEST_WEBHOOK_MERGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>

enum { WEBHOOK_PAGE_BYTES_MAX = 2 * 1024 * 1024 };

struct listed_webhook {
    struct uuid id;
    struct span document;
};

struct webhook_merge {
    struct arena arena;
    struct listed_webhook *items;
    size_t count;
    size_t room;
    bool bounded;
    struct uuid bound; /* what is not below it is for the next page */
    size_t partitions; /* reply partitions that the pages tell of */
};

void webhook_merge_init(struct webhook_merge *m);
void webhook_merge_fini(struct webhook_merge *m);

/**
 * Adds a page as webhook_merge_write() wrote it.
 *
 * @param[in] page copied; may say of how many "partitions" it tells
 * @return STATUS_OK; STATUS_INVALID: it is none; STATUS_NO_MEMORY
 */
MUST_CHECK enum status webhook_merge_add(struct webhook_merge *m, struct span page);

/** The first `limit` of all as {"webhooks":[...]}, with "next" where there may be more.
 * An id that two pages have is written once.
 */
void webhook_merge_write(struct webhook_merge *m, size_t limit, struct buf *out);

#endif
