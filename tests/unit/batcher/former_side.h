/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the former share: entries, and a device whose batches of n rows take
 * exactly 1 ms + 100 us * n after a staging of 100 us + 1 us * n.
 */
#ifndef TESTS_UNIT_BATCHER_FORMER_SIDE_H
#define TESTS_UNIT_BATCHER_FORMER_SIDE_H

#include "base/clock.h"
#include "batcher/former.h"

struct side {
    struct former *f;
    struct former_ask ask; /* idle at 0, 16 rows, 64 KiB */
    struct cost run;
    struct cost stage;
};

/** With room for `entries_max` and what the config says beyond that. */
void side_open(struct side *s, size_t entries_max, struct former_config config);
void side_close(struct side *s);

/** What the costs say. */
int64_t side_run_ns(uint32_t rows);
int64_t side_stage_ns(uint32_t rows);

/** One row of 8 bytes, arrived at 0, of signature, tenant and level 1. */
struct former_entry side_entry(int64_t deadline_ns);

void side_add(struct side *s, struct former_entry *e);

/** Adds `count` equal entries. */
void side_add_all(struct side *s,
                  struct former_entry *entries,
                  int count,
                  int64_t deadline_ns);

/** What is taken now; nothing may be shed. */
struct former_list side_take(struct side *s);

#endif
