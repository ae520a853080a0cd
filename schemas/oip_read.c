/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The top level of an infer or job body, and the binary tensors behind the JSON. Infer
 * bodies may carry members that are not ours (KServe and perf_analyzer send
 * "model_name"): they are passed over. A job body is our own format: a member it does
 * not know is a mistake worth telling.
 */
#include "schemas/oip_read.h"

#include <inttypes.h>

void
oip_read_object(struct oip_reader *r,
                const struct oip_member *members,
                size_t count,
                enum oip_unknown unknown)
{
    struct json_read *j = &r->json;
    uint32_t seen = 0; /* bit per row of the table */
    struct span key;
    json_read_enter(j, VALUE_OBJECT);
    while (json_read_member(j, &key)) {
        size_t i = 0;
        while (i < count && !span_is_text(key, members[i].name)) {
            i++;
        }
        if (i == count && unknown == OIP_UNKNOWN_REFUSED) {
            json_read_refuse(j, STATUS_INVALID, "unknown member");
        } else if (i == count) {
            json_read_skip(j);
        } else if ((seen & UINT32_C(1) << i) != 0) {
            json_read_refuse(j, STATUS_INVALID, "given twice");
        } else if (!json_read_null(j)) {
            members[i].read(r);
        }
        seen |= i < count ? UINT32_C(1) << i : 0;
    }
}

struct span
oip_read_name(struct oip_reader *r)
{
    struct span name = json_read_text(&r->json);
    if (name.size > NAME_MAX_BYTES) {
        json_read_refuse(&r->json, STATUS_INVALID, "longer than %d bytes",
                         NAME_MAX_BYTES);
    }
    return name;
}

int64_t
oip_read_count(struct oip_reader *r, int64_t max)
{
    int64_t value = json_read_int64(&r->json);
    if (value < 0 || value > max) {
        json_read_refuse(&r->json, STATUS_INVALID,
                         "%" PRId64 " is not within 0 and %" PRId64, value, max);
    }
    return value;
}

void
oip_read_shared_memory(struct oip_reader *r)
{
    json_read_refuse(&r->json, STATUS_UNSUPPORTED, "shared memory is not served");
}

static void
read_id(struct oip_reader *r)
{
    r->out->id = oip_read_name(r);
}

static void
read_model(struct oip_reader *r)
{
    r->out->model = oip_read_name(r);
}

static void
read_model_version(struct oip_reader *r)
{
    r->out->model_version = oip_read_name(r);
}

static void
read_deadline(struct oip_reader *r)
{
    r->out->deadline_ms = oip_read_count(r, INT32_MAX);
    if (r->out->deadline_ms == 0) {
        json_read_refuse(&r->json, STATUS_INVALID, "no time is left in 0 ms");
    }
}

static void
read_priority(struct oip_reader *r)
{
    r->out->priority = (int32_t)oip_read_count(r, INT32_MAX);
}

static void
pass_over(struct oip_reader *r)
{
    json_read_skip(&r->json);
}

/* An infer body is allowed the first rows, a job body all of them. */
enum { INFER_MEMBERS = 4 };
static const struct oip_member members[] = {
    {"inputs", oip_read_inputs},
    {"outputs", oip_read_outputs},
    {"parameters", oip_read_parameters},
    {"id", read_id},
    {"model", read_model},
    {"model_version", read_model_version},
    {"webhook", oip_read_webhook},
    {"deadline_ms", read_deadline},
    {"priority", read_priority},
    {"model_name", pass_over},
};

/** Moves what was collected into arrays of the right size. */
static enum status
collect(struct oip_reader *r)
{
    struct oip_request *out = r->out;
    struct arena *arena = r->json.arena;
    struct tensor *inputs = arena_array(arena, r->input_count, sizeof(*inputs));
    struct span *outputs = arena_array(arena, r->output_count, sizeof(*outputs));
    bool *binary = arena_array(arena, r->output_count, sizeof(*binary));
    struct parameter *parameters =
        arena_array(arena, r->parameter_count, sizeof(*parameters));
    struct span *events = arena_array(arena, r->event_count, sizeof(*events));
    if (inputs == NULL || outputs == NULL || binary == NULL || parameters == NULL ||
        events == NULL) {
        return fault_set(r->json.fault, STATUS_NO_MEMORY, "no memory for the request");
    }
    for (size_t i = 0; i < r->input_count; i++) {
        inputs[i] = r->inputs[i].tensor;
    }
    for (size_t i = 0; i < r->output_count; i++) {
        outputs[i] = r->outputs[i].name;
        binary[i] = r->outputs[i].form == OIP_FORM_DEFAULT
                        ? out->binary_all
                        : r->outputs[i].form == OIP_FORM_BINARY;
    }
    memcpy(parameters, r->parameters, r->parameter_count * sizeof(*parameters));
    memcpy(events, r->events, r->event_count * sizeof(*events));
    out->inputs = inputs;
    out->input_count = r->input_count;
    out->outputs = outputs;
    out->output_binary = binary;
    out->output_count = r->output_count;
    out->parameters = parameters;
    out->parameter_count = r->parameter_count;
    out->webhook.events = events;
    out->webhook.event_count = r->event_count;
    return STATUS_OK;
}

/** Gives every binary input its bytes behind the JSON, in order, with none left over.
 */
static enum status
attach_binary(struct oip_reader *r, struct span binary)
{
    struct fault *fault = r->json.fault;
    size_t used = 0;
    for (size_t i = 0; i < r->input_count; i++) {
        struct oip_input *in = &r->inputs[i];
        if (in->binary_size == OIP_NO_BINARY) {
            continue;
        }
        size_t size = (size_t)in->binary_size;
        if (size > binary.size - used) {
            return fault_set(fault, STATUS_INVALID,
                             "/inputs/%zu/parameters/binary_data_size: %zu bytes, but "
                             "%zu are left behind the JSON",
                             i, size, binary.size - used);
        }
        in->tensor.data = span_of(binary.data + used, size);
        used += size;
        struct fault reason = {.status = STATUS_OK};
        enum status status = tensor_check(&in->tensor, &reason);
        if (status != STATUS_OK) {
            return fault_set(fault, status, "/inputs/%zu: %s", i, reason.text);
        }
    }
    if (used != binary.size) {
        return fault_set(fault, STATUS_INVALID,
                         "%zu bytes behind the JSON, but the inputs' binary_data_size "
                         "add up to %zu",
                         binary.size, used);
    }
    return STATUS_OK;
}

/** A body that is all one tensor; the model will say which, see oip_fit_raw(). */
static enum status
read_raw(struct span body,
         struct arena *arena,
         struct oip_request *out,
         struct fault *fault)
{
    struct tensor *input = arena_alloc(arena, sizeof(*input));
    if (input == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the request");
    }
    *input = (struct tensor){.datatype = DATATYPE_UINT8,
                             .rank = 1,
                             .shape = {(int64_t)body.size},
                             .data = body};
    *out = (struct oip_request){
        .inputs = input, .input_count = 1, .binary_all = true, .raw = true};
    return STATUS_OK;
}

static enum status
read_json(struct oip_reader *r, bool job)
{
    struct json_read *j = &r->json;
    size_t all = sizeof(members) / sizeof(*members);
    oip_read_object(r, members, job ? all : INFER_MEMBERS,
                    job ? OIP_UNKNOWN_REFUSED : OIP_UNKNOWN_SKIPPED);
    json_read_finish(j);
    if (j->status != STATUS_OK) {
        return j->status;
    }
    if (r->input_count == 0) {
        return fault_set(j->fault, STATUS_INVALID, "/inputs: missing or empty");
    }
    return STATUS_OK;
}

enum status
oip_read_request(struct span body,
                 int64_t json_length,
                 bool job,
                 struct arena *arena,
                 struct oip_request *out,
                 struct fault *fault)
{
    if (body.size == 0) {
        return fault_set(fault, STATUS_INVALID, "the body is empty");
    }
    if (json_length == 0 && !job) {
        return read_raw(body, arena, out, fault);
    }
    if (json_length < OIP_JSON_ONLY || json_length > (int64_t)body.size) {
        return fault_set(fault, STATUS_INVALID,
                         "Inference-Header-Content-Length is %" PRId64
                         ", the body has %zu bytes",
                         json_length, body.size);
    }
    size_t size = json_length == OIP_JSON_ONLY ? body.size : (size_t)json_length;
    *out = (struct oip_request){.binary_all = false};
    struct oip_reader r; /* large, so not cleared: the counts say what is valid */
    json_read_init(&r.json, span_of(body.data, size), arena, fault);
    r.out = out;
    r.input_count = 0;
    r.output_count = 0;
    r.parameter_count = 0;
    r.event_count = 0;
    enum status status = read_json(&r, job);
    if (status == STATUS_OK) {
        status = attach_binary(&r, span_of(body.data + size, body.size - size));
    }
    return status == STATUS_OK ? collect(&r) : status;
}
