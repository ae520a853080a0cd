/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes a text in a record may have: well-formed UTF-8 without U+0000, which
 * would cut it short wherever it becomes a C string (a tenant or a URL that means one
 * thing here and another there). Pure.
 */
#ifndef SCHEMAS_AVRO_TEXT_H
#define SCHEMAS_AVRO_TEXT_H

#include "base/span.h"

#include <stddef.h>

/** Bytes at the start of the text that may stand there; text.size if all may. */
size_t avro_text_valid(struct span text);

/** Overwrites every byte that may not stand there with '?'. */
void avro_text_repair(uint8_t *text, size_t size);

#endif
