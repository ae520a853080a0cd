/* SPDX-License-Identifier: Apache-2.0 */
/* docs/openapi.json says what the route table does, and the other way round. */
#include "ingest/embedded.h"
#include "ingest/route.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <string.h>

static json_t *document;

static void
setup(void)
{
    json_error_t error;
    document = json_loadb((const char *)embedded_openapi, embedded_openapi_size,
                          JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(document, "%s at line %d", error.text, error.line);
}

static void
teardown(void)
{
    json_decref(document);
}

TestSuite(openapi, .init = setup, .fini = teardown);

static const char *
member_of(enum http_method method)
{
    switch (method) {
    case HTTP_GET:
        return "get";
    case HTTP_DELETE:
        return "delete";
    default:
        return "post";
    }
}

Test(openapi, documents_every_route)
{
    const json_t *paths = json_object_get(document, "paths");
    for (size_t i = 0; i < route_count; i++) {
        const json_t *item = json_object_get(paths, routes[i].pattern);
        cr_assert_not_null(item, "%s is not documented", routes[i].pattern);
        cr_assert_not_null(json_object_get(item, member_of(routes[i].method)),
                           "%s lacks its method", routes[i].pattern);
    }
}

Test(openapi, documents_nothing_that_is_no_route)
{
    const char *path = NULL;
    json_t *item = NULL;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        const char *method = NULL;
        json_t *operation = NULL;
        json_object_foreach(item, method, operation)
        {
            bool found = false;
            for (size_t i = 0; i < route_count; i++) {
                found = found || (strcmp(routes[i].pattern, path) == 0 &&
                                  strcmp(member_of(routes[i].method), method) == 0);
            }
            cr_assert(found, "%s %s is no route", method, path);
        }
    }
}

Test(openapi, names_each_operation_once)
{
    json_t *seen = json_object();
    const char *path = NULL;
    json_t *item = NULL;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        const char *method = NULL;
        json_t *operation = NULL;
        json_object_foreach(item, method, operation)
        {
            const char *id =
                json_string_value(json_object_get(operation, "operationId"));
            cr_assert_not_null(id, "%s %s", method, path);
            cr_assert_null(json_object_get(seen, id), "%s twice", id);
            cr_assert_eq(json_object_set_new(seen, id, json_true()), 0);
        }
    }
    json_decref(seen);
}
