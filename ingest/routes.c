/* SPDX-License-Identifier: Apache-2.0 */
/* Every route there is, the hot one first. docs/openapi.json lists the same; a test
 * compares them.
 */
#include "ingest/cancel.h"
#include "ingest/dashboard.h"
#include "ingest/events.h"
#include "ingest/infer.h"
#include "ingest/job.h"
#include "ingest/model_routes.h"
#include "ingest/route.h"

#define MODEL   "/v2/models/{model}"
#define VERSION "/versions/{version}"

const struct route routes[] = {
    {HTTP_POST, MODEL "/infer", infer_post, SCOPE_INFER},
    {HTTP_POST, MODEL VERSION "/infer", infer_post, SCOPE_INFER},
    {HTTP_POST, "/v1/jobs", job_post, SCOPE_INFER},
    {HTTP_GET, "/v1/jobs/{id}", job_get, SCOPE_INFER | SCOPE_READ},
    {HTTP_DELETE, "/v1/jobs/{id}", job_delete, SCOPE_INFER},
    {HTTP_GET, "/v1/jobs/{id}/result", job_get_result, SCOPE_INFER | SCOPE_READ},
    {HTTP_GET, "/v1/jobs/{id}/events", job_get_events, SCOPE_INFER | SCOPE_READ},
    {HTTP_GET, "/v2", server_get, SCOPE_ANY},
    {HTTP_GET, "/v2/health/live", server_get_live, 0},
    {HTTP_GET, "/v2/health/ready", server_get_ready, 0},
    {HTTP_GET, "/v2/models", models_get, SCOPE_ANY},
    {HTTP_GET, MODEL, model_get, SCOPE_ANY},
    {HTTP_GET, MODEL "/ready", model_get_ready, SCOPE_ANY},
    {HTTP_GET, MODEL "/config", model_get_config, SCOPE_ANY},
    {HTTP_GET, MODEL VERSION, model_get, SCOPE_ANY},
    {HTTP_GET, MODEL VERSION "/ready", model_get_ready, SCOPE_ANY},
    {HTTP_GET, MODEL VERSION "/config", model_get_config, SCOPE_ANY},
    {HTTP_POST, "/v2/repository/index", repository_post_index, SCOPE_ANY},
    {HTTP_GET, "/v1/status", dashboard_get_status, SCOPE_READ | SCOPE_ADMIN},
    {HTTP_GET, "/openapi.json", dashboard_get_openapi, 0},
    {HTTP_GET, "/favicon.ico", dashboard_get_icon, 0},
    {HTTP_GET, "/", dashboard_get, 0},
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]);
