/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of our records, in the order of request.avsc, reply.avsc, control.avsc and
 * webhook.avsc; those of model_state.avsc are in codec_table_model.c. Tests hold them
 * against avro-c, which reads the .avsc, and compute the fingerprints (CRC-64-AVRO of
 * the canonical forms).
 */
#include "schemas/codec_record.h"
#include "schemas/message.h"

/* enum_read() and enum_write() in codec_type.c rely on it. */
_Static_assert(sizeof(enum datatype) == sizeof(unsigned) &&
                   sizeof(enum reply_status) == sizeof(unsigned) &&
                   sizeof(enum control_type) == sizeof(unsigned) &&
                   sizeof(enum webhook_state) == sizeof(unsigned),
               "enums are stored as unsigned int");

static enum status
check_tensor(const void *record, struct fault *fault)
{
    return tensor_check(record, fault);
}

static const struct codec_field tensor_fields[] = {
    {.name = "name",
     .type = &codec_text,
     .offset = offsetof(struct tensor, name),
     .min = 1,
     .max = NAME_MAX_BYTES},
    {.name = "datatype",
     .type = &codec_enum,
     .offset = offsetof(struct tensor, datatype),
     .max = DATATYPE_COUNT - 1},
    {.name = "shape",
     .type = &codec_shape,
     .offset = offsetof(struct tensor, shape),
     .count_offset = offsetof(struct tensor, rank),
     .max = TENSOR_RANK_MAX},
    {.name = "data",
     .type = &codec_bytes,
     .offset = offsetof(struct tensor, data),
     .max = INT64_MAX},
};

static const struct codec_record tensor_record = {
    .fields = tensor_fields,
    .field_count = sizeof(tensor_fields) / sizeof(tensor_fields[0]),
    .size = sizeof(struct tensor),
    .check = check_tensor,
};

static const struct codec_field reply_to_fields[] = {
    {.name = "topic",
     .type = &codec_text,
     .offset = offsetof(struct reply_to, topic),
     .min = 1,
     .max = TOPIC_MAX_BYTES},
    {.name = "partition",
     .type = &codec_int,
     .nullable = true,
     .offset = offsetof(struct reply_to, partition),
     .min = 0,
     .max = INT32_MAX,
     .absent = -1},
};

static const struct codec_record reply_to_record = {
    .fields = reply_to_fields,
    .field_count = sizeof(reply_to_fields) / sizeof(reply_to_fields[0]),
    .size = sizeof(struct reply_to),
};

static const struct codec_field webhook_fields[] = {
    {.name = "url",
     .type = &codec_text,
     .offset = offsetof(struct webhook_target, url),
     .min = 1,
     .max = URL_MAX_BYTES},
    {.name = "events",
     .type = &codec_texts,
     .offset = offsetof(struct webhook_target, events),
     .count_offset = offsetof(struct webhook_target, event_count),
     .max = EVENTS_MAX},
};

static const struct codec_record webhook_record = {
    .fields = webhook_fields,
    .field_count = sizeof(webhook_fields) / sizeof(webhook_fields[0]),
    .size = sizeof(struct webhook_target),
};

static const struct codec_field request_fields[] = {
    {.name = "id", .type = &codec_uuid, .offset = offsetof(struct request, id)},
    {.name = "model",
     .type = &codec_text,
     .offset = offsetof(struct request, model),
     .min = 1,
     .max = NAME_MAX_BYTES},
    {.name = "model_version",
     .type = &codec_text,
     .nullable = true,
     .offset = offsetof(struct request, model_version),
     .max = NAME_MAX_BYTES},
    {.name = "inputs",
     .type = &codec_records,
     .offset = offsetof(struct request, inputs),
     .count_offset = offsetof(struct request, input_count),
     .record = &tensor_record,
     .max = TENSORS_MAX},
    {.name = "outputs",
     .type = &codec_texts,
     .offset = offsetof(struct request, outputs),
     .count_offset = offsetof(struct request, output_count),
     .max = TENSORS_MAX},
    {.name = "parameters",
     .type = &codec_parameter_map,
     .offset = offsetof(struct request, parameters),
     .count_offset = offsetof(struct request, parameter_count),
     .max = PARAMETERS_MAX},
    {.name = "reply_to",
     .type = &codec_nested,
     .nullable = true,
     .offset = offsetof(struct request, reply_to),
     .record = &reply_to_record},
    {.name = "route",
     .type = &codec_texts,
     .offset = offsetof(struct request, route),
     .count_offset = offsetof(struct request, route_count),
     .max = ROUTE_MAX},
    {.name = "webhook",
     .type = &codec_nested,
     .nullable = true,
     .offset = offsetof(struct request, webhook),
     .record = &webhook_record},
    {.name = "tenant",
     .type = &codec_text,
     .offset = offsetof(struct request, tenant),
     .max = NAME_MAX_BYTES},
    {.name = "batch_id",
     .type = &codec_text,
     .nullable = true,
     .offset = offsetof(struct request, batch_id),
     .max = NAME_MAX_BYTES},
    {.name = "priority",
     .type = &codec_int,
     .offset = offsetof(struct request, priority),
     .min = 0,
     .max = INT32_MAX},
    {.name = "submitted_at",
     .type = &codec_long,
     .offset = offsetof(struct request, submitted_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "deadline",
     .type = &codec_long,
     .nullable = true,
     .offset = offsetof(struct request, deadline_ms),
     .min = 1,
     .max = INT64_MAX},
    {.name = "attempt",
     .type = &codec_int,
     .offset = offsetof(struct request, attempt),
     .min = 0,
     .max = INT32_MAX},
};

const struct codec_record codec_request = {
    .fields = request_fields,
    .field_count = sizeof(request_fields) / sizeof(request_fields[0]),
    .size = sizeof(struct request),
    .fingerprint = 0x9db899da500fed1eU,
};

static const struct codec_field reply_error_fields[] = {
    {.name = "code",
     .type = &codec_text,
     .offset = offsetof(struct reply_error, code),
     .min = 1,
     .max = NAME_MAX_BYTES},
    {.name = "message",
     .type = &codec_prose,
     .offset = offsetof(struct reply_error, message),
     .max = INT64_MAX},
    {.name = "stage",
     .type = &codec_text,
     .offset = offsetof(struct reply_error, stage),
     .max = NAME_MAX_BYTES},
};

static const struct codec_record reply_error_record = {
    .fields = reply_error_fields,
    .field_count = sizeof(reply_error_fields) / sizeof(reply_error_fields[0]),
    .size = sizeof(struct reply_error),
};

static const struct codec_field reply_timing_fields[] = {
    {.name = "submitted",
     .type = &codec_long,
     .offset = offsetof(struct reply_timing, submitted_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "received",
     .type = &codec_long,
     .offset = offsetof(struct reply_timing, received_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "started",
     .type = &codec_long,
     .offset = offsetof(struct reply_timing, started_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "completed",
     .type = &codec_long,
     .offset = offsetof(struct reply_timing, completed_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
};

static const struct codec_record reply_timing_record = {
    .fields = reply_timing_fields,
    .field_count = sizeof(reply_timing_fields) / sizeof(reply_timing_fields[0]),
    .size = sizeof(struct reply_timing),
};

static const struct codec_field request_offset_fields[] = {
    {.name = "topic",
     .type = &codec_text,
     .offset = offsetof(struct request_offset, topic),
     .min = 1,
     .max = TOPIC_MAX_BYTES},
    {.name = "partition",
     .type = &codec_int,
     .offset = offsetof(struct request_offset, partition),
     .min = 0,
     .max = INT32_MAX},
    {.name = "offset",
     .type = &codec_long,
     .offset = offsetof(struct request_offset, offset),
     .min = 0,
     .max = INT64_MAX},
};

static const struct codec_record request_offset_record = {
    .fields = request_offset_fields,
    .field_count = sizeof(request_offset_fields) / sizeof(request_offset_fields[0]),
    .size = sizeof(struct request_offset),
};

static const struct codec_field reply_fields[] = {
    {.name = "id", .type = &codec_uuid, .offset = offsetof(struct reply, id)},
    {.name = "model",
     .type = &codec_text,
     .offset = offsetof(struct reply, model),
     .max = NAME_MAX_BYTES},
    {.name = "model_version",
     .type = &codec_text,
     .nullable = true,
     .offset = offsetof(struct reply, model_version),
     .max = NAME_MAX_BYTES},
    {.name = "status",
     .type = &codec_enum,
     .offset = offsetof(struct reply, status),
     .max = REPLY_STATUS_COUNT - 1},
    {.name = "outputs",
     .type = &codec_records,
     .offset = offsetof(struct reply, outputs),
     .count_offset = offsetof(struct reply, output_count),
     .record = &tensor_record,
     .max = TENSORS_MAX},
    {.name = "error",
     .type = &codec_nested,
     .nullable = true,
     .offset = offsetof(struct reply, error),
     .record = &reply_error_record},
    {.name = "timing",
     .type = &codec_nested,
     .offset = offsetof(struct reply, timing),
     .record = &reply_timing_record},
    {.name = "batch_size",
     .type = &codec_int,
     .offset = offsetof(struct reply, batch_size),
     .min = 0,
     .max = INT32_MAX},
    {.name = "attempt",
     .type = &codec_int,
     .offset = offsetof(struct reply, attempt),
     .min = 0,
     .max = INT32_MAX},
    {.name = "tenant",
     .type = &codec_text,
     .offset = offsetof(struct reply, tenant),
     .max = NAME_MAX_BYTES},
    {.name = "webhook",
     .type = &codec_nested,
     .nullable = true,
     .offset = offsetof(struct reply, webhook),
     .record = &webhook_record},
    {.name = "batch_id",
     .type = &codec_text,
     .nullable = true,
     .offset = offsetof(struct reply, batch_id),
     .max = NAME_MAX_BYTES},
    {.name = "request_offset",
     .type = &codec_nested,
     .nullable = true,
     .offset = offsetof(struct reply, request_offset),
     .record = &request_offset_record},
    {.name = "request_hash",
     .type = &codec_bytes,
     .nullable = true,
     .offset = offsetof(struct reply, request_hash),
     .max = HASH_MAX_BYTES},
};

const struct codec_record codec_reply = {
    .fields = reply_fields,
    .field_count = sizeof(reply_fields) / sizeof(reply_fields[0]),
    .size = sizeof(struct reply),
    .fingerprint = 0xecb9d305d033e69eU,
};

static const struct codec_field control_fields[] = {
    {.name = "type",
     .type = &codec_enum,
     .offset = offsetof(struct control, type),
     .max = CONTROL_TYPE_COUNT - 1},
    {.name = "id",
     .type = &codec_uuid,
     .nullable = true,
     .offset = offsetof(struct control, id)},
    {.name = "model",
     .type = &codec_text,
     .nullable = true,
     .offset = offsetof(struct control, model),
     .max = NAME_MAX_BYTES},
    {.name = "version",
     .type = &codec_text,
     .nullable = true,
     .offset = offsetof(struct control, version),
     .max = NAME_MAX_BYTES},
    {.name = "tenant",
     .type = &codec_text,
     .offset = offsetof(struct control, tenant),
     .max = NAME_MAX_BYTES},
    {.name = "issued_at",
     .type = &codec_long,
     .offset = offsetof(struct control, issued_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
};

const struct codec_record codec_control = {
    .fields = control_fields,
    .field_count = sizeof(control_fields) / sizeof(control_fields[0]),
    .size = sizeof(struct control),
    .fingerprint = 0x7c6e25d2a9d72814U,
};

static const struct codec_field webhook_record_fields[] = {
    {.name = "id", .type = &codec_uuid, .offset = offsetof(struct webhook_record, id)},
    {.name = "tenant",
     .type = &codec_text,
     .offset = offsetof(struct webhook_record, tenant),
     .max = NAME_MAX_BYTES},
    {.name = "state",
     .type = &codec_enum,
     .offset = offsetof(struct webhook_record, state),
     .max = WEBHOOK_STATE_COUNT - 1},
    {.name = "revision",
     .type = &codec_long,
     .offset = offsetof(struct webhook_record, revision),
     .min = 0,
     .max = INT64_MAX},
    {.name = "attempts",
     .type = &codec_int,
     .offset = offsetof(struct webhook_record, attempts),
     .min = 0,
     .max = INT32_MAX},
    {.name = "reason",
     .type = &codec_text,
     .offset = offsetof(struct webhook_record, reason),
     .max = WEBHOOK_REASON_MAX},
    {.name = "begun_at",
     .type = &codec_long,
     .offset = offsetof(struct webhook_record, begun_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "due_at",
     .type = &codec_long,
     .offset = offsetof(struct webhook_record, due_us),
     .min = INT64_MIN,
     .max = INT64_MAX},
    {.name = "url",
     .type = &codec_text,
     .offset = offsetof(struct webhook_record, url),
     .max = URL_MAX_BYTES},
    {.name = "body",
     .type = &codec_bytes,
     .offset = offsetof(struct webhook_record, body),
     .max = WEBHOOK_BODY_MAX},
};

const struct codec_record codec_webhook_record = {
    .fields = webhook_record_fields,
    .field_count = sizeof(webhook_record_fields) / sizeof(webhook_record_fields[0]),
    .size = sizeof(struct webhook_record),
    .fingerprint = 0xf5eaab4b4695c8d0U,
};
