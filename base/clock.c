/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks, read through the vDSO. */
#include "base/clock.h"

#include <time.h>

int64_t
clock_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t
clock_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / NS_PER_US;
}
