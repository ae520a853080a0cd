/* SPDX-License-Identifier: Apache-2.0 */
/* Written by hand from the .avsc files, not from the tables of the codec. */
#include "tests/unit/schemas/avro_mirror.h"

#include "schemas/avro_write.h"

#include <criterion/criterion.h>

avro_value_iface_t *
mirror_class(const char *path)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct span text = file_read(path, &arena);
    avro_schema_t schema = NULL;
    cr_assert_eq(
        avro_schema_from_json_length((const char *)text.data, text.size, &schema), 0,
        "%s: %s", path, avro_strerror());
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_schema_decref(schema);
    arena_fini(&arena);
    return class;
}

static avro_value_t
field(avro_value_t *v, const char *name)
{
    avro_value_t value;
    cr_assert_eq(avro_value_get_by_name(v, name, &value, NULL), 0, "no %s", name);
    return value;
}

static avro_value_t
branch(avro_value_t *v, const char *name, int index)
{
    avro_value_t of = field(v, name);
    avro_value_t value;
    cr_assert_eq(avro_value_set_branch(&of, index, &value), 0);
    return value;
}

static void
set_text(avro_value_t value, struct span text, struct arena *arena)
{
    avro_value_set_string_len(&value, arena_text(arena, text), text.size + 1);
}

static void
set_optional_text(avro_value_t *v, const char *name, struct span text, struct arena *a)
{
    avro_value_t value = branch(v, name, text.size > 0);
    if (text.size > 0) {
        set_text(value, text, a);
    }
}

static void
set_int(avro_value_t *v, const char *name, int32_t number)
{
    avro_value_t value = field(v, name);
    avro_value_set_int(&value, number);
}

static void
set_long(avro_value_t *v, const char *name, int64_t number)
{
    avro_value_t value = field(v, name);
    avro_value_set_long(&value, number);
}

static void
set_enum(avro_value_t *v, const char *name, int symbol)
{
    avro_value_t value = field(v, name);
    avro_value_set_enum(&value, symbol);
}

static void
set_texts(avro_value_t *v,
          const char *name,
          const struct span *texts,
          size_t count,
          struct arena *arena)
{
    avro_value_t array = field(v, name);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item = {0};
        avro_value_append(&array, &item, NULL);
        set_text(item, texts[i], arena);
    }
}

static void
set_uuid(avro_value_t *v, const struct uuid *id, struct arena *arena)
{
    char text[UUID_TEXT];
    uuid_format(id, text);
    set_text(field(v, "id"), span_of(text, sizeof(text)), arena);
}

static void
set_shape(avro_value_t *v, const int64_t *shape, uint32_t rank)
{
    avro_value_t array = field(v, "shape");
    for (uint32_t i = 0; i < rank; i++) {
        avro_value_t item = {0};
        avro_value_append(&array, &item, NULL);
        avro_value_set_long(&item, shape[i]);
    }
}

static void
set_tensors(avro_value_t *v,
            const char *name,
            const struct tensor *tensors,
            size_t count,
            struct arena *arena)
{
    avro_value_t array = field(v, name);
    for (size_t i = 0; i < count; i++) {
        const struct tensor *t = &tensors[i];
        avro_value_t item = {0};
        avro_value_append(&array, &item, NULL);
        set_text(field(&item, "name"), t->name, arena);
        set_enum(&item, "datatype", (int)t->datatype);
        set_shape(&item, t->shape, t->rank);
        avro_value_t data = field(&item, "data");
        avro_value_set_bytes(&data, arena_text(arena, t->data), t->data.size);
    }
}

static void
set_specs(avro_value_t *v,
          const char *name,
          const struct tensor_spec *specs,
          size_t count,
          struct arena *arena)
{
    avro_value_t array = field(v, name);
    for (size_t i = 0; i < count; i++) {
        avro_value_t item = {0};
        avro_value_append(&array, &item, NULL);
        set_text(field(&item, "name"), specs[i].name, arena);
        set_enum(&item, "datatype", (int)specs[i].datatype);
        set_shape(&item, specs[i].shape, specs[i].rank);
    }
}

static void
set_parameters(avro_value_t *v, const struct request *r, struct arena *arena)
{
    avro_value_t map = field(v, "parameters");
    for (size_t i = 0; i < r->parameter_count; i++) {
        const struct parameter *p = &r->parameters[i];
        avro_value_t either;
        avro_value_t value = {0};
        avro_value_add(&map, arena_text(arena, p->name), &either, NULL, NULL);
        switch (p->kind) {
        case PARAMETER_TEXT:
            avro_value_set_branch(&either, 0, &value);
            set_text(value, p->text, arena);
            break;
        case PARAMETER_INT:
            avro_value_set_branch(&either, 1, &value);
            avro_value_set_long(&value, p->number);
            break;
        case PARAMETER_REAL:
            avro_value_set_branch(&either, 2, &value);
            avro_value_set_double(&value, p->real);
            break;
        case PARAMETER_BOOL:
            avro_value_set_branch(&either, 3, &value);
            avro_value_set_boolean(&value, p->flag);
            break;
        }
    }
}

static void
set_webhook(avro_value_t *v, const struct webhook_target *w, struct arena *arena)
{
    avro_value_t value = branch(v, "webhook", w->url.size > 0);
    if (w->url.size > 0) {
        set_text(field(&value, "url"), w->url, arena);
        set_texts(&value, "events", w->events, w->event_count, arena);
    }
}

void
mirror_request(const struct request *r, struct arena *arena, avro_value_t *v)
{
    set_uuid(v, &r->id, arena);
    set_text(field(v, "model"), r->model, arena);
    set_optional_text(v, "model_version", r->model_version, arena);
    set_tensors(v, "inputs", r->inputs, r->input_count, arena);
    set_texts(v, "outputs", r->outputs, r->output_count, arena);
    set_parameters(v, r, arena);
    avro_value_t reply_to = branch(v, "reply_to", r->reply_to.topic.size > 0);
    if (r->reply_to.topic.size > 0) {
        set_text(field(&reply_to, "topic"), r->reply_to.topic, arena);
        avro_value_t number =
            branch(&reply_to, "partition", r->reply_to.partition != -1);
        if (r->reply_to.partition != -1) {
            avro_value_set_int(&number, r->reply_to.partition);
        }
    }
    set_texts(v, "route", r->route, r->route_count, arena);
    set_webhook(v, &r->webhook, arena);
    set_text(field(v, "tenant"), r->tenant, arena);
    set_optional_text(v, "batch_id", r->batch_id, arena);
    set_int(v, "priority", r->priority);
    set_long(v, "submitted_at", r->submitted_us);
    avro_value_t deadline = branch(v, "deadline", r->deadline_ms != 0);
    if (r->deadline_ms != 0) {
        avro_value_set_long(&deadline, r->deadline_ms);
    }
    set_int(v, "attempt", r->attempt);
}

static void
set_reply_error(avro_value_t *v, const struct reply_error *e, struct arena *arena)
{
    avro_value_t value = branch(v, "error", e->code.size > 0);
    if (e->code.size > 0) {
        set_text(field(&value, "code"), e->code, arena);
        set_text(field(&value, "message"), e->message, arena);
        set_text(field(&value, "stage"), e->stage, arena);
    }
}

static void
set_request_offset(avro_value_t *v, const struct request_offset *o, struct arena *arena)
{
    avro_value_t value = branch(v, "request_offset", o->topic.size > 0);
    if (o->topic.size > 0) {
        set_text(field(&value, "topic"), o->topic, arena);
        set_int(&value, "partition", o->partition);
        set_long(&value, "offset", o->offset);
    }
}

void
mirror_reply(const struct reply *r, struct arena *arena, avro_value_t *v)
{
    set_uuid(v, &r->id, arena);
    set_text(field(v, "model"), r->model, arena);
    set_optional_text(v, "model_version", r->model_version, arena);
    set_enum(v, "status", (int)r->status);
    set_tensors(v, "outputs", r->outputs, r->output_count, arena);
    set_reply_error(v, &r->error, arena);
    avro_value_t timing = field(v, "timing");
    set_long(&timing, "submitted", r->timing.submitted_us);
    set_long(&timing, "received", r->timing.received_us);
    set_long(&timing, "started", r->timing.started_us);
    set_long(&timing, "completed", r->timing.completed_us);
    set_int(v, "batch_size", r->batch_size);
    set_int(v, "attempt", r->attempt);
    set_text(field(v, "tenant"), r->tenant, arena);
    set_webhook(v, &r->webhook, arena);
    set_optional_text(v, "batch_id", r->batch_id, arena);
    set_request_offset(v, &r->request_offset, arena);
    avro_value_t hash = branch(v, "request_hash", r->request_hash.size > 0);
    if (r->request_hash.size > 0) {
        avro_value_set_bytes(&hash, arena_text(arena, r->request_hash),
                             r->request_hash.size);
    }
}

void
mirror_model_info(const struct model_info *m, struct arena *arena, avro_value_t *v)
{
    set_text(field(v, "model"), m->model, arena);
    set_text(field(v, "version"), m->version, arena);
    set_text(field(v, "instance"), m->instance, arena);
    set_enum(v, "state", (int)m->state);
    set_text(field(v, "reason"), m->reason, arena);
    set_text(field(v, "platform"), m->platform, arena);
    set_specs(v, "inputs", m->inputs, m->input_count, arena);
    set_specs(v, "outputs", m->outputs, m->output_count, arena);
    set_int(v, "max_batch_size", m->max_batch_size);
    set_int(v, "replicas", m->replicas);
    set_long(v, "published_at", m->published_us);
    set_long(v, "batch_us", m->batch_us);
    set_long(v, "memory_bytes", m->memory_bytes);
    set_long(v, "obeyed_at", m->obeyed_us);
    set_texts(v, "labels", m->labels, m->label_count, arena);
}

void
mirror_running(const struct running *r, struct arena *arena, avro_value_t *v)
{
    set_text(field(v, "model"), r->model, arena);
    set_text(field(v, "instance"), r->instance, arena);
    set_long(v, "published_at", r->published_us);
    avro_value_t array = field(v, "ids");
    for (size_t i = 0; i < r->id_count; i++) {
        struct uuid id = r->ids[i];
        avro_value_t item = {0};
        avro_value_append(&array, &item, NULL);
        avro_value_set_fixed(&item, id.bytes, sizeof(id.bytes));
    }
}

void
mirror_control(const struct control *c, struct arena *arena, avro_value_t *v)
{
    static const struct uuid none;
    set_enum(v, "type", (int)c->type);
    bool has_id = !uuid_equal(&c->id, &none);
    avro_value_t id = branch(v, "id", has_id);
    if (has_id) {
        char text[UUID_TEXT];
        uuid_format(&c->id, text);
        set_text(id, span_of(text, sizeof(text)), arena);
    }
    set_optional_text(v, "model", c->model, arena);
    set_optional_text(v, "version", c->version, arena);
    set_text(field(v, "tenant"), c->tenant, arena);
    set_long(v, "issued_at", c->issued_us);
}

void
mirror_webhook_record(const struct webhook_record *w,
                      struct arena *arena,
                      avro_value_t *v)
{
    set_uuid(v, &w->id, arena);
    set_text(field(v, "tenant"), w->tenant, arena);
    set_enum(v, "state", (int)w->state);
    set_long(v, "revision", w->revision);
    set_int(v, "attempts", w->attempts);
    set_text(field(v, "reason"), w->reason, arena);
    set_long(v, "begun_at", w->begun_us);
    set_long(v, "due_at", w->due_us);
    set_text(field(v, "url"), w->url, arena);
    avro_value_t body = field(v, "body");
    avro_value_set_bytes(&body, arena_text(arena, w->body), w->body.size);
}
