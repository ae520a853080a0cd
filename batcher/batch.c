/* SPDX-License-Identifier: Apache-2.0 */
/* A list of items with its totals. */
#include "batcher/batch.h"

#include <stdlib.h>

struct batch *
batch_create(const struct former_list *list)
{
    struct batch *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    struct item **link = &b->first;
    for (struct former_entry *e = list->first; e != NULL; e = e->next) {
        *link = item_of(e);
        link = &(*link)->next;
    }
    *link = NULL;
    batch_recount(b);
    return b;
}

void
batch_destroy(struct batch **batch)
{
    free(*batch);
    *batch = NULL;
}

void
batch_recount(struct batch *b)
{
    b->count = 0;
    b->rows = 0;
    for (const struct item *it = b->first; it != NULL; it = it->next) {
        b->count++;
        b->rows += it->entry.rows;
    }
}

bool
batch_has(const struct batch *b, const struct item *it)
{
    const struct item *at = b->first;
    while (at != NULL && at != it) {
        at = at->next;
    }
    return at != NULL;
}

bool
batch_has_above(const struct batch *b, int32_t partition, int64_t above)
{
    const struct item *at = b->first;
    while (at != NULL && !item_is_above(at, partition, above)) {
        at = at->next;
    }
    return at != NULL;
}

bool
batch_remove(struct batch *b, const struct item *it)
{
    struct item **link = &b->first;
    while (*link != NULL && *link != it) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        return false;
    }
    *link = it->next;
    batch_recount(b);
    return true;
}

enum batch_verdict
batch_judge(struct batch *b, enum batch_end end)
{
    bool first_loss = end == BATCH_DEVICE_LOST && !b->lost;
    b->lost = b->lost || end == BATCH_DEVICE_LOST;
    b->suspect = b->suspect || (end != BATCH_NOT_STARTED && end != BATCH_FAILED &&
                                end != BATCH_OUT_OF_MEMORY);
    if (end == BATCH_NOT_STARTED || first_loss) {
        return BATCH_RUN_AGAIN;
    }
    /* Also when the blame is shared: to run it whole once more, alone, would cost its
     * neighbours a run that the halves do not need. */
    if (b->count > 1) {
        return BATCH_SPLIT;
    }
    if (end == BATCH_NOT_ALONE) {
        return BATCH_RUN_AGAIN;
    }
    if (end == BATCH_FAILED || end == BATCH_OUT_OF_MEMORY) {
        return BATCH_GIVE_UP;
    }
    b->first->deaths++;
    return b->first->deaths < ITEM_DEATHS_MAX ? BATCH_RUN_AGAIN : BATCH_GIVE_UP;
}

struct batch *
batch_split(struct batch *b)
{
    struct batch *rest = calloc(1, sizeof *rest);
    if (rest == NULL) {
        return NULL;
    }
    struct item *last = b->first;
    for (size_t i = 1; i < (b->count + 1) / 2; i++) {
        last = last->next;
    }
    rest->first = last->next;
    rest->suspect = b->suspect;
    rest->lost = b->lost;
    last->next = NULL;
    batch_recount(rest);
    batch_recount(b);
    return rest;
}
