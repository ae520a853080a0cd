/* SPDX-License-Identifier: Apache-2.0 */
/* A flat array: an assignment has tens of partitions, and the last hit is tried first.
 */
#include "bus/positions.h"

#include <stdlib.h>
#include <string.h>

enum status
positions_set(struct positions *p, const struct partition *parts, size_t count)
{
    positions_clear(p);
    if (count == 0) {
        return STATUS_OK;
    }
    p->items = calloc(count, sizeof(*p->items));
    if (p->items == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        p->items[i] = (struct position){
            .topic = strdup(parts[i].topic),
            .partition = parts[i].partition,
            .next = parts[i].offset,
            .gone = -1,
        };
        p->count++;
        if (p->items[i].topic == NULL) {
            positions_clear(p);
            return STATUS_NO_MEMORY;
        }
    }
    p->behind = count;
    return STATUS_OK;
}

void
positions_clear(struct positions *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].topic);
    }
    free(p->items);
    *p = (struct positions){0};
}

struct position *
positions_find(struct positions *p, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < p->count; i++) {
        size_t at = p->last + i < p->count ? p->last + i : p->last + i - p->count;
        struct position *item = &p->items[at];
        if (item->partition == partition && strcmp(item->topic, topic) == 0) {
            p->last = at;
            return item;
        }
    }
    return NULL;
}

bool
positions_advance(struct position *at, int64_t offset)
{
    if (at->resumed && offset < at->next) {
        return false;
    }
    at->resumed = false;
    at->next = offset + 1;
    at->heard = true;
    return true;
}

bool
positions_reach_end(struct positions *p, struct position *at)
{
    if (at->caught_up) {
        return false;
    }
    at->caught_up = true;
    p->behind--;
    return true;
}

void
positions_restart(struct positions *p, struct position *at, int64_t gone)
{
    if (at->caught_up) {
        p->behind++;
    }
    at->caught_up = false;
    at->resumed = false;
    at->next = OFFSET_BEGINNING;
    if (gone >= 0) {
        at->gone = gone;
    }
}
