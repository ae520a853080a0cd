/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most U+10FFFF. Pure.
 */
#ifndef SCHEMAS_UTF8_H
#define SCHEMAS_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Bytes of the character at the front, 1 to 4; 0 if it is none. @param[in] at < end */
size_t utf8_length(const uint8_t *at, const uint8_t *end);

/** Writes a character. @param[in] code a scalar value @return bytes written, 1 to 4 */
size_t utf8_write(uint8_t out[static 4], uint32_t code);

#endif
