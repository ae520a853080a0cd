/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing Canonical Form of a schema, to be fingerprinted. */
#ifndef TESTS_CANONICAL_FORM_H
#define TESTS_CANONICAL_FORM_H

#include "base/buf.h"

#include <jansson.h>

/** Appends the form of a schema whose names stand in a namespace ("" = none). */
void canonical_form_write(const json_t *schema, const char *name_space, struct buf *b);

#endif
