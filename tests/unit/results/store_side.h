/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests of the store share: a directory, a wall clock of their own, and records of
 * ids that are numbers.
 */
#ifndef TESTS_UNIT_RESULTS_STORE_SIDE_H
#define TESTS_UNIT_RESULTS_STORE_SIDE_H

#include "base/uuid.h"
#include "directory.h"
#include "results/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { MIB = 1 << 20 };

#define TTL_US       3600000000LL
#define SHORT_TTL_US 300000000LL /* of what was delivered */

extern struct directory side_directory;
extern int64_t side_now_us; /* wall; as of the setup unless the test moves it */

void side_setup(void);
void side_teardown(void);

struct store *side_open(int64_t bytes_max);
struct uuid side_id(uint64_t n);
enum status
side_put(struct store *s, uint64_t n, bool terminal, const char *text, int64_t at_us);
bool side_holds(struct store *s, uint64_t n, const char *text, int64_t wall_us);

/** The position of a partition; -1: nothing known. */
int64_t side_next(struct store *s, int32_t partition);
void side_set_next(struct store *s, int32_t partition, int64_t next);

#endif
