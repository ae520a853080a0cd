/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one option's text by its kind, and the small text work around names. Pure. */
#ifndef BASE_OPTION_VALUE_H
#define BASE_OPTION_VALUE_H

#include "base/option.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * Reads a value as a user writes it: "30s", "64KiB", "true".
 *
 * @param[in]  text  lives as long as the field (TEXT keeps the pointer; "" becomes
 * NULL)
 * @param[out] field of the C type of option->kind; set only on STATUS_OK
 * @param[out] fault names the option, the value and what is accepted
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status option_value_read(const struct option *option,
                                         const char *text,
                                         void *field,
                                         struct fault *fault);

/** LEAT_ + the name in capitals, dots and dashes as underscores. */
void option_environment_name(const char *name, char *out, size_t size);

/** Edit distance, to find the name that was meant. */
size_t option_distance(const char *a, const char *b);

/** Whether a key's value must not be shown. */
bool option_is_secret(const char *key);

#endif
