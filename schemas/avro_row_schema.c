/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's schema, read by our own cursor over its JSON. */
#include "schemas/avro_row.h"
#include "schemas/json_read.h"

static const char *const scalar_names[ROW_SCALAR_COUNT] = {
    [ROW_NULL] = "null",     [ROW_BOOLEAN] = "boolean", [ROW_INT] = "int",
    [ROW_LONG] = "long",     [ROW_FLOAT] = "float",     [ROW_DOUBLE] = "double",
    [ROW_STRING] = "string", [ROW_BYTES] = "bytes",
};

/* NOLINTBEGIN(misc-no-recursion): types nest as the JSON does, JSON_DEPTH_MAX deep */

static void read_type(struct json_read *j, struct avro_field *field);

static void
wrap(struct json_read *j, struct avro_field *field, enum avro_wrap step)
{
    if (field->step_count == ROW_STEPS_MAX) {
        json_read_refuse(j, STATUS_UNSUPPORTED, "a type nested too deeply");
        return;
    }
    field->steps[field->step_count++] = step;
}

static void
read_scalar(struct json_read *j, struct avro_field *field)
{
    struct span name = json_read_text(j);
    for (int i = 0; i < ROW_SCALAR_COUNT; i++) {
        if (span_is_text(name, scalar_names[i])) {
            field->scalar = (enum avro_scalar)i;
            return;
        }
    }
    json_read_refuse(j, STATUS_UNSUPPORTED, "a type that is not read: %.*s",
                     name.size < 64 ? (int)name.size : 64, (const char *)name.data);
}

/* Null and one other type, in either order. */
static void
read_union(struct json_read *j, struct avro_field *field)
{
    int branches = 0;
    int null_at = -1;
    uint32_t wrapped_at = field->step_count;
    wrap(j, field, ROW_NULL_FIRST);
    json_read_enter(j, VALUE_ARRAY);
    while (json_read_element(j)) {
        struct avro_field branch = *field;
        read_type(j, &branch);
        bool is_null =
            branch.scalar == ROW_NULL && branch.step_count == field->step_count;
        if (is_null && null_at < 0) {
            null_at = branches;
        } else {
            *field = branch;
        }
        branches++;
    }
    if (branches != 2 || null_at < 0) {
        json_read_refuse(j, STATUS_UNSUPPORTED,
                         "a union other than of null and one type");
        return;
    }
    field->steps[wrapped_at] = null_at == 0 ? ROW_NULL_FIRST : ROW_NULL_SECOND;
}

/* Nulls have no bytes: a hostile count of them would cost time and nothing else. */
static void
read_items(struct json_read *j, struct avro_field *field)
{
    uint32_t steps = field->step_count;
    read_type(j, field);
    if (field->scalar == ROW_NULL && field->step_count == steps) {
        json_read_refuse(j, STATUS_UNSUPPORTED, "an array of nulls");
    }
}

/* {"type": "array", "items": T}, or a type with attributes beside it. */
static void
read_object(struct json_read *j, struct avro_field *field)
{
    struct span key;
    bool array = false;
    bool items = false;
    json_read_enter(j, VALUE_OBJECT);
    while (json_read_member(j, &key)) {
        if (span_is_text(key, "items")) {
            wrap(j, field, ROW_ARRAY);
            read_items(j, field);
            items = true;
        } else if (!span_is_text(key, "type")) {
            json_read_skip(j);
        } else if (json_read_peek(j) == VALUE_TEXT) {
            struct json_read back = *j;
            array = span_is_text(json_read_text(j), "array");
            if (!array) {
                *j = back;
                read_scalar(j, field);
            }
        } else {
            read_type(j, field);
        }
    }
    if (array != items) {
        json_read_refuse(j, STATUS_INVALID, "an array without items, or the reverse");
    }
}

static void
read_type(struct json_read *j, struct avro_field *field)
{
    switch (json_read_peek(j)) {
    case VALUE_TEXT:
        read_scalar(j, field);
        break;
    case VALUE_ARRAY:
        read_union(j, field);
        break;
    default:
        read_object(j, field);
        break;
    }
}

/* NOLINTEND(misc-no-recursion) */

static void
read_field(struct json_read *j, struct avro_field *field)
{
    struct span key;
    bool typed = false;
    json_read_enter(j, VALUE_OBJECT);
    while (json_read_member(j, &key)) {
        if (span_is_text(key, "name")) {
            field->name = json_read_text(j);
        } else if (span_is_text(key, "type")) {
            read_type(j, field);
            typed = true;
        } else {
            json_read_skip(j);
        }
    }
    if (field->name.size == 0 || !typed) {
        json_read_refuse(j, STATUS_INVALID, "a field without name or type");
    }
}

static void
read_fields(struct json_read *j, struct avro_field *fields, size_t *count)
{
    json_read_enter(j, VALUE_ARRAY);
    while (json_read_element(j)) {
        if (*count == ROW_FIELDS_MAX) {
            json_read_refuse(j, STATUS_TOO_LARGE, "over %d fields", ROW_FIELDS_MAX);
            return;
        }
        read_field(j, &fields[(*count)++]);
    }
}

/* For the same reason. */
static bool
rows_have_bytes(const struct avro_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].scalar != ROW_NULL || fields[i].step_count > 0) {
            return true;
        }
    }
    return false;
}

enum status
avro_row_schema_read(struct span json,
                     struct arena *arena,
                     struct avro_row_schema *schema,
                     struct fault *fault)
{
    struct json_read j;
    struct span key;
    bool record = false;
    size_t count = 0;
    struct avro_field *fields = arena_array(arena, ROW_FIELDS_MAX, sizeof *fields);
    if (fields == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the schema");
    }
    json_read_init(&j, json, arena, fault);
    json_read_enter(&j, VALUE_OBJECT);
    while (json_read_member(&j, &key)) {
        if (span_is_text(key, "type")) {
            record = span_is_text(json_read_text(&j), "record");
        } else if (span_is_text(key, "fields")) {
            read_fields(&j, fields, &count);
        } else {
            json_read_skip(&j);
        }
    }
    json_read_finish(&j);
    if (j.status == STATUS_OK && (!record || !rows_have_bytes(fields, count))) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "the schema is not of a record with fields");
    }
    *schema = (struct avro_row_schema){.fields = fields, .field_count = count};
    return j.status;
}
