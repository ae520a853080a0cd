/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes and fingerprints, and that the fingerprints are those of our .avsc files. */
#include "schemas/framing.h"

#include "schemas/codec_record.h"
#include "schemas/message.h"
#include "tests/unit/schemas/canonical_form.h"
#include "tests/unit/schemas/sample_records.h"

#include <criterion/criterion.h>

#include <strings.h>

static json_t *
schema_load(const char *path)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct span text = file_read(path, &arena);
    json_t *schema = json_loadb((const char *)text.data, text.size, 0, NULL);
    cr_assert_not_null(schema, "%s is no JSON", path);
    arena_fini(&arena);
    return schema;
}

static void
expect_fingerprint(const char *path, const struct codec_record *type)
{
    json_t *schema = schema_load(path);
    struct buf form;
    buf_init(&form, 1 << 20);
    canonical_form_write(schema, "", &form);
    cr_assert_eq(form.status, STATUS_OK);
    uint64_t fingerprint = framing_fingerprint(buf_span(&form));
    cr_assert_eq(fingerprint, type->fingerprint,
                 "%s has %016lx: codec_table.c must say so", path, fingerprint);
    buf_fini(&form);
    json_decref(schema);
}

Test(framing, fingerprints_are_those_of_the_specification)
{
    cr_assert_eq(framing_fingerprint(span_of_text("\"int\"")), 0x7275d51a3f395c8fU);
    cr_assert_eq(framing_fingerprint(span_of_text("\"null\"")), 0x63dd24e7cc258f8aU);
    cr_assert_eq(framing_fingerprint(span_of_text("")), 0xc15d213aa4d7a795U);
}

Test(framing, the_codec_names_the_fingerprints_of_the_avsc_files)
{
    expect_fingerprint("schemas/request.avsc", &codec_request);
    expect_fingerprint("schemas/reply.avsc", &codec_reply);
    expect_fingerprint("schemas/model_state.avsc", &codec_model_info);
    expect_fingerprint("schemas/running.avsc", &codec_running);
    expect_fingerprint("schemas/control.avsc", &codec_control);
    expect_fingerprint("schemas/webhook.avsc", &codec_webhook_record);
}

static const json_t *
field_named(const json_t *record, const char *name)
{
    size_t index = 0;
    json_t *field = NULL;
    json_array_foreach(json_object_get(record, "fields"), index, field)
    {
        if (strcmp(json_string_value(json_object_get(field, "name")), name) == 0) {
            return json_object_get(field, "type");
        }
    }
    cr_assert_fail("no field %s", name);
    return NULL;
}

static const char *
symbol_at(const json_t *type, size_t at)
{
    return json_string_value(json_array_get(json_object_get(type, "symbols"), at));
}

static void
expect_datatypes(const char *path, const char *field)
{
    json_t *schema = schema_load(path);
    const json_t *tensor = json_object_get(field_named(schema, field), "items");
    const json_t *datatype = field_named(tensor, "datatype");
    cr_assert_eq(json_array_size(json_object_get(datatype, "symbols")), DATATYPE_COUNT);
    for (unsigned i = 0; i < DATATYPE_COUNT; i++) {
        cr_assert_str_eq(symbol_at(datatype, i), datatype_name((enum datatype)i));
    }
    json_decref(schema);
}

Test(framing, symbols_of_the_schemas_stand_in_the_order_of_the_enums)
{
    expect_datatypes("schemas/request.avsc", "inputs");
    expect_datatypes("schemas/reply.avsc", "outputs");
    expect_datatypes("schemas/model_state.avsc", "inputs");
    json_t *reply = schema_load("schemas/reply.avsc");
    for (unsigned i = 0; i < REPLY_STATUS_COUNT; i++) {
        const char *symbol = symbol_at(field_named(reply, "status"), i);
        cr_assert_eq(strcasecmp(symbol, reply_status_name((enum reply_status)i)), 0);
    }
    json_decref(reply);
    json_t *model = schema_load("schemas/model_state.avsc");
    for (unsigned i = 0; i < MODEL_STATE_COUNT; i++) {
        const char *symbol = symbol_at(field_named(model, "state"), i);
        cr_assert_eq(strcasecmp(symbol, model_state_name((enum model_state)i)), 0);
    }
    json_decref(model);
}

static void
expect_documented(const json_t *record)
{
    size_t index = 0;
    json_t *field = NULL;
    json_array_foreach(json_object_get(record, "fields"), index, field)
    {
        cr_assert_not_null(json_object_get(field, "doc"), "%s has no doc",
                           json_string_value(json_object_get(field, "name")));
    }
}

Test(framing, every_field_of_the_schemas_is_documented)
{
    static const char *const paths[] = {"schemas/request.avsc", "schemas/reply.avsc",
                                        "schemas/model_state.avsc"};
    for (unsigned i = 0; i < 3; i++) {
        json_t *schema = schema_load(paths[i]);
        expect_documented(schema);
        json_decref(schema);
    }
}

Test(framing, writes_what_it_reads)
{
    struct buf b;
    buf_init(&b, 100);
    framing_write(&b, 0x0123456789abcdefU);
    buf_append_text(&b, "body");
    static const uint8_t expected[] = {0xc3, 0x01, 0xef, 0xcd, 0xab,
                                       0x89, 0x67, 0x45, 0x23, 0x01};
    cr_assert_eq(memcmp(b.data, expected, sizeof(expected)), 0);
    struct framing f;
    framing_read(buf_span(&b), &f);
    cr_assert_eq(f.kind, FRAMING_SINGLE_OBJECT);
    cr_assert_eq(f.fingerprint, 0x0123456789abcdefU);
    cr_assert(span_is_text(f.body, "body"));
    buf_fini(&b);
}

Test(framing, reads_the_confluent_prefix)
{
    static const uint8_t bytes[] = {0, 0x01, 0x02, 0x03, 0x04, 'x'};
    struct framing f;
    framing_read(span_of(bytes, sizeof(bytes)), &f);
    cr_assert_eq(f.kind, FRAMING_CONFLUENT);
    cr_assert_eq(f.schema_id, 0x01020304U);
    cr_assert(span_is_text(f.body, "x"));
}

Test(framing, takes_anything_else_as_bare)
{
    static const uint8_t cut[] = {0xc3, 0x01, 1, 2, 3, 4, 5, 6, 7};
    struct framing f;
    framing_read(span_of(cut, sizeof(cut)), &f);
    cr_assert_eq(f.kind, FRAMING_BARE);
    cr_assert_eq(f.body.size, sizeof(cut));
    framing_read(span_of_text("Hello"), &f);
    cr_assert_eq(f.kind, FRAMING_BARE);
    framing_read(span_of(NULL, 0), &f);
    cr_assert_eq(f.kind, FRAMING_BARE);
    cr_assert_eq(f.body.size, 0);
}
