/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The discrete-event engine: one stream of requests, one policy, one device, a virtual
 * clock. It watches the rules that no policy may break while it goes.
 */
#ifndef BENCH_SIMULATE_ENGINE_H
#define BENCH_SIMULATE_ENGINE_H

#include "bench/simulate/device.h"
#include "bench/simulate/policy.h"
#include "bench/simulate/score.h"
#include "bench/simulate/stream.h"

/** Runs until every request has ended, and adds to the score. */
void engine_run(const struct policy *policy,
                const struct device *device,
                const struct load *load,
                struct score *score);

#endif
