/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Avro binary encoding of our own records: bounded, zero-copy, allocation only from the
 * arena. Foreign bytes pass only through here, never through avro-c. Proved equal to
 * avro-c in both directions by tests/unit/schemas. Pure.
 *
 * Decoding accepts exactly one record and nothing behind it, checks every length
 * against what is left, every enum index, every UUID, every tensor's data against
 * datatype and shape, and the limits of message.h. Texts are UTF-8 without U+0000. Also
 * refused: empty names (of models, tensors, topics, ...), negative counts and
 * priorities, a deadline of 0 or less, a parameter named twice.
 *
 * Encoding writes what it is given: what decoding would refuse is the writer's fault.
 * Only an error's message and a model's reason may have any bytes and length; those
 * that are no text become '?'.
 */
#ifndef SCHEMAS_CODEC_H
#define SCHEMAS_CODEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "schemas/message.h"

/** Appends the framed record (single-object encoding). Check b->status afterwards. */
void request_encode(const struct request *r, struct buf *b);
void reply_encode(const struct reply *r, struct buf *b);
void model_info_encode(const struct model_info *m, struct buf *b);
void running_encode(const struct running *r, struct buf *b);
void control_encode(const struct control *c, struct buf *b);
void webhook_record_encode(const struct webhook_record *w, struct buf *b);

/**
 * Reads a framed record: single-object, Confluent prefix, or bare.
 *
 * @param[in]  bytes borrowed; the result points into it
 * @param[out] r     set only on STATUS_OK
 * @param[out] fault names the field and the byte offset
 * @return STATUS_OK; STATUS_INVALID; STATUS_TOO_LARGE over a count; STATUS_UNSUPPORTED
 *         for a fingerprint that is not known; STATUS_NO_MEMORY
 */
MUST_CHECK enum status request_decode(struct span bytes,
                                      struct arena *arena,
                                      struct request *r,
                                      struct fault *fault);
MUST_CHECK enum status reply_decode(struct span bytes,
                                    struct arena *arena,
                                    struct reply *r,
                                    struct fault *fault);
MUST_CHECK enum status model_info_decode(struct span bytes,
                                         struct arena *arena,
                                         struct model_info *m,
                                         struct fault *fault);
MUST_CHECK enum status running_decode(struct span bytes,
                                      struct arena *arena,
                                      struct running *r,
                                      struct fault *fault);
MUST_CHECK enum status control_decode(struct span bytes,
                                      struct arena *arena,
                                      struct control *c,
                                      struct fault *fault);
/** Takes nothing from the arena. */
MUST_CHECK enum status webhook_record_decode(struct span bytes,
                                             struct arena *arena,
                                             struct webhook_record *w,
                                             struct fault *fault);

/**
 * Only the id of a request that may not decode, so that its sender can still be told.
 *
 * @return STATUS_OK; STATUS_INVALID if not even that can be read, or the fingerprint is
 * not known
 */
MUST_CHECK enum status request_peek_id(struct span bytes, struct uuid *id);

#endif
