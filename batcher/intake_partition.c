/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds pause at the bound and resume at half of it, so that a partition does not
 * flap. */
#include "batcher/intake_partition.h"

#include <stdlib.h>

enum {
    PARTITIONS_MAX = 4096,
    WINDOW_MAX = 1 << 20,   /* records between the oldest open one and the newest */
    WINDOW_PAUSE = 1 << 16, /* at which a partition is paused */
};

bool
intake_set_grow(struct intake_set *s, int32_t partition)
{
    if (partition < s->count) {
        return true;
    }
    if (partition >= PARTITIONS_MAX) {
        return false;
    }
    size_t count = (size_t)partition + 1;
    struct intake_partition *items = realloc(s->items, count * sizeof *items);
    if (items == NULL) {
        return false;
    }
    for (size_t i = (size_t)s->count; i < count; i++) {
        items[i] = (struct intake_partition){.committed = -1, .highest = -1};
        watermark_init(&items[i].watermark, WINDOW_MAX);
    }
    s->items = items;
    s->count = (int32_t)count;
    return true;
}

void
intake_set_fini(struct intake_set *s)
{
    for (int32_t i = 0; i < s->count; i++) {
        watermark_fini(&s->items[i].watermark);
    }
    free(s->items);
    *s = (struct intake_set){0};
}

struct intake_partition *
intake_set_find(const struct intake_set *s, int32_t partition)
{
    if (partition < 0 || partition >= s->count) {
        return NULL;
    }
    struct intake_partition *p = &s->items[partition];
    return p->owned ? p : NULL;
}

size_t
intake_set_owned(const struct intake_set *s)
{
    size_t count = 0;
    for (int32_t i = 0; i < s->count; i++) {
        count += s->items[i].owned ? 1 : 0;
    }
    return count;
}

size_t
intake_set_in_hand(const struct intake_set *s)
{
    size_t count = 0;
    for (int32_t i = 0; i < s->count; i++) {
        count += s->items[i].owned ? s->items[i].in_hand : 0;
    }
    return count;
}

void
intake_partition_restart(struct intake_partition *p, uint32_t epoch)
{
    watermark_reset(&p->watermark);
    p->epoch = epoch;
    p->in_hand = 0;
    p->in_hand_bytes = 0;
    p->committed = -1;
    p->highest = -1;
    p->staged = 0;
    p->window_paused = false;
    p->share_paused = false;
    p->frozen = false;
    p->topic_gone = false;
}

void
intake_partition_assign(struct intake_partition *p, uint32_t epoch)
{
    intake_partition_restart(p, epoch);
    p->assigned = epoch;
    p->owned = true;
    p->paused = false;
}

enum status
intake_partition_begin(struct intake_partition *p, int64_t offset, size_t bytes)
{
    enum status status = watermark_begin(&p->watermark, offset);
    if (status == STATUS_OK) {
        p->in_hand++;
        p->in_hand_bytes += bytes;
        p->topic_gone = false;
    } else if (status != STATUS_INVALID) {
        p->frozen = true;
    }
    return status;
}

void
intake_partition_give_back(struct intake_partition *p, size_t bytes)
{
    p->in_hand--;
    p->in_hand_bytes -= bytes;
}

void
intake_partition_end(struct intake_partition *p, int64_t offset, size_t bytes)
{
    watermark_end(&p->watermark, offset);
    intake_partition_give_back(p, bytes);
}

static bool
is_over(const struct intake_partition *p, const struct intake_share *share)
{
    return p->in_hand > share->requests || p->in_hand_bytes > share->bytes;
}

void
intake_partition_bound(struct intake_partition *p, const struct intake_share *share)
{
    size_t window = p->window_paused ? WINDOW_PAUSE / 2 : WINDOW_PAUSE;
    p->window_paused = p->watermark.count >= window;
    if (share->requests == 0) {
        p->share_paused = false;
        return;
    }
    const struct intake_share half = {share->requests / 2, share->bytes / 2};
    p->share_paused = is_over(p, p->share_paused ? &half : share);
}

bool
intake_partition_wants_pause(const struct intake_partition *p)
{
    return p->window_paused || p->share_paused || p->frozen;
}

int64_t
intake_partition_committable(const struct intake_partition *p)
{
    return p->owned && !p->topic_gone ? watermark_committable(&p->watermark) : -1;
}

void
intake_partition_stage(struct intake_partition *p, int64_t offset, uint32_t number)
{
    watermark_stage(&p->watermark, offset, number);
    p->staged = number;
}

size_t
intake_set_staged(const struct intake_set *s,
                  uint32_t number,
                  const char *topic,
                  struct partition *parts)
{
    size_t count = 0;
    for (int32_t i = 0; i < s->count; i++) {
        const struct intake_partition *p = &s->items[i];
        if (p->owned && !p->topic_gone && p->staged == number) {
            parts[count++] =
                (struct partition){.topic = topic,
                                   .partition = i,
                                   .offset = watermark_staged(&p->watermark, number)};
        }
    }
    return count;
}

void
intake_set_lose_topic(struct intake_set *s)
{
    for (int32_t i = 0; i < s->count; i++) {
        s->items[i].topic_gone = true;
    }
}

void
intake_set_disown(struct intake_set *s)
{
    for (int32_t i = 0; i < s->count; i++) {
        s->items[i].owned = false;
    }
}

void
intake_set_uncommit(struct intake_set *s)
{
    for (int32_t i = 0; i < s->count; i++) {
        s->items[i].committed = -1;
    }
}
