/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names made full, attributes that do not matter for reading left out, the others in a
 * fixed order, no white space.
 *
 * @source Apache Avro 1.11 specification, "Transforming into Parsing Canonical Form"
 */
#include "tests/unit/schemas/canonical_form.h"

#include <string.h>

static bool
is_primitive(const char *name)
{
    static const char *const names[] = {"null",  "boolean", "int",   "long",
                                        "float", "double",  "bytes", "string"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void
name_write(const char *name, const char *name_space, struct buf *b)
{
    bool is_short = strchr(name, '.') == NULL && !is_primitive(name);
    bool qualify = is_short && name_space[0] != '\0';
    buf_append_format(b, "\"%s%s%s\"", qualify ? name_space : "", qualify ? "." : "",
                      name);
}

static void
list_write(const json_t *list, const char *name_space, struct buf *b)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        buf_append_text(b, i == 0 ? "[" : ",");
        canonical_form_write(json_array_get(list, i), name_space, b);
    }
    buf_append_text(b, "]");
}

static void
fields_write(const json_t *fields, const char *name_space, struct buf *b)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        buf_append_format(b, "%s{\"name\":\"%s\",\"type\":", i == 0 ? "[" : ",",
                          json_string_value(json_object_get(field, "name")));
        canonical_form_write(json_object_get(field, "type"), name_space, b);
        buf_append_text(b, "}");
    }
    buf_append_text(b, "]");
}

static void
symbols_write(const json_t *symbols, struct buf *b)
{
    for (size_t i = 0; i < json_array_size(symbols); i++) {
        buf_append_format(b, "%s\"%s\"", i == 0 ? "[" : ",",
                          json_string_value(json_array_get(symbols, i)));
    }
    buf_append_text(b, "]");
}

static void
named_write(const json_t *schema, const char *name_space, struct buf *b)
{
    const char *own = json_string_value(json_object_get(schema, "namespace"));
    const char *inner = own == NULL ? name_space : own;
    buf_append_text(b, "{\"name\":");
    name_write(json_string_value(json_object_get(schema, "name")), inner, b);
    buf_append_format(b, ",\"type\":\"%s\"",
                      json_string_value(json_object_get(schema, "type")));
    if (json_object_get(schema, "fields") != NULL) {
        buf_append_text(b, ",\"fields\":");
        fields_write(json_object_get(schema, "fields"), inner, b);
    }
    if (json_object_get(schema, "symbols") != NULL) {
        buf_append_text(b, ",\"symbols\":");
        symbols_write(json_object_get(schema, "symbols"), b);
    }
    if (json_object_get(schema, "size") != NULL) {
        buf_append_format(b, ",\"size\":%d",
                          (int)json_integer_value(json_object_get(schema, "size")));
    }
    buf_append_text(b, "}");
}

static void
collection_write(const json_t *schema,
                 const char *member,
                 const char *name_space,
                 struct buf *b)
{
    buf_append_format(b, "{\"type\":\"%s\",\"%s\":",
                      json_string_value(json_object_get(schema, "type")), member);
    canonical_form_write(json_object_get(schema, member), name_space, b);
    buf_append_text(b, "}");
}

void
canonical_form_write(const json_t *schema, const char *name_space, struct buf *b)
{
    if (json_is_string(schema)) {
        name_write(json_string_value(schema), name_space, b);
    } else if (json_is_array(schema)) {
        list_write(schema, name_space, b);
    } else if (json_object_get(schema, "name") != NULL) {
        named_write(schema, name_space, b);
    } else if (json_object_get(schema, "items") != NULL) {
        collection_write(schema, "items", name_space, b);
    } else if (json_object_get(schema, "values") != NULL) {
        collection_write(schema, "values", name_space, b);
    } else {
        canonical_form_write(json_object_get(schema, "type"), name_space, b);
    }
}
