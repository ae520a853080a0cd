/* SPDX-License-Identifier: Apache-2.0 */
/* See ledger.h. */
#include "bench/feed/ledger.h"

#include <stdint.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 1 << 16 };

void
ledger_fini(struct ledger *l)
{
    free(l->entries);
    *l = (struct ledger){0};
}

size_t
ledger_add(struct ledger *l, const struct due *due, uint64_t wanted)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity == 0 ? CAPACITY_FIRST : l->capacity * 2;
        struct entry *entries = realloc(l->entries, capacity * sizeof(*entries));
        if (entries == NULL) {
            return SIZE_MAX;
        }
        l->entries = entries;
        l->capacity = capacity;
    }
    l->entries[l->count] = (struct entry){.due = *due, .wanted = wanted};
    return l->count++;
}
