/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two clocks. Waits and deadlines inside a process use the monotonic one (it never
 * steps); what leaves the process (records, bodies) uses the wall clock. Pure modules
 * read neither: they are given `now_ns`.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_US  1000LL
#define NS_PER_MS  1000000LL
#define NS_PER_S   1000000000LL
#define TIME_NEVER INT64_MAX

/** Monotonic time in ns, comparable between processes of one machine. @thread any */
int64_t clock_mono_ns(void);

/** Wall time in microseconds since 1970-01-01 UTC. @thread any */
int64_t clock_wall_us(void);

#endif
