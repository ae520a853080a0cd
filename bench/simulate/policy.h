/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way to form batches, as the engine drives it: told of arrivals and ended runs,
 * asked after each event what to do now. JIT-EDF is the product's former and cost
 * model; the others are short restatements of published rules, to compare with.
 */
#ifndef BENCH_SIMULATE_POLICY_H
#define BENCH_SIMULATE_POLICY_H

#include "batcher/former.h"
#include "bench/simulate/device.h"

#include <stddef.h>
#include <stdint.h>

struct policy_ops;

/** A row of the table of policies; what a rule does not know is 0. */
struct policy {
    const char *name;
    const struct policy_ops *ops;
    uint32_t rows_max; /* of a batch; 0 = the device's */
    int64_t delay_ns;  /* the oldest request waits so long for a full batch */
    unsigned depth;    /* batches under way at most */
};

/** The device as a policy may know it. */
struct moment {
    int64_t now_ns;
    unsigned under_way; /* batches staged or running */
};

/** A batch that has run. */
struct run {
    uint32_t rows;
    int64_t staged_ns; /* staging took so long */
    int64_t took_ns;   /* the run itself */
    int64_t ended_ns;
};

/** What a policy does now. Filled from zero. */
struct decision {
    struct former_list batch; /* empty = none */
    struct former_list dropped;
    int64_t wake_ns;   /* ask again then, if nothing happens before; TIME_NEVER */
    uint64_t too_late; /* in the batch, but late by the policy's own reckoning */
};

struct policy_ops {
    size_t size; /* of the state, given zeroed to init() */
    void (*init)(void *state, const struct policy *policy, const struct device *d);
    void (*fini)(void *state);
    void (*arrive)(void *state, struct former_entry *e);
    /** Called again as long as it gives a batch. */
    void (*decide)(void *state, const struct moment *m, struct decision *decision);
    void (*finished)(void *state, const struct run *run);
};

extern const struct policy_ops policy_fixed;   /* first come first served, no drops */
extern const struct policy_ops policy_aimd;    /* greedy with a learned limit */
extern const struct policy_ops policy_bentoml; /* one latency limit, cancels the head */
extern const struct policy_ops policy_jit;     /* the product */

/** All of them; ends with a NULL name. */
extern const struct policy policies[];

/** NULL if there is none of that name. */
const struct policy *policy_find(const char *name);

#endif
