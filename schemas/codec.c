/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the codec: prefix, fingerprint, the one record of the bytes, its end.
 */
#include "schemas/codec.h"

#include "schemas/codec_record.h"
#include "schemas/framing.h"

#include <inttypes.h>

static void
encode(struct buf *b, const struct codec_record *type, const void *record)
{
    framing_write(b, type->fingerprint);
    codec_record_write(b, type, record);
}

/* A Confluent id means nothing without its registry: such bytes are read as our own
 * schema, as bare ones are, and fail if they are not. */
static enum status
find_body(struct span bytes,
          uint64_t fingerprint,
          struct span *body,
          struct fault *fault)
{
    struct framing framing;
    framing_read(bytes, &framing);
    if (framing.kind == FRAMING_SINGLE_OBJECT && framing.fingerprint != fingerprint) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "record: schema fingerprint %016" PRIx64 " is not %016" PRIx64
                         ", at byte 2",
                         framing.fingerprint, fingerprint);
    }
    *body = framing.body;
    return STATUS_OK;
}

/* `record` is zeroed; it is half filled when the status is not STATUS_OK. */
static enum status
decode(struct span bytes,
       const struct codec_record *type,
       struct arena *arena,
       void *record,
       struct fault *fault)
{
    struct span body = {0};
    enum status status = find_body(bytes, type->fingerprint, &body, fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct avro_reader r;
    avro_reader_init(&r, bytes, body, arena, fault);
    codec_record_read(&r, type, record);
    if (r.at != r.end) {
        r.path[0] = (struct avro_step){.name = "record", .index = AVRO_NO_INDEX};
        avro_fail(&r, r.at, STATUS_INVALID, "%zu bytes behind its end",
                  (size_t)(r.end - r.at));
    }
    return r.status;
}

void
request_encode(const struct request *r, struct buf *b)
{
    encode(b, &codec_request, r);
}

void
reply_encode(const struct reply *r, struct buf *b)
{
    encode(b, &codec_reply, r);
}

void
model_info_encode(const struct model_info *m, struct buf *b)
{
    encode(b, &codec_model_info, m);
}

void
running_encode(const struct running *r, struct buf *b)
{
    encode(b, &codec_running, r);
}

void
control_encode(const struct control *c, struct buf *b)
{
    encode(b, &codec_control, c);
}

void
webhook_record_encode(const struct webhook_record *w, struct buf *b)
{
    encode(b, &codec_webhook_record, w);
}

enum status
request_decode(struct span bytes,
               struct arena *arena,
               struct request *r,
               struct fault *fault)
{
    struct request read = {0};
    enum status status = decode(bytes, &codec_request, arena, &read, fault);
    if (status == STATUS_OK) {
        *r = read;
    }
    return status;
}

enum status
reply_decode(struct span bytes,
             struct arena *arena,
             struct reply *r,
             struct fault *fault)
{
    struct reply read = {0};
    enum status status = decode(bytes, &codec_reply, arena, &read, fault);
    if (status == STATUS_OK) {
        *r = read;
    }
    return status;
}

enum status
model_info_decode(struct span bytes,
                  struct arena *arena,
                  struct model_info *m,
                  struct fault *fault)
{
    struct model_info read = {0};
    enum status status = decode(bytes, &codec_model_info, arena, &read, fault);
    if (status == STATUS_OK) {
        *m = read;
    }
    return status;
}

enum status
running_decode(struct span bytes,
               struct arena *arena,
               struct running *r,
               struct fault *fault)
{
    struct running read = {0};
    enum status status = decode(bytes, &codec_running, arena, &read, fault);
    if (status == STATUS_OK) {
        *r = read;
    }
    return status;
}

enum status
control_decode(struct span bytes,
               struct arena *arena,
               struct control *c,
               struct fault *fault)
{
    struct control read = {0};
    enum status status = decode(bytes, &codec_control, arena, &read, fault);
    if (status == STATUS_OK) {
        *c = read;
    }
    return status;
}

enum status
webhook_record_decode(struct span bytes,
                      struct arena *arena,
                      struct webhook_record *w,
                      struct fault *fault)
{
    struct webhook_record read = {0};
    enum status status = decode(bytes, &codec_webhook_record, arena, &read, fault);
    if (status == STATUS_OK) {
        *w = read;
    }
    return status;
}

enum status
request_peek_id(struct span bytes, struct uuid *id)
{
    struct span body = {0};
    if (find_body(bytes, codec_request.fingerprint, &body, NULL) != STATUS_OK) {
        return STATUS_INVALID;
    }
    struct avro_reader r;
    avro_reader_init(&r, bytes, body, NULL, NULL);
    return uuid_parse(avro_read_bytes(&r, SIZE_MAX), id);
}
