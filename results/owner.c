/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A try costs one hash over 36 characters: only the last two bytes of the id vary, so
 * only the last four characters are written anew.
 */
#include "results/owner.h"

#include "base/span.h"
#include "bus/partition.h"

#include <stdlib.h>
#include <string.h>

enum { COUNTED_BYTES = 4 }; /* of an id that is to be a sibling */
enum { VARIED_CHARACTERS = 4, TRIES_PER_ID = 4096, TRIES_MAX = 1 << 22 };

void
owner_init(struct owner *o)
{
    *o = (struct owner){0};
    uuid_source_init(&o->random);
}

void
owner_fini(struct owner *o)
{
    free(o->owned);
    free(o->open);
    free(o->order);
    o->owned = NULL;
    o->open = NULL;
    o->order = NULL;
}

/* The order in which an index counts up with its bits mirrored, skipping what is not
 * there: 0 4 2 6 1 5 3 7. */
static void
order_build(struct owner *o, const int32_t *sorted, size_t count)
{
    size_t span = 1;
    while (span < count) {
        span *= 2;
    }
    o->order_count = 0;
    for (size_t i = 0; i < span; i++) {
        size_t mirrored = 0;
        for (size_t bit = 1; bit < span; bit *= 2) {
            mirrored = mirrored * 2 + ((i & bit) != 0);
        }
        if (mirrored < count) {
            o->order[o->order_count++] = sorted[mirrored];
        }
    }
    o->current = 0;
}

static void
order_refresh(struct owner *o)
{
    size_t count = 0;
    int32_t *sorted = o->order + o->partition_count;
    for (int32_t p = 0; p < o->partition_count; p++) {
        if (o->open[p]) {
            sorted[count++] = p;
        }
    }
    order_build(o, sorted, count);
}

/* Takes over the flags of the partitions that the topic has and had. */
static void
flags_move(const bool *from, bool *to, const struct owner *o, int32_t partition_count)
{
    int32_t least =
        partition_count < o->partition_count ? partition_count : o->partition_count;
    for (int32_t p = 0; p < least; p++) {
        to[p] = from[p];
    }
}

enum status
owner_resize(struct owner *o, int32_t partition_count)
{
    if (partition_count < 1 || partition_count > OWNER_PARTITIONS_MAX) {
        return STATUS_INVALID;
    }
    if (partition_count == o->partition_count) {
        return STATUS_OK;
    }
    size_t count = (size_t)partition_count;
    bool *owned = calloc(count, sizeof *owned);
    bool *open = calloc(count, sizeof *open);
    int32_t *order = calloc(2 * count, sizeof *order); /* second half: scratch */
    if (owned == NULL || open == NULL || order == NULL) {
        free(owned);
        free(open);
        free(order);
        return STATUS_NO_MEMORY;
    }
    flags_move(o->owned, owned, o, partition_count);
    flags_move(o->open, open, o, partition_count);
    owner_fini(o);
    o->owned = owned;
    o->open = open;
    o->order = order;
    o->partition_count = partition_count;
    owner_settle(o);
    return STATUS_OK;
}

static bool
is_inside(const struct owner *o, int32_t partition)
{
    return partition >= 0 && partition < o->partition_count;
}

void
owner_set(struct owner *o, int32_t partition, bool owned)
{
    if (is_inside(o, partition) && o->owned[partition] != owned) {
        o->owned[partition] = owned;
        o->owned_count += owned ? 1 : (size_t)-1;
    }
}

void
owner_open(struct owner *o, int32_t partition)
{
    if (owner_has(o, partition) && !o->open[partition]) {
        o->open[partition] = true;
        order_refresh(o);
    }
}

void
owner_settle(struct owner *o)
{
    o->owned_count = 0;
    for (int32_t p = 0; p < o->partition_count; p++) {
        o->open[p] = o->open[p] && o->owned[p];
        o->owned_count += o->owned[p];
    }
    order_refresh(o);
}

bool
owner_has(const struct owner *o, int32_t partition)
{
    return is_inside(o, partition) && o->owned[partition];
}

bool
owner_holds(const struct owner *o, int32_t partition)
{
    return is_inside(o, partition) && (o->owned[partition] || o->open[partition]);
}

int32_t
owner_partition(const struct owner *o, const struct uuid *id)
{
    if (o->partition_count == 0) {
        return OWNER_NOBODY;
    }
    char text[UUID_TEXT];
    uuid_format(id, text);
    return partition_of_key(span_of(text, UUID_TEXT), o->partition_count);
}

static void
write_varied(const struct uuid *id, char text[static UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *end = text + (UUID_TEXT - VARIED_CHARACTERS);
    for (size_t i = 0; i < VARIED_CHARACTERS / 2; i++) {
        uint8_t byte = id->bytes[UUID_BYTES - VARIED_CHARACTERS / 2 + i];
        end[2 * i] = digits[byte >> 4];
        end[2 * i + 1] = digits[byte & 15];
    }
}

enum status
owner_mint(struct owner *o, int64_t wall_us, struct uuid *id)
{
    if (o->order_count == 0) {
        return STATUS_UNAVAILABLE;
    }
    char text[UUID_TEXT];
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        if (tries % TRIES_PER_ID == 0) {
            *id = uuid_mint(&o->random, wall_us);
            uuid_format(id, text);
        } else {
            uuid_vary(&o->random, id);
            write_varied(id, text);
        }
        int32_t p = partition_of_key(span_of(text, UUID_TEXT), o->partition_count);
        if (p == o->order[o->current]) {
            return STATUS_OK;
        }
    }
    return STATUS_UNAVAILABLE; /* chance of it: below (1 - 1/65536)^4194304 */
}

enum status
owner_sibling(const struct owner *o, const struct uuid *of, struct uuid *id)
{
    int32_t wanted = owner_partition(o, of);
    if (wanted == OWNER_NOBODY) {
        return STATUS_UNAVAILABLE;
    }
    for (int tries = 0; tries < TRIES_MAX && owner_partition(o, id) != wanted;
         tries++) {
        size_t at = UUID_BYTES;
        do {
            at--;
        } while (++id->bytes[at] == 0 && at > UUID_BYTES - COUNTED_BYTES);
    }
    return owner_partition(o, id) == wanted ? STATUS_OK : STATUS_UNAVAILABLE;
}

void
owner_next(struct owner *o)
{
    if (o->order_count > 0) {
        o->current = (o->current + 1) % o->order_count;
    }
}
