/* SPDX-License-Identifier: Apache-2.0 */
/* The members of an infer or job body that hold no data: outputs, parameters, webhook.
 */
#include "schemas/oip_read.h"

static struct oip_wanted *
last_output(struct oip_reader *r)
{
    return &r->outputs[r->output_count - 1];
}

static void
read_output_name(struct oip_reader *r)
{
    last_output(r)->name = oip_read_name(r);
}

static void
read_binary_data(struct oip_reader *r)
{
    last_output(r)->form = json_read_bool(&r->json) ? OIP_FORM_BINARY : OIP_FORM_JSON;
}

static void
read_classification(struct oip_reader *r)
{
    json_read_refuse(&r->json, STATUS_UNSUPPORTED, "classification is not served");
}

static const struct oip_member output_parameters[] = {
    {"binary_data", read_binary_data},
    {"classification", read_classification},
    {"shared_memory_region", oip_read_shared_memory},
};

static void
read_output_parameters(struct oip_reader *r)
{
    oip_read_object(r, output_parameters,
                    sizeof(output_parameters) / sizeof(*output_parameters),
                    OIP_UNKNOWN_SKIPPED);
}

static const struct oip_member output_members[] = {
    {"name", read_output_name},
    {"parameters", read_output_parameters},
};

void
oip_read_outputs(struct oip_reader *r)
{
    struct json_read *j = &r->json;
    json_read_enter(j, VALUE_ARRAY);
    while (json_read_element(j)) {
        if (r->output_count == TENSORS_MAX) {
            json_read_refuse(j, STATUS_TOO_LARGE, "more than %d outputs", TENSORS_MAX);
            return;
        }
        r->outputs[r->output_count++] = (struct oip_wanted){.form = OIP_FORM_DEFAULT};
        oip_read_object(r, output_members,
                        sizeof(output_members) / sizeof(*output_members),
                        OIP_UNKNOWN_SKIPPED);
        if (last_output(r)->name.size == 0) {
            json_read_refuse(j, STATUS_INVALID, "output without a name");
        }
    }
}

/** A number that fits 64 bits stays an integer, any other becomes a double. */
static void
read_number_parameter(struct json_read *j, struct parameter *p)
{
    struct number n = json_read_number(j);
    p->kind = PARAMETER_INT;
    if (number_to_int64(&n, &p->number) != STATUS_OK) {
        p->kind = PARAMETER_REAL;
        p->real = number_to_double(&n);
        if (p->real - p->real != 0) {
            json_read_refuse(j, STATUS_INVALID, "number out of range");
        }
    }
}

static void
read_parameter(struct json_read *j, struct parameter *p)
{
    switch (json_read_peek(j)) {
    case VALUE_TEXT:
        p->kind = PARAMETER_TEXT;
        p->text = json_read_text(j);
        return;
    case VALUE_BOOL:
        p->kind = PARAMETER_BOOL;
        p->flag = json_read_bool(j);
        return;
    case VALUE_NUMBER:
        read_number_parameter(j, p);
        return;
    case VALUE_OBJECT:
    case VALUE_ARRAY:
    case VALUE_NULL:
    case VALUE_NONE:
        json_read_refuse(j, STATUS_INVALID, "expected a string, number or boolean");
        return;
    }
}

static void
read_binary_output(struct oip_reader *r)
{
    r->out->binary_all = json_read_bool(&r->json);
}

static void
read_priority(struct oip_reader *r)
{
    r->out->priority = (int32_t)oip_read_count(r, INT32_MAX);
}

static void
read_timeout(struct oip_reader *r)
{
    r->out->timeout_us = oip_read_count(r, INT64_MAX);
}

/* Parameters that speak to the server; the others are the model's. */
static const struct oip_member server_parameters[] = {
    {"binary_data_output", read_binary_output},
    {"priority", read_priority},
    {"timeout", read_timeout},
};
enum { SERVER_PARAMETERS = sizeof(server_parameters) / sizeof(*server_parameters) };

/** @return whether the parameter was the server's */
static bool
read_server_parameter(struct oip_reader *r, struct span name, uint32_t *seen)
{
    for (uint32_t i = 0; i < SERVER_PARAMETERS; i++) {
        if (!span_is_text(name, server_parameters[i].name)) {
            continue;
        }
        if ((*seen & UINT32_C(1) << i) != 0) {
            json_read_refuse(&r->json, STATUS_INVALID, "given twice");
        }
        *seen |= UINT32_C(1) << i;
        server_parameters[i].read(r);
        return true;
    }
    return false;
}

static bool
has_parameter(const struct oip_reader *r, struct span name)
{
    for (size_t i = 0; i < r->parameter_count; i++) {
        if (span_equal(r->parameters[i].name, name)) {
            return true;
        }
    }
    return false;
}

void
oip_read_parameters(struct oip_reader *r)
{
    struct json_read *j = &r->json;
    struct span name;
    uint32_t seen = 0;
    json_read_enter(j, VALUE_OBJECT);
    while (json_read_member(j, &name)) {
        if (json_read_null(j) || read_server_parameter(r, name, &seen)) {
            continue;
        }
        if (r->parameter_count == PARAMETERS_MAX) {
            json_read_refuse(j, STATUS_TOO_LARGE, "more than %d parameters",
                             PARAMETERS_MAX);
        } else if (has_parameter(r, name)) {
            json_read_refuse(j, STATUS_INVALID, "given twice");
        } else if (name.size == 0 || name.size > NAME_MAX_BYTES) {
            json_read_refuse(j, STATUS_INVALID, "a name needs 1 to %d bytes",
                             NAME_MAX_BYTES);
        } else {
            struct parameter *p = &r->parameters[r->parameter_count++];
            *p = (struct parameter){.name = name};
            read_parameter(j, p);
        }
    }
}

static void
read_url(struct oip_reader *r)
{
    r->out->webhook.url = json_read_text(&r->json);
    if (r->out->webhook.url.size > URL_MAX_BYTES) {
        json_read_refuse(&r->json, STATUS_INVALID, "longer than %d bytes",
                         URL_MAX_BYTES);
    }
}

static void
read_events(struct oip_reader *r)
{
    struct json_read *j = &r->json;
    json_read_enter(j, VALUE_ARRAY);
    while (json_read_element(j)) {
        if (r->event_count == EVENTS_MAX) {
            json_read_refuse(j, STATUS_TOO_LARGE, "more than %d events", EVENTS_MAX);
            return;
        }
        r->events[r->event_count++] = oip_read_name(r);
    }
}

static const struct oip_member webhook_members[] = {
    {"url", read_url},
    {"events", read_events},
};

void
oip_read_webhook(struct oip_reader *r)
{
    oip_read_object(r, webhook_members,
                    sizeof(webhook_members) / sizeof(*webhook_members),
                    OIP_UNKNOWN_REFUSED);
    if (r->out->webhook.url.size == 0) {
        json_read_refuse(&r->json, STATUS_INVALID, "a webhook without a url");
    }
}
