/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces that the writers of documents share; each appends to a buffer. */
#ifndef SCHEMAS_OIP_WRITE_H
#define SCHEMAS_OIP_WRITE_H

#include "schemas/oip.h"

/** `"name":` */
void oip_write_key(struct buf *b, const char *name);

void oip_write_number(struct buf *b, int64_t value);
void oip_write_shape(struct buf *b, const int64_t *shape, uint32_t rank);

/** The data of a tensor as a flat JSON array. */
void oip_write_data(const struct tensor *t, struct buf *b);

/** A tensor as an object, with its data or the size of its bytes behind the JSON. */
void oip_write_tensor(const struct tensor *t, bool binary, struct buf *b);

#endif
