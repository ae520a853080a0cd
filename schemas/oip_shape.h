/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes in the words of a fault. Pure. */
#ifndef SCHEMAS_OIP_SHAPE_H
#define SCHEMAS_OIP_SHAPE_H

#include <stdint.h>

enum { OIP_SHAPE_TEXT = 80 };

/** "[1,64]", cut to the room there is. */
void
oip_shape_format(const int64_t *shape, uint32_t rank, char out[static OIP_SHAPE_TEXT]);

#endif
