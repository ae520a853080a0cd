/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over JSON text for headers of a known shape: the caller says what comes
 * next. It allocates nothing, does not recurse and never reads past the end.
 */
#ifndef RUNNER_JSON_SCAN_H
#define RUNNER_JSON_SCAN_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_scan {
    struct span text;
    size_t at;
};

/** Skips white space; then whether the next byte is `byte`, which is taken if so. */
bool json_scan_take(struct json_scan *scan, char byte);

/** Takes a string; `out` is what stands between the quotes, escapes and all. */
bool json_scan_string(struct json_scan *scan, struct span *out);

/** Takes a whole number from 0 to 2^53, the numbers every JSON reader agrees on. */
bool json_scan_whole(struct json_scan *scan, uint64_t *out);

/** Whether only white space is left. */
bool json_scan_ended(struct json_scan *scan);

/**
 * Whether another element of an object or array follows: takes a comma (not before the
 * first element) or the closing byte.
 *
 * @param[in,out] first true before the first element; false afterwards
 * @param[out]    ok false where neither stands
 */
bool json_scan_more(struct json_scan *scan, char close, bool *first, bool *ok);

#endif
