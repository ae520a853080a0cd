/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers that are the same for a seed on every machine: one counter through the
 * mixing function of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
 * number generators", OOPSLA 2014). The seed says everything, so streams can be
 * repeated.
 */
#ifndef BENCH_SIMULATE_RANDOM_H
#define BENCH_SIMULATE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

void random_init(struct random *r, uint64_t seed);

/** Uniform, above 0 and below 1. */
double random_uniform(struct random *r);

/** Exponential with mean 1. */
double random_exponential(struct random *r);

/** Normal with mean 0 and deviation 1. */
double random_normal(struct random *r);

#endif
