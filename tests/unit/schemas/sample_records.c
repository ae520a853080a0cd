/* SPDX-License-Identifier: Apache-2.0 */
/* Generation by a 64-bit xorshift: reproducible on every machine. */
#include "tests/unit/schemas/sample_records.h"

#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <stdio.h>

enum { FILE_LIMIT = 1 << 20, RECORD_LIMIT = 64 << 20 };

static uint64_t
sample_next(struct sample *s)
{
    s->state ^= s->state << 13;
    s->state ^= s->state >> 7;
    s->state ^= s->state << 17;
    return s->state;
}

uint64_t
sample_below(struct sample *s, uint64_t below)
{
    return sample_next(s) % below;
}

static bool
sample_chance(struct sample *s, unsigned percent)
{
    return sample_below(s, 100) < percent;
}

static struct span
sample_text(struct sample *s, size_t min, size_t max)
{
    static const char *const letters[] = {"a",    "Z",    "_", "0", "-",          ".",
                                          "\x7f", "\x01", "ä", "€", "\U0001F600", "߿"};
    size_t size = 0;
    size_t wanted = min + sample_below(s, (sample_chance(s, 10) ? max : 12) + 1 - min);
    char *text = arena_alloc(s->arena, max + 1);
    while (size < wanted) {
        unsigned choice = (unsigned)sample_below(s, sample_chance(s, 80) ? 6 : 12);
        size_t bytes = strlen(letters[choice]);
        if (size + bytes > max) {
            break;
        }
        memcpy(text + size, letters[choice], bytes);
        size += bytes;
    }
    return span_of(text, size);
}

/* Of every number of bits as often. */
static int64_t
sample_number(struct sample *s)
{
    uint64_t bits = sample_next(s) >> sample_below(s, 64);
    return (int64_t)(sample_chance(s, 50) ? bits : ~bits);
}

static int32_t
sample_count(struct sample *s)
{
    return (int32_t)(sample_next(s) >> (33 + sample_below(s, 31)));
}

static struct uuid
sample_uuid(struct sample *s)
{
    struct uuid id;
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        id.bytes[i] = (uint8_t)sample_next(s);
    }
    return id;
}

static struct span *
sample_texts(struct sample *s, size_t count)
{
    struct span *texts = arena_array(s->arena, count, sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        texts[i] = sample_text(s, 1, NAME_MAX_BYTES);
    }
    return texts;
}

static size_t
sample_item_count(struct sample *s, size_t max)
{
    return sample_below(s, sample_chance(s, 5) ? max + 1 : 4);
}

static struct span
sample_elements(struct sample *s, enum datatype datatype, int64_t count)
{
    size_t size = datatype_size(datatype);
    uint8_t *data = arena_alloc(s->arena, (size_t)count * 12 + 1);
    size_t used = 0;
    for (int64_t i = 0; i < count; i++) {
        size_t bytes = size;
        if (datatype == DATATYPE_BYTES) {
            bytes = sample_below(s, 8);
            data[used] = (uint8_t)bytes;
            used += 4;
        }
        for (size_t k = 0; k < bytes; k++) {
            data[used++] = (uint8_t)sample_next(s);
        }
    }
    return span_of(data, used);
}

static struct tensor *
sample_tensors(struct sample *s, size_t count)
{
    struct tensor *tensors = arena_array(s->arena, count, sizeof(*tensors));
    for (size_t i = 0; i < count; i++) {
        struct tensor *t = &tensors[i];
        t->name = sample_text(s, 1, NAME_MAX_BYTES);
        t->datatype = (enum datatype)sample_below(s, DATATYPE_COUNT);
        t->rank = (uint32_t)sample_below(s, TENSOR_RANK_MAX + 1);
        int64_t elements = 1;
        for (uint32_t k = 0; k < t->rank; k++) {
            t->shape[k] = (int64_t)sample_below(s, elements > 20 ? 2 : 4);
            elements *= t->shape[k];
        }
        t->data = sample_elements(s, t->datatype, elements);
    }
    return tensors;
}

static struct tensor_spec *
sample_specs(struct sample *s, size_t count)
{
    struct tensor_spec *specs = arena_array(s->arena, count, sizeof(*specs));
    for (size_t i = 0; i < count; i++) {
        specs[i].name = sample_text(s, 1, NAME_MAX_BYTES);
        specs[i].datatype = (enum datatype)sample_below(s, DATATYPE_COUNT);
        specs[i].rank = (uint32_t)sample_below(s, TENSOR_RANK_MAX + 1);
        for (uint32_t k = 0; k < specs[i].rank; k++) {
            specs[i].shape[k] = (int64_t)sample_below(s, 1000) - 1;
        }
    }
    return specs;
}

static struct parameter *
sample_parameters(struct sample *s, size_t count)
{
    struct parameter *parameters = arena_array(s->arena, count, sizeof(*parameters));
    for (size_t i = 0; i < count; i++) {
        struct parameter *p = &parameters[i];
        char *name = arena_alloc(s->arena, 24);
        snprintf(name, 24, "p%zu", i);
        p->name = span_of_text(name);
        p->kind = (enum parameter_kind)sample_below(s, PARAMETER_BOOL + 1);
        p->text = sample_text(s, 0, 1000);
        p->number = sample_number(s);
        p->real = (double)sample_number(s) / 3;
        p->flag = sample_chance(s, 50);
    }
    return parameters;
}

static struct webhook_target
sample_webhook(struct sample *s)
{
    if (sample_chance(s, 50)) {
        return (struct webhook_target){0};
    }
    size_t count = sample_item_count(s, EVENTS_MAX);
    return (struct webhook_target){.url = sample_text(s, 1, URL_MAX_BYTES),
                                   .events = sample_texts(s, count),
                                   .event_count = count};
}

struct request
sample_request(struct sample *s)
{
    struct request r = {
        .id = sample_uuid(s),
        .model = sample_text(s, 1, NAME_MAX_BYTES),
        .model_version = sample_text(s, 0, NAME_MAX_BYTES),
        .input_count = sample_item_count(s, TENSORS_MAX),
        .output_count = sample_item_count(s, TENSORS_MAX),
        .parameter_count = sample_item_count(s, PARAMETERS_MAX),
        .route_count = sample_item_count(s, ROUTE_MAX),
        .webhook = sample_webhook(s),
        .tenant = sample_text(s, 0, NAME_MAX_BYTES),
        .batch_id = sample_text(s, 0, NAME_MAX_BYTES),
        .priority = sample_count(s),
        .submitted_us = sample_number(s),
        .deadline_ms = sample_chance(s, 50) ? 0 : 1 + sample_count(s),
        .attempt = sample_count(s),
        .reply_to = {.partition = -1},
    };
    r.inputs = sample_tensors(s, r.input_count);
    r.outputs = sample_texts(s, r.output_count);
    r.parameters = sample_parameters(s, r.parameter_count);
    r.route = sample_texts(s, r.route_count);
    if (sample_chance(s, 50)) {
        r.reply_to.topic = sample_text(s, 1, TOPIC_MAX_BYTES);
        r.reply_to.partition = sample_chance(s, 50) ? -1 : sample_count(s);
    }
    return r;
}

struct reply
sample_reply(struct sample *s)
{
    struct reply r = {
        .id = sample_uuid(s),
        .model = sample_text(s, 0, NAME_MAX_BYTES),
        .model_version = sample_text(s, 0, NAME_MAX_BYTES),
        .status = (enum reply_status)sample_below(s, REPLY_STATUS_COUNT),
        .output_count = sample_item_count(s, TENSORS_MAX),
        .timing = {sample_number(s), sample_number(s), sample_number(s),
                   sample_number(s)},
        .batch_size = sample_count(s),
        .attempt = sample_count(s),
        .tenant = sample_text(s, 0, NAME_MAX_BYTES),
        .webhook = sample_webhook(s),
        .batch_id = sample_text(s, 0, NAME_MAX_BYTES),
        .request_hash = sample_text(s, 0, HASH_MAX_BYTES),
    };
    r.outputs = sample_tensors(s, r.output_count);
    if (sample_chance(s, 50)) {
        r.error = (struct reply_error){.code = sample_text(s, 1, NAME_MAX_BYTES),
                                       .message = sample_text(s, 0, 1000),
                                       .stage = sample_text(s, 0, NAME_MAX_BYTES)};
    }
    if (sample_chance(s, 50)) {
        r.request_offset =
            (struct request_offset){.topic = sample_text(s, 1, TOPIC_MAX_BYTES),
                                    .partition = sample_count(s),
                                    .offset = sample_count(s)};
    }
    return r;
}

struct model_info
sample_model_info(struct sample *s)
{
    struct model_info m = {
        .model = sample_text(s, 1, NAME_MAX_BYTES),
        .version = sample_text(s, 0, NAME_MAX_BYTES),
        .instance = sample_text(s, 0, NAME_MAX_BYTES),
        .state = (enum model_state)sample_below(s, MODEL_STATE_COUNT),
        .reason = sample_text(s, 0, 1000),
        .platform = sample_text(s, 0, NAME_MAX_BYTES),
        .input_count = sample_item_count(s, TENSORS_MAX),
        .output_count = sample_item_count(s, TENSORS_MAX),
        .max_batch_size = sample_count(s),
        .replicas = sample_count(s),
        .published_us = sample_number(s),
        .batch_us = sample_count(s),
        .memory_bytes = sample_count(s),
        .obeyed_us = sample_count(s),
        .label_count = sample_item_count(s, 32),
    };
    m.inputs = sample_specs(s, m.input_count);
    m.outputs = sample_specs(s, m.output_count);
    m.labels = sample_texts(s, m.label_count);
    return m;
}

struct running
sample_running(struct sample *s)
{
    struct running r = {
        .model = sample_text(s, 1, NAME_MAX_BYTES),
        .instance = sample_text(s, 0, NAME_MAX_BYTES),
        .published_us = sample_number(s),
        .id_count = sample_item_count(s, RUNNING_IDS_MAX),
    };
    struct uuid *ids = arena_array(s->arena, r.id_count + 1, sizeof(*ids));
    for (size_t i = 0; i < r.id_count; i++) {
        ids[i] = sample_uuid(s);
    }
    r.ids = ids;
    return r;
}

struct control
sample_control(struct sample *s)
{
    struct control c = {
        .type = (enum control_type)sample_below(s, CONTROL_TYPE_COUNT),
        .model = sample_text(s, 0, NAME_MAX_BYTES),
        .version = sample_text(s, 0, NAME_MAX_BYTES),
        .tenant = sample_text(s, 0, NAME_MAX_BYTES),
        .issued_us = sample_number(s),
    };
    if (sample_chance(s, 60)) {
        c.id = sample_uuid(s);
    }
    return c;
}

struct webhook_record
sample_webhook_record(struct sample *s)
{
    return (struct webhook_record){
        .id = sample_uuid(s),
        .tenant = sample_text(s, 0, NAME_MAX_BYTES),
        .state = (enum webhook_state)sample_below(s, WEBHOOK_STATE_COUNT),
        .revision = sample_count(s),
        .attempts = sample_count(s),
        .reason = sample_text(s, 0, WEBHOOK_REASON_MAX),
        .begun_us = sample_number(s),
        .due_us = sample_number(s),
        .url = sample_text(s, 0, URL_MAX_BYTES),
        .body = sample_text(s, 0, 1000),
    };
}

struct request
full_request(void)
{
    static const uint8_t data[24] = {0, 0, 0x80, 0x3f};
    static struct tensor input = {
        .datatype = DATATYPE_FP32, .rank = 2, .shape = {2, 3}};
    static struct span names[2];
    static struct parameter parameters[4];
    input.name = span_of_text("pixels");
    input.data = span_of(data, sizeof(data));
    names[0] = span_of_text("first");
    names[1] = span_of_text("second");
    parameters[0] = (struct parameter){.name = span_of_text("text"),
                                       .kind = PARAMETER_TEXT,
                                       .text = span_of_text("größer")};
    parameters[1] = (struct parameter){
        .name = span_of_text("int"), .kind = PARAMETER_INT, .number = -5};
    parameters[2] = (struct parameter){
        .name = span_of_text("real"), .kind = PARAMETER_REAL, .real = 0.5};
    parameters[3] = (struct parameter){
        .name = span_of_text("bool"), .kind = PARAMETER_BOOL, .flag = true};
    struct request r = {
        .model = span_of_text("digits"),
        .model_version = span_of_text("3"),
        .inputs = &input,
        .input_count = 1,
        .outputs = names,
        .output_count = 2,
        .parameters = parameters,
        .parameter_count = 4,
        .reply_to = {.topic = span_of_text("answers"), .partition = 7},
        .route = names,
        .route_count = 2,
        .webhook = {.url = span_of_text("https://example.org/hook"),
                    .events = names,
                    .event_count = 1},
        .tenant = span_of_text("acme"),
        .batch_id = span_of_text("bulk-1"),
        .priority = 2,
        .submitted_us = 1700000000123456,
        .deadline_ms = 1700000030123,
        .attempt = 1,
    };
    for (unsigned i = 0; i < UUID_BYTES; i++) {
        r.id.bytes[i] = (uint8_t)(0x11 * i);
    }
    return r;
}

struct span
file_read(const char *path, struct arena *arena)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "%s/%s", LEAT_SOURCE_DIR, path);
    FILE *file = fopen(whole, "rb");
    cr_assert_not_null(file, "%s", whole);
    uint8_t *data = arena_alloc(arena, FILE_LIMIT);
    size_t size = fread(data, 1, FILE_LIMIT - 1, file);
    fclose(file);
    return span_of(data, size);
}

static void
expect_same_bytes(struct buf *a, struct buf *b)
{
    cr_assert_eq(a->status, STATUS_OK);
    cr_assert_eq(b->status, STATUS_OK);
    cr_assert(span_equal(buf_span(a), buf_span(b)));
    buf_fini(a);
    buf_fini(b);
}

void
expect_same_request(const struct request *a, const struct request *b)
{
    struct buf first;
    struct buf second;
    buf_init(&first, RECORD_LIMIT);
    buf_init(&second, RECORD_LIMIT);
    request_encode(a, &first);
    request_encode(b, &second);
    expect_same_bytes(&first, &second);
}

void
expect_same_reply(const struct reply *a, const struct reply *b)
{
    struct buf first;
    struct buf second;
    buf_init(&first, RECORD_LIMIT);
    buf_init(&second, RECORD_LIMIT);
    reply_encode(a, &first);
    reply_encode(b, &second);
    expect_same_bytes(&first, &second);
}

void
expect_same_model_info(const struct model_info *a, const struct model_info *b)
{
    struct buf first;
    struct buf second;
    buf_init(&first, RECORD_LIMIT);
    buf_init(&second, RECORD_LIMIT);
    model_info_encode(a, &first);
    model_info_encode(b, &second);
    expect_same_bytes(&first, &second);
}

void
expect_same_running(const struct running *a, const struct running *b)
{
    struct buf first;
    struct buf second;
    buf_init(&first, RECORD_LIMIT);
    buf_init(&second, RECORD_LIMIT);
    running_encode(a, &first);
    running_encode(b, &second);
    expect_same_bytes(&first, &second);
}

void
expect_same_control(const struct control *a, const struct control *b)
{
    struct buf first;
    struct buf second;
    buf_init(&first, RECORD_LIMIT);
    buf_init(&second, RECORD_LIMIT);
    control_encode(a, &first);
    control_encode(b, &second);
    expect_same_bytes(&first, &second);
}

void
expect_same_webhook_record(const struct webhook_record *a,
                           const struct webhook_record *b)
{
    struct buf first;
    struct buf second;
    buf_init(&first, RECORD_LIMIT);
    buf_init(&second, RECORD_LIMIT);
    webhook_record_encode(a, &first);
    webhook_record_encode(b, &second);
    expect_same_bytes(&first, &second);
}
