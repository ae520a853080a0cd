/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/route.h"

#include <criterion/criterion.h>

#include <string.h>

static struct route_match match;
static enum status status;
static char allow[ROUTE_ALLOW_MAX];

static const char *
pattern_of(enum http_method method, const char *path)
{
    const struct route *route =
        route_find(method, span_of_text(path), &match, &status, allow);
    return route == NULL ? "" : route->pattern;
}

Test(route, finds_infer_with_and_without_a_version)
{
    cr_assert_str_eq(pattern_of(HTTP_POST, "/v2/models/digits/infer"),
                     "/v2/models/{model}/infer");
    cr_assert(span_is_text(match.model, "digits"));
    cr_assert_eq(match.version.size, 0);
    cr_assert_str_eq(pattern_of(HTTP_POST, "/v2/models/digits/versions/12/infer"),
                     "/v2/models/{model}/versions/{version}/infer");
    cr_assert(span_is_text(match.model, "digits"));
    cr_assert(span_is_text(match.version, "12"));
}

Test(route, finds_a_job_by_its_id)
{
    cr_assert_str_eq(pattern_of(HTTP_GET, "/v1/jobs/abc"), "/v1/jobs/{id}");
    cr_assert(span_is_text(match.id, "abc"));
    cr_assert_str_eq(pattern_of(HTTP_GET, "/v1/jobs/abc/result"),
                     "/v1/jobs/{id}/result");
}

Test(route, answers_head_where_there_is_a_get)
{
    cr_assert_str_eq(pattern_of(HTTP_HEAD, "/v2/health/live"), "/v2/health/live");
}

Test(route, ignores_one_trailing_slash)
{
    cr_assert_str_eq(pattern_of(HTTP_GET, "/v2/"), "/v2");
    cr_assert_str_eq(pattern_of(HTTP_GET, "/"), "/");
    cr_assert_str_eq(pattern_of(HTTP_GET, "/v2//"), "");
}

Test(route, does_not_know_other_paths)
{
    static const char *const paths[] = {
        "",
        "v2",
        "/v2x",
        "/v2/models/",
        "/v2/models//infer",
        "//",
        "/v1/jobs/a/b",
        "/v2/health",
        "/v2/models/m/infer/x",
        "/v1jobs",
        "*",
        "/v2/models/m/",
        "/V2",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        cr_assert_str_eq(pattern_of(HTTP_POST, paths[i]), "", "%s", paths[i]);
    }
    pattern_of(HTTP_GET, "/v3");
    cr_assert_eq(status, STATUS_NOT_FOUND);
    cr_assert_str_eq(allow, "");
}

Test(route, names_the_methods_that_a_known_path_takes)
{
    cr_assert_str_eq(pattern_of(HTTP_PUT, "/v1/jobs/abc"), "");
    cr_assert_eq(status, STATUS_CONFLICT);
    cr_assert_str_eq(allow, "GET, HEAD, DELETE");
    cr_assert_str_eq(pattern_of(HTTP_DELETE, "/v1/jobs/abc/result"), "");
    cr_assert_eq(status, STATUS_CONFLICT);
    cr_assert_str_eq(allow, "GET, HEAD");
    pattern_of(HTTP_GET, "/v2/models/m/infer");
    cr_assert_str_eq(allow, "POST");
    pattern_of(HTTP_OTHER, "/v2");
    cr_assert_eq(status, STATUS_CONFLICT);
}

/* A row without scopes is open: that has to be meant. */
Test(route, asks_for_a_key_everywhere_but_at_health_the_page_and_the_document)
{
    static const char *const open_ones[] = {"/v2/health/live", "/v2/health/ready",
                                            "/openapi.json", "/favicon.ico", "/"};
    for (size_t i = 0; i < route_count; i++) {
        bool meant = false;
        for (size_t j = 0; j < sizeof(open_ones) / sizeof(open_ones[0]); j++) {
            meant = meant || strcmp(routes[i].pattern, open_ones[j]) == 0;
        }
        cr_assert_eq(routes[i].scopes == 0, meant, "%s", routes[i].pattern);
    }
}
