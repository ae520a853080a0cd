/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a shape as JSON would, in a fixed room. */
#include "schemas/oip_shape.h"

#include <inttypes.h>
#include <stdio.h>

void
oip_shape_format(const int64_t *shape, uint32_t rank, char out[static OIP_SHAPE_TEXT])
{
    enum { DIMENSION_TEXT = 22 }; /* comma, 20 characters, bracket */
    size_t used = (size_t)snprintf(out, OIP_SHAPE_TEXT, "[");
    for (uint32_t i = 0; i < rank && used + DIMENSION_TEXT < OIP_SHAPE_TEXT; i++) {
        used += (size_t)snprintf(out + used, OIP_SHAPE_TEXT - used, "%s%" PRId64,
                                 i == 0 ? "" : ",", shape[i]);
    }
    (void)snprintf(out + used, OIP_SHAPE_TEXT - used, "]");
}
