/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a batch of n rows takes, learned from the batches that ran: a curve of knots
 * with straight lines between them; each knot keeps a mean and a mean deviation as
 * TCP's retransmission timer does (RFC 6298). A model with padding buckets has its
 * knots at the buckets and rounds up; otherwise they stand at 1, 2, 4, ... and at the
 * most rows. Seeded by the runner's warm-up. Pure.
 */
#ifndef BATCHER_COST_H
#define BATCHER_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COST_KNOTS_MAX = 32 };

struct cost_knot {
    uint32_t rows;
    bool known;        /* else mean and deviation are filled in from the known ones */
    uint32_t observed; /* so often; counts to 8 */
    double mean_ns;
    double deviation_ns;
    double best_ns;       /* the lowest mean of late */
    uint32_t passed_over; /* observations of others since its own */
    double risen_mean_ns; /* not below that of the knot before: this is what is read */
    double risen_bound_ns;
};

struct cost {
    struct cost_knot knots[COST_KNOTS_MAX]; /* ascending rows; the last = most rows */
    uint32_t knot_count;
    bool padded;   /* batches are padded up to the next knot */
    int surprises; /* observations in a row far above (> 0) or below (< 0) the curve */
};

/** @param[in] buckets ascending, count 0 = none; the last is raised to rows_max */
void
cost_init(struct cost *c, uint32_t rows_max, const uint32_t *buckets, size_t count);

/** A batch of `rows` took so long. */
void cost_observe(struct cost *c, uint32_t rows, int64_t took_ns);

/** No batch runs because of what they are believed to take: believe the best that each
 * knot knew of late, so that one runs and shows what is true. */
void cost_relax(struct cost *c);

/** Expected time of a batch; 0 while nothing at all is known. Never falls with rows. */
int64_t cost_mean(const struct cost *c, uint32_t rows);

/** Time that a batch hardly exceeds: mean + 2 deviations. Never falls with rows. */
int64_t cost_bound(const struct cost *c, uint32_t rows);

/** Most rows, up to rows_most, with cost_bound() within the time; 0 if not even one. */
uint32_t cost_rows_within(const struct cost *c, uint32_t rows_most, int64_t time_ns);

/** The bucket that holds so many rows, and the largest not above; rows itself when not
 * padded. cost_bucket_floor() is 0 below the first bucket. */
uint32_t cost_bucket_ceil(const struct cost *c, uint32_t rows);
uint32_t cost_bucket_floor(const struct cost *c, uint32_t rows);

#endif
