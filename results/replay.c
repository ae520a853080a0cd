/* SPDX-License-Identifier: Apache-2.0 */
/* An array by partition number, and two counts, as readiness is asked at each request.
 */
#include "results/replay.h"

#include "base/clock.h"
#include "results/owner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void
replay_fini(struct replay *r)
{
    free(r->parts);
    *r = (struct replay){0};
}

static enum status
grow(struct replay *r, size_t partition)
{
    if (partition < r->count) {
        return STATUS_OK;
    }
    size_t count = partition + 16;
    struct replay_part *more = realloc(r->parts, count * sizeof *more);
    if (more == NULL) {
        return STATUS_NO_MEMORY;
    }
    memset(more + r->count, 0, (count - r->count) * sizeof *more);
    r->parts = more;
    r->count = count;
    return STATUS_OK;
}

struct replay_part *
replay_find(const struct replay *r, int32_t partition)
{
    size_t at = (size_t)partition;
    return partition >= 0 && at < r->count && r->parts[at].owned ? &r->parts[at] : NULL;
}

static void
fall_behind(struct replay *r, int64_t now_ns)
{
    if (r->behind++ == 0) {
        r->records = 0;
        r->begun_ns = now_ns;
    }
}

static void
catch_up(struct replay *r, struct replay_part *part)
{
    if (!part->caught_up) {
        part->caught_up = true;
        r->behind--;
    }
}

enum status
replay_own(struct replay *r,
           int32_t partition,
           int64_t next,
           int64_t newest_us,
           int64_t now_ns)
{
    if (partition < 0 || partition >= OWNER_PARTITIONS_MAX) {
        return STATUS_INVALID;
    }
    enum status status = grow(r, (size_t)partition);
    if (status != STATUS_OK) {
        return status;
    }
    replay_lose(r, partition);
    r->parts[partition] = (struct replay_part){.owned = true,
                                               .waiting = next < 0,
                                               .from = next,
                                               .next = next,
                                               .newest_us = newest_us,
                                               .committed = -1};
    r->owned++;
    fall_behind(r, now_ns);
    return STATUS_OK;
}

void
replay_lose(struct replay *r, int32_t partition)
{
    struct replay_part *part = replay_find(r, partition);
    if (part != NULL) {
        catch_up(r, part);
        *part = (struct replay_part){0};
        r->owned--;
    }
}

void
replay_restart(struct replay *r, int32_t partition, int64_t now_ns)
{
    struct replay_part *part = replay_find(r, partition);
    if (part == NULL) {
        return;
    }
    if (part->caught_up) {
        fall_behind(r, now_ns);
    }
    *part = (struct replay_part){.owned = true,
                                 .from = -1,
                                 .next = -1,
                                 .newest_us = part->newest_us,
                                 .committed = -1};
}

void
replay_bound(struct replay *r, int32_t partition, int64_t start, int64_t end)
{
    struct replay_part *part = replay_find(r, partition);
    if (part == NULL) {
        return;
    }
    if (part->waiting) {
        part->waiting = false;
        part->from = start;
        part->next = start;
    }
    part->bounded = true;
    part->end = end;
    /* Begun behind the end: the log was made anew, and the reader will restart. */
    if ((part->next >= end && part->from <= end) || start >= end) {
        catch_up(r, part);
    }
}

void
replay_read(struct replay_part *part, struct replay *r, int64_t offset)
{
    if (part->from < 0) {
        part->from = offset;
    }
    part->next = offset + 1;
    if (part->caught_up) {
        return;
    }
    r->records++;
    if (part->bounded && part->next >= part->end) {
        catch_up(r, part);
    }
}

void
replay_reach_end(struct replay *r, int32_t partition)
{
    struct replay_part *part = replay_find(r, partition);
    if (part != NULL && !part->waiting) {
        catch_up(r, part);
    }
}

bool
replay_caught_up(const struct replay *r, int32_t partition)
{
    const struct replay_part *part = replay_find(r, partition);
    return part != NULL && part->caught_up;
}

static int64_t
left_of(const struct replay_part *part)
{
    bool counts = part->owned && !part->caught_up && part->bounded && part->next >= 0;
    return counts && part->end > part->next ? part->end - part->next : 0;
}

int64_t
replay_left(const struct replay *r)
{
    int64_t left = 0;
    for (size_t i = 0; i < r->count; i++) {
        left += left_of(&r->parts[i]);
    }
    return left;
}

static void
describe_part(const struct replay_part *part, size_t partition, struct buf *out)
{
    buf_append_format(out, "partition %zu:", partition);
    if (part->from >= 0) {
        buf_append_format(out, " from %" PRId64 ", next %" PRId64, part->from,
                          part->next);
    } else {
        buf_append_text(out, " from where is being asked");
    }
    if (part->bounded) {
        buf_append_format(out, ", end %" PRId64, part->end);
    }
    buf_append_text(out, part->caught_up ? "\n" : ", behind\n");
}

void
replay_describe(const struct replay *r, int64_t now_ns, struct buf *out)
{
    buf_append_format(out, "replies: %zu partitions, %zu behind", r->owned, r->behind);
    if (r->behind > 0) {
        double seconds = (double)(now_ns - r->begun_ns) / (double)NS_PER_S;
        buf_append_format(out,
                          "; %" PRId64 " records read in %.1f s, %" PRId64 " to go",
                          r->records, seconds, replay_left(r));
    }
    buf_append_byte(out, '\n');
    for (size_t i = 0; i < r->count; i++) {
        if (r->parts[i].owned) {
            describe_part(&r->parts[i], i, out);
        }
    }
}
