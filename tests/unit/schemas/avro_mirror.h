/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our records as avro-c values, set by field name, and such values as bytes in which
 * arrays and maps come in random blocks: the other half of the differential tests.
 */
#ifndef TESTS_AVRO_MIRROR_H
#define TESTS_AVRO_MIRROR_H

#include "base/buf.h"
#include "schemas/message.h"
#include "tests/unit/schemas/sample_records.h"

#include <avro.h>

/** Class of the values of an .avsc file. */
avro_value_iface_t *mirror_class(const char *path);

/* Fill a fresh value; text is copied through the arena. */
void mirror_request(const struct request *r, struct arena *arena, avro_value_t *v);
void mirror_reply(const struct reply *r, struct arena *arena, avro_value_t *v);
void
mirror_model_info(const struct model_info *m, struct arena *arena, avro_value_t *v);
void mirror_running(const struct running *r, struct arena *arena, avro_value_t *v);
void mirror_control(const struct control *c, struct arena *arena, avro_value_t *v);
void mirror_webhook_record(const struct webhook_record *w,
                           struct arena *arena,
                           avro_value_t *v);

/** Appends the value, arrays and maps in several blocks, some with their size. */
void mirror_write_blocks(const avro_value_t *v, struct sample *s, struct buf *b);

#endif
