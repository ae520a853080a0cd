/* SPDX-License-Identifier: Apache-2.0 */
#include "batcher/resident.h"

int64_t
residents_memory(const struct resident *all, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += all[i].memory_bytes;
    }
    return sum;
}

size_t
residents_count(const struct resident *all, size_t count)
{
    size_t takers = 0;
    for (size_t i = 0; i < count; i++) {
        takers += all[i].memory_bytes > 0 ? 1 : 0;
    }
    return takers;
}

static bool
goes_first(const struct resident *a, const struct resident *b)
{
    if (a->busy != b->busy) {
        return b->busy;
    }
    return a->busy ? a->loaded_ns < b->loaded_ns : a->asked_ns < b->asked_ns;
}

static bool
may_go(const struct resident *r, int64_t waiting_since_ns, int64_t now_ns)
{
    bool had_its_time = now_ns - r->loaded_ns >= RESIDENT_TERM_NS &&
                        now_ns - waiting_since_ns >= RESIDENT_TERM_NS;
    return r->loaded && r->memory_bytes > 0 && (!r->busy || had_its_time);
}

size_t
residents_choose(const struct resident *all,
                 size_t count,
                 int64_t waiting_since_ns,
                 int64_t now_ns)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        if (may_go(&all[i], waiting_since_ns, now_ns) &&
            (best == count || goes_first(&all[i], &all[best]))) {
            best = i;
        }
    }
    return best;
}
