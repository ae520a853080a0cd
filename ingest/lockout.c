/* SPDX-License-Identifier: Apache-2.0 */
/* Two places an address may stand at; the one with less to lose is given up. */
#include "ingest/lockout.h"

#include "base/clock.h"

#include <string.h>

#define MINUTE_NS (60 * NS_PER_S)

void
lockout_init(struct lockout *l, uint64_t seed)
{
    *l = (struct lockout){.seed = seed};
}

/* ::ffff:a.b.c.d whole, other addresses by their first half. */
static void
reduce(const uint8_t address[static LOCKOUT_ADDRESS_BYTES],
       uint8_t reduced[static LOCKOUT_ADDRESS_BYTES])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(reduced, address, LOCKOUT_ADDRESS_BYTES);
    if (memcmp(address, mapped, sizeof(mapped)) != 0) {
        memset(reduced + 8, 0, 8);
    }
}

static uint64_t
hash(uint64_t seed, const uint8_t address[static LOCKOUT_ADDRESS_BYTES])
{
    uint64_t a = 0;
    uint64_t b = 0;
    memcpy(&a, address, sizeof(a));
    memcpy(&b, address + sizeof(a), sizeof(b));
    uint64_t h = (a ^ seed) * 0x9e3779b97f4a7c15U;
    h = (h ^ (h >> 32) ^ b) * 0xd6e8feb86659fd93U;
    return h ^ (h >> 32);
}

static bool
is_over(const struct lockout_entry *e, int64_t now_ns)
{
    return e->failures == 0 || now_ns - e->began_ns >= MINUTE_NS;
}

static struct lockout_entry *
entry_of(struct lockout *l,
         const uint8_t address[static LOCKOUT_ADDRESS_BYTES],
         int64_t now_ns)
{
    uint64_t h = hash(l->seed, address);
    size_t at = h % LOCKOUT_ENTRIES;
    size_t away = (size_t)(h >> 32) | 1; /* never the same place */
    struct lockout_entry *first = &l->entries[at];
    struct lockout_entry *second = &l->entries[(at ^ away) % LOCKOUT_ENTRIES];
    if (memcmp(first->address, address, LOCKOUT_ADDRESS_BYTES) == 0) {
        return first;
    }
    if (memcmp(second->address, address, LOCKOUT_ADDRESS_BYTES) == 0) {
        return second;
    }
    if (is_over(first, now_ns)) {
        return first;
    }
    return is_over(second, now_ns) || second->failures < first->failures ? second
                                                                         : first;
}

int64_t
lockout_fail(struct lockout *l,
             const uint8_t address[static LOCKOUT_ADDRESS_BYTES],
             int64_t now_ns)
{
    uint8_t reduced[LOCKOUT_ADDRESS_BYTES];
    reduce(address, reduced);
    struct lockout_entry *e = entry_of(l, reduced, now_ns);
    bool same = memcmp(e->address, reduced, LOCKOUT_ADDRESS_BYTES) == 0;
    if (!same || is_over(e, now_ns)) {
        *e = (struct lockout_entry){.began_ns = now_ns};
        memcpy(e->address, reduced, LOCKOUT_ADDRESS_BYTES);
    }
    e->failures++;
    if (e->failures <= LOCKOUT_FAILURES) {
        return 0;
    }
    return (e->began_ns + MINUTE_NS - now_ns + NS_PER_S - 1) / NS_PER_S;
}
