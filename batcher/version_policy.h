/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions of a model are served: version.policy=latest, latest:2, all or
 * specific:1,3. Pure: it is handed the numbers that are there.
 */
#ifndef BATCHER_VERSION_POLICY_H
#define BATCHER_VERSION_POLICY_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Versions of one model that may be served at a time. */
enum { MODEL_VERSIONS_MAX = 32 };

struct version_policy {
    uint32_t newest;                       /* so many; 0: those listed */
    uint32_t specific[MODEL_VERSIONS_MAX]; /* as written */
    size_t specific_count;
};

/** The newest alone, where nothing is said. */
void version_policy_init(struct version_policy *p);

/** @param[out] p set only on STATUS_OK @return STATUS_OK; STATUS_INVALID with what is
 * wanted */
MUST_CHECK enum status
version_policy_read(struct version_policy *p, const char *text, struct fault *fault);

/**
 * Keeps of the numbers those to be served, at most MODEL_VERSIONS_MAX.
 *
 * @param[in,out] numbers newest (highest) first
 * @return how many are left
 */
size_t
version_policy_select(const struct version_policy *p, uint32_t *numbers, size_t count);

/** The first version asked for that is not among the numbers; 0 if all are. */
uint32_t version_policy_missing(const struct version_policy *p,
                                const uint32_t *numbers,
                                size_t count);

/** Reads a version as a folder is named: 1 to 2^32 - 1, no leading zero; 0 if it is
 * none. */
uint32_t version_number(const char *text);

#endif
