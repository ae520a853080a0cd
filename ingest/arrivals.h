/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When how many requests of a model had been stored, all partitions together: what
 * stood before a job follows from the moment it was submitted. The moments kept reach
 * back as far as the backlog does; the more there are, the coarser they get. Pure.
 */
#ifndef INGEST_ARRIVALS_H
#define INGEST_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

enum { ARRIVALS_MAX = 512 };

struct arrival {
    int64_t wall_us;
    int64_t total; /* requests stored before, since the beginning of the topic */
};

struct arrivals {
    struct arrival points[ARRIVALS_MAX]; /* neither time nor total falls */
    size_t count;
    int64_t grain_us; /* moments closer than this become one */
};

void arrivals_init(struct arrivals *a);

/**
 * Notes how many there are now. A clock that was set back counts as standing still. If
 * more was noted before, that was too much: a record under way can be counted twice.
 */
void arrivals_note(struct arrivals *a, int64_t wall_us, int64_t total);

/** Adds to all that was noted: it was counted from there, not from 0. */
void arrivals_shift(struct arrivals *a, int64_t by);

/** Forgets what lies below the requests that are answered. */
void arrivals_trim(struct arrivals *a, int64_t answered);

/**
 * How many had been stored at a moment, between two moments in proportion.
 *
 * @return for one before all that is kept, the total of the first: it was no more;
 *         0 if nothing is kept
 */
int64_t arrivals_at(const struct arrivals *a, int64_t wall_us);

#endif
