/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models that share a memory that does not hold them all, the host's or a device's:
 * which of them makes room. Only one that takes some of that memory does. The one that
 * nobody has asked for the longest goes first. If all are in use, the one that was
 * loaded first goes, but each has its time to work before. Pure: told the time.
 */
#ifndef BATCHER_RESIDENT_H
#define BATCHER_RESIDENT_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** So long a model that is in use keeps its room although another one waits. */
#define RESIDENT_TERM_NS (2 * NS_PER_S)

/** The memory of the host; others are named as their device is: "cuda:1". */
#define RESIDENT_HOST "host"

/** A model as far as room in one memory is concerned. */
struct resident {
    int64_t memory_bytes; /* of it that it takes, or is expected to take */
    int64_t asked_ns;     /* when its last request came; 0 = never */
    int64_t loaded_ns;    /* since when it could work */
    bool loaded;          /* and not about to go already: may be chosen */
    bool busy;            /* requests of it wait or run */
};

/** Bytes that all of them take together. */
int64_t residents_memory(const struct resident *all, size_t count);

/** How many take some of it. */
size_t residents_count(const struct resident *all, size_t count);

/**
 * Who makes room for one that has waited since then.
 *
 * @return count if nobody does now
 */
size_t residents_choose(const struct resident *all,
                        size_t count,
                        int64_t waiting_since_ns,
                        int64_t now_ns);

#endif
