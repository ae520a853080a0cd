/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The codec against avro-c on generated records: avro-c reads our bytes as the values
 * that were meant, and we read avro-c's bytes, and those with many blocks, as the
 * record they came from.
 */
#include "schemas/codec.h"
#include "schemas/framing.h"
#include "tests/unit/schemas/avro_mirror.h"
#include "tests/unit/schemas/sample_records.h"

#include <criterion/criterion.h>

enum { RECORDS = 3000, LIMIT = 64 << 20 };

struct trial {
    struct arena arena;
    struct sample sample;
    avro_value_iface_t *class;
    avro_value_t meant;
    avro_value_t read;
    struct buf ours;
    struct buf theirs;
};

static void
trial_init(struct trial *t, const char *path)
{
    arena_init(&t->arena, LIMIT);
    t->sample = (struct sample){.state = 20240229, .arena = &t->arena};
    t->class = mirror_class(path);
    avro_generic_value_new(t->class, &t->meant);
    avro_generic_value_new(t->class, &t->read);
    buf_init(&t->ours, LIMIT);
    buf_init(&t->theirs, LIMIT);
}

static void
trial_fini(struct trial *t)
{
    buf_fini(&t->ours);
    buf_fini(&t->theirs);
    avro_value_decref(&t->meant);
    avro_value_decref(&t->read);
    avro_value_iface_decref(t->class);
    arena_fini(&t->arena);
}

static void
trial_reset(struct trial *t)
{
    arena_reset(&t->arena);
    avro_value_reset(&t->meant);
    buf_reset(&t->ours);
}

static void
expect_avro_reads(struct trial *t, struct span body)
{
    avro_value_reset(&t->read);
    avro_reader_t reader =
        avro_reader_memory((const char *)body.data, (int64_t)body.size);
    cr_assert_eq(avro_value_read(reader, &t->read), 0, "%s", avro_strerror());
    avro_reader_free(reader);
    cr_assert(avro_value_equal(&t->meant, &t->read));
    size_t size = 0;
    avro_value_sizeof(&t->read, &size);
    cr_assert_leq(size, body.size);
}

static void
expect_avro_reads_ours(struct trial *t)
{
    cr_assert_eq(t->ours.status, STATUS_OK);
    struct framing framing;
    framing_read(buf_span(&t->ours), &framing);
    cr_assert_eq(framing.kind, FRAMING_SINGLE_OBJECT);
    size_t size = 0;
    avro_value_sizeof(&t->meant, &size);
    cr_assert_eq(framing.body.size, size);
    expect_avro_reads(t, framing.body);
}

static void
write_theirs(struct trial *t)
{
    buf_reset(&t->theirs);
    size_t size = 0;
    avro_value_sizeof(&t->meant, &size);
    uint8_t *room = buf_reserve(&t->theirs, size);
    avro_writer_t writer = avro_writer_memory((const char *)room, (int64_t)size);
    cr_assert_eq(avro_value_write(writer, &t->meant), 0, "%s", avro_strerror());
    avro_writer_free(writer);
}

static void
write_blocks(struct trial *t)
{
    buf_reset(&t->theirs);
    mirror_write_blocks(&t->meant, &t->sample, &t->theirs);
    expect_avro_reads(t, buf_span(&t->theirs));
}

static void
expect_request_read(struct trial *t, const struct request *r)
{
    struct request read;
    struct fault fault = {0};
    cr_assert_eq(request_decode(buf_span(&t->theirs), &t->arena, &read, &fault),
                 STATUS_OK, "%s", fault.text);
    expect_same_request(r, &read);
}

Test(codec, requests_are_the_same_to_avro_c)
{
    struct trial t;
    trial_init(&t, "schemas/request.avsc");
    for (unsigned i = 0; i < RECORDS; i++) {
        trial_reset(&t);
        struct request r = sample_request(&t.sample);
        mirror_request(&r, &t.arena, &t.meant);
        request_encode(&r, &t.ours);
        expect_avro_reads_ours(&t);
        write_theirs(&t);
        expect_request_read(&t, &r);
        write_blocks(&t);
        expect_request_read(&t, &r);
    }
    trial_fini(&t);
}

static void
expect_reply_read(struct trial *t, const struct reply *r)
{
    struct reply read;
    struct fault fault = {0};
    cr_assert_eq(reply_decode(buf_span(&t->theirs), &t->arena, &read, &fault),
                 STATUS_OK, "%s", fault.text);
    expect_same_reply(r, &read);
}

Test(codec, replies_are_the_same_to_avro_c)
{
    struct trial t;
    trial_init(&t, "schemas/reply.avsc");
    for (unsigned i = 0; i < RECORDS; i++) {
        trial_reset(&t);
        struct reply r = sample_reply(&t.sample);
        mirror_reply(&r, &t.arena, &t.meant);
        reply_encode(&r, &t.ours);
        expect_avro_reads_ours(&t);
        write_theirs(&t);
        expect_reply_read(&t, &r);
        write_blocks(&t);
        expect_reply_read(&t, &r);
    }
    trial_fini(&t);
}

static void
expect_model_info_read(struct trial *t, const struct model_info *m)
{
    struct model_info read;
    struct fault fault = {0};
    cr_assert_eq(model_info_decode(buf_span(&t->theirs), &t->arena, &read, &fault),
                 STATUS_OK, "%s", fault.text);
    expect_same_model_info(m, &read);
}

Test(codec, model_states_are_the_same_to_avro_c)
{
    struct trial t;
    trial_init(&t, "schemas/model_state.avsc");
    for (unsigned i = 0; i < RECORDS; i++) {
        trial_reset(&t);
        struct model_info m = sample_model_info(&t.sample);
        mirror_model_info(&m, &t.arena, &t.meant);
        model_info_encode(&m, &t.ours);
        expect_avro_reads_ours(&t);
        write_theirs(&t);
        expect_model_info_read(&t, &m);
        write_blocks(&t);
        expect_model_info_read(&t, &m);
    }
    trial_fini(&t);
}

/* A bare order may begin with the 0 that Confluent's prefix begins with. */
static void
frame_theirs(struct trial *t)
{
    static const uint8_t prefix[] = {0, 0, 0, 0, 42};
    struct buf framed;
    buf_init(&framed, LIMIT);
    buf_append(&framed, prefix, sizeof(prefix));
    buf_append(&framed, t->theirs.data, t->theirs.size);
    buf_fini(&t->theirs);
    t->theirs = framed;
}

static void
expect_control_read(struct trial *t, const struct control *c)
{
    struct control read;
    struct fault fault = {0};
    cr_assert_eq(control_decode(buf_span(&t->theirs), &t->arena, &read, &fault),
                 STATUS_OK, "%s", fault.text);
    expect_same_control(c, &read);
}

Test(codec, controls_are_the_same_to_avro_c)
{
    struct trial t;
    trial_init(&t, "schemas/control.avsc");
    for (unsigned i = 0; i < RECORDS; i++) {
        trial_reset(&t);
        struct control c = sample_control(&t.sample);
        mirror_control(&c, &t.arena, &t.meant);
        control_encode(&c, &t.ours);
        expect_avro_reads_ours(&t);
        write_theirs(&t);
        frame_theirs(&t);
        expect_control_read(&t, &c);
        write_blocks(&t);
        frame_theirs(&t);
        expect_control_read(&t, &c);
    }
    trial_fini(&t);
}

static void
expect_running_read(struct trial *t, const struct running *r)
{
    struct running read;
    struct fault fault = {0};
    cr_assert_eq(running_decode(buf_span(&t->theirs), &t->arena, &read, &fault),
                 STATUS_OK, "%s", fault.text);
    expect_same_running(r, &read);
}

Test(codec, what_runs_is_the_same_to_avro_c)
{
    struct trial t;
    trial_init(&t, "schemas/running.avsc");
    for (unsigned i = 0; i < RECORDS; i++) {
        trial_reset(&t);
        struct running r = sample_running(&t.sample);
        mirror_running(&r, &t.arena, &t.meant);
        running_encode(&r, &t.ours);
        expect_avro_reads_ours(&t);
        write_theirs(&t);
        expect_running_read(&t, &r);
        frame_theirs(&t);
        expect_running_read(&t, &r);
    }
    trial_fini(&t);
}

static void
expect_webhook_read(struct trial *t, const struct webhook_record *w)
{
    struct webhook_record read;
    struct fault fault = {0};
    cr_assert_eq(webhook_record_decode(buf_span(&t->theirs), &t->arena, &read, &fault),
                 STATUS_OK, "%s", fault.text);
    expect_same_webhook_record(w, &read);
}

Test(codec, webhook_records_are_the_same_to_avro_c)
{
    struct trial t;
    trial_init(&t, "schemas/webhook.avsc");
    for (unsigned i = 0; i < RECORDS; i++) {
        trial_reset(&t);
        struct webhook_record w = sample_webhook_record(&t.sample);
        mirror_webhook_record(&w, &t.arena, &t.meant);
        webhook_record_encode(&w, &t.ours);
        expect_avro_reads_ours(&t);
        write_theirs(&t);
        expect_webhook_read(&t, &w);
    }
    trial_fini(&t);
}
