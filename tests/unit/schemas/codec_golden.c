/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes written by fastavro (golden/make.py): read as what was written, and written
 * again to the same bytes.
 */
#include "schemas/codec.h"
#include "tests/unit/schemas/sample_records.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define ID "018bcfe5-687b-7abc-8def-0123456789ab"

static struct arena arena;
static struct span bytes;
static struct fault fault;

static void
golden_load(const char *name)
{
    char path[128];
    arena_init(&arena, 8 << 20);
    snprintf(path, sizeof(path), "tests/unit/schemas/golden/%s.bin", name);
    bytes = file_read(path, &arena);
}

static void
expect_id(const struct uuid *id)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    cr_assert(span_is_text(span_of(text, sizeof(text)), ID));
}

static void
expect_golden(struct buf *b)
{
    cr_assert_eq(b->status, STATUS_OK);
    cr_assert(span_equal(buf_span(b), bytes));
    buf_fini(b);
    arena_fini(&arena);
}

static void
expect_golden_request(const struct request *r)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    request_encode(r, &b);
    expect_golden(&b);
}

static void
expect_golden_reply(const struct reply *r)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    reply_encode(r, &b);
    expect_golden(&b);
}

Test(codec_golden, reads_the_defaults_of_a_small_request)
{
    golden_load("request_small");
    struct request r;
    cr_assert_eq(request_decode(bytes, &arena, &r, &fault), STATUS_OK, "%s",
                 fault.text);
    expect_id(&r.id);
    cr_assert(span_is_text(r.model, "digits"));
    cr_assert_eq(r.model_version.size, 0);
    cr_assert_eq(r.input_count, 1);
    cr_assert_eq(r.inputs[0].rank, 0);
    cr_assert_eq(r.inputs[0].datatype, DATATYPE_INT64);
    cr_assert_eq(r.output_count + r.parameter_count + r.route_count, 0);
    cr_assert_eq(r.reply_to.topic.size, 0);
    cr_assert_eq(r.reply_to.partition, -1);
    cr_assert_eq(r.webhook.url.size, 0);
    cr_assert_eq(r.tenant.size + r.batch_id.size, 0);
    cr_assert_eq(r.priority, 0);
    cr_assert_eq(r.submitted_us, 0);
    cr_assert_eq(r.deadline_ms, 0);
    cr_assert_eq(r.attempt, 0);
    expect_golden_request(&r);
}

static void
expect_full_inputs(const struct request *r)
{
    cr_assert_eq(r->input_count, 3);
    const struct tensor *pixels = &r->inputs[0];
    cr_assert(span_is_text(pixels->name, "pixels"));
    cr_assert_eq(pixels->datatype, DATATYPE_FP32);
    cr_assert_eq(pixels->rank, 2);
    cr_assert_eq(pixels->shape[0], 2);
    cr_assert_eq(pixels->shape[1], 3);
    float values[6];
    cr_assert_eq(pixels->data.size, sizeof(values));
    memcpy(values, pixels->data.data, sizeof(values));
    cr_assert_eq((double)values[1], 0.5);
    cr_assert_eq((double)values[5], 65504.0);
    cr_assert_eq(r->inputs[1].datatype, DATATYPE_BYTES);
    cr_assert_eq(memcmp(r->inputs[1].data.data, "\3\0\0\0abc\0\0\0\0", 11), 0);
}

static void
expect_full_parameters(const struct request *r)
{
    cr_assert_eq(r->parameter_count, 4);
    cr_assert(span_is_text(r->parameters[0].name, "größe"));
    cr_assert(span_is_text(r->parameters[0].text, "€uro"));
    cr_assert_eq(r->parameters[1].kind, PARAMETER_INT);
    cr_assert_eq(r->parameters[1].number, -3000000000);
    cr_assert_eq(r->parameters[2].kind, PARAMETER_REAL);
    cr_assert_eq(r->parameters[2].real, 0.25);
    cr_assert_eq(r->parameters[3].kind, PARAMETER_BOOL);
    cr_assert(r->parameters[3].flag);
}

Test(codec_golden, reads_every_field_of_a_request)
{
    golden_load("request_full");
    struct request r;
    cr_assert_eq(request_decode(bytes, &arena, &r, &fault), STATUS_OK, "%s",
                 fault.text);
    expect_id(&r.id);
    cr_assert(span_is_text(r.model_version, "3"));
    expect_full_inputs(&r);
    cr_assert_eq(r.output_count, 2);
    cr_assert(span_is_text(r.outputs[1], "scores"));
    expect_full_parameters(&r);
    cr_assert(span_is_text(r.reply_to.topic, "answers"));
    cr_assert_eq(r.reply_to.partition, 7);
    cr_assert_eq(r.route_count, 1);
    cr_assert(span_is_text(r.route[0], "top-k"));
    cr_assert(span_is_text(r.webhook.url, "https://example.org/hook"));
    cr_assert_eq(r.webhook.event_count, 1);
    cr_assert(span_is_text(r.webhook.events[0], "job.succeeded"));
    cr_assert(span_is_text(r.tenant, "acme"));
    cr_assert(span_is_text(r.batch_id, "bulk-1"));
    cr_assert_eq(r.priority, 2);
    cr_assert_eq(r.submitted_us, 1700000000123456);
    cr_assert_eq(r.deadline_ms, 1700000030123);
    cr_assert_eq(r.attempt, 1);
    expect_golden_request(&r);
}

Test(codec_golden, reads_a_reply_that_only_says_queued)
{
    golden_load("reply_queued");
    struct reply r;
    cr_assert_eq(reply_decode(bytes, &arena, &r, &fault), STATUS_OK, "%s", fault.text);
    expect_id(&r.id);
    cr_assert_eq(r.status, REPLY_QUEUED);
    cr_assert_not(reply_is_terminal(&r));
    cr_assert_eq(r.error.code.size, 0);
    cr_assert_eq(r.request_offset.topic.size, 0);
    cr_assert_eq(r.request_hash.size, 0);
    expect_golden_reply(&r);
}

Test(codec_golden, reads_every_field_of_a_reply)
{
    golden_load("reply_full");
    struct reply r;
    cr_assert_eq(reply_decode(bytes, &arena, &r, &fault), STATUS_OK, "%s", fault.text);
    cr_assert_eq(r.status, REPLY_FAILED);
    cr_assert(reply_is_terminal(&r));
    cr_assert_eq(r.output_count, 1);
    cr_assert(span_is_text(r.error.code, "model_failed"));
    cr_assert(span_is_text(r.error.message, "ungültig"));
    cr_assert(span_is_text(r.error.stage, "run"));
    cr_assert_eq(r.timing.submitted_us, 1);
    cr_assert_eq(r.timing.received_us, 200);
    cr_assert_eq(r.timing.started_us, 30000);
    cr_assert_eq(r.timing.completed_us, 1700000000123456);
    cr_assert_eq(r.batch_size, 32);
    cr_assert_eq(r.attempt, 2);
    cr_assert_eq(r.webhook.event_count, 0);
    cr_assert(span_is_text(r.request_offset.topic, "leat.requests.digits"));
    cr_assert_eq(r.request_offset.partition, 15);
    cr_assert_eq(r.request_offset.offset, (int64_t)1 << 40);
    cr_assert_eq(r.request_hash.size, 32);
    cr_assert_eq(r.request_hash.data[31], 31);
    expect_golden_reply(&r);
}

Test(codec_golden, reads_every_field_of_a_model_state)
{
    golden_load("model_state");
    struct model_info m;
    cr_assert_eq(model_info_decode(bytes, &arena, &m, &fault), STATUS_OK, "%s",
                 fault.text);
    cr_assert(span_is_text(m.instance, "batcher-0"));
    cr_assert_eq(m.state, MODEL_READY);
    cr_assert(span_is_text(m.platform, "dense"));
    cr_assert_eq(m.input_count, 1);
    cr_assert_eq(m.inputs[0].shape[0], -1);
    cr_assert_eq(m.inputs[0].shape[1], 64);
    cr_assert_eq(m.output_count, 2);
    cr_assert_eq(m.outputs[1].datatype, DATATYPE_INT64);
    cr_assert_eq(m.max_batch_size, 64);
    cr_assert_eq(m.replicas, 2);
    cr_assert_eq(m.published_us, 1700000000123456);
    cr_assert_eq(m.batch_us, 512000);
    cr_assert_eq(m.memory_bytes, (int64_t)1 << 32);
    cr_assert_eq(m.obeyed_us, 1700000000000001);
    cr_assert_eq(m.label_count, 2);
    cr_assert(span_is_text(m.labels[0], "stable"));
    cr_assert(span_is_text(m.labels[1], "canary"));
    struct buf b;
    buf_init(&b, 1 << 20);
    model_info_encode(&m, &b);
    expect_golden(&b);
}

Test(codec_golden, reads_every_field_of_a_cancel)
{
    golden_load("control_cancel");
    struct control c;
    cr_assert_eq(control_decode(bytes, &arena, &c, &fault), STATUS_OK, "%s",
                 fault.text);
    cr_assert_eq(c.type, CONTROL_CANCEL);
    expect_id(&c.id);
    cr_assert(span_is_text(c.model, "digits"));
    cr_assert_eq(c.version.size, 0);
    cr_assert(span_is_text(c.tenant, "acme"));
    cr_assert_eq(c.issued_us, 1700000000123456);
    struct buf b;
    buf_init(&b, 1 << 20);
    control_encode(&c, &b);
    expect_golden(&b);
}

Test(codec_golden, reads_an_order_to_load_a_model)
{
    golden_load("control_load");
    struct control c;
    cr_assert_eq(control_decode(bytes, &arena, &c, &fault), STATUS_OK, "%s",
                 fault.text);
    cr_assert_eq(c.type, CONTROL_LOAD);
    cr_assert(uuid_equal(&c.id, &(struct uuid){{0}}));
    cr_assert(span_is_text(c.version, "3"));
    cr_assert_eq(c.tenant.size, 0);
    cr_assert_eq(c.issued_us, 0);
    struct buf b;
    buf_init(&b, 1 << 20);
    control_encode(&c, &b);
    expect_golden(&b);
}
