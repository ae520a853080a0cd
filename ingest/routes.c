/* SPDX-License-Identifier: Apache-2.0 */
/* Every route there is, the hot one first. docs/openapi.json lists the same; a test
 * compares them.
 */
#include "ingest/bulk_batch.h"
#include "ingest/bulk_results.h"
#include "ingest/bulk_upload.h"
#include "ingest/cancel.h"
#include "ingest/dashboard.h"
#include "ingest/events.h"
#include "ingest/infer.h"
#include "ingest/job.h"
#include "ingest/model_order.h"
#include "ingest/model_routes.h"
#include "ingest/route.h"
#include "ingest/webhook.h"

#define MODEL      "/v2/models/{model}"
#define VERSION    "/versions/{version}"
#define REPOSITORY "/v2/repository/models/{model}"

const struct route routes[] = {
    {HTTP_POST, SCOPE_INFER, MODEL "/infer", infer_post},
    {HTTP_POST, SCOPE_INFER, MODEL VERSION "/infer", infer_post},
    {HTTP_POST, SCOPE_INFER, "/v1/jobs", job_post},
    {HTTP_GET, SCOPE_INFER | SCOPE_READ, "/v1/jobs/{id}", job_get},
    {HTTP_DELETE, SCOPE_INFER, "/v1/jobs/{id}", job_delete},
    {HTTP_GET, SCOPE_INFER | SCOPE_READ, "/v1/jobs/{id}/result", job_get_result},
    {HTTP_GET, SCOPE_INFER | SCOPE_READ, "/v1/jobs/{id}/events", job_get_events},
    {HTTP_POST, SCOPE_INFER, "/v1/batches", batch_post},
    {HTTP_GET, SCOPE_INFER | SCOPE_READ, "/v1/batches/{id}", batch_get},
    {HTTP_DELETE, SCOPE_INFER, "/v1/batches/{id}", batch_delete},
    {HTTP_GET, SCOPE_INFER | SCOPE_READ, "/v1/batches/{id}/results", batch_get_results},
    {HTTP_GET, SCOPE_INFER | SCOPE_READ, "/v1/webhooks", webhooks_get},
    {HTTP_POST, SCOPE_INFER, "/v1/webhooks/{id}/redeliver", webhook_post_redeliver},
    {HTTP_GET, SCOPE_ANY, "/v2", server_get},
    {HTTP_GET, 0, "/v2/health/live", server_get_live},
    {HTTP_GET, 0, "/v2/health/ready", server_get_ready},
    {HTTP_GET, SCOPE_ANY, "/v2/models", models_get},
    {HTTP_GET, SCOPE_ANY, MODEL, model_get},
    {HTTP_GET, SCOPE_ANY, MODEL "/ready", model_get_ready},
    {HTTP_GET, SCOPE_ANY, MODEL "/config", model_get_config},
    {HTTP_GET, SCOPE_ANY, MODEL VERSION, model_get},
    {HTTP_GET, SCOPE_ANY, MODEL VERSION "/ready", model_get_ready},
    {HTTP_GET, SCOPE_ANY, MODEL VERSION "/config", model_get_config},
    {HTTP_POST, SCOPE_ANY, "/v2/repository/index", repository_post_index},
    {HTTP_POST, SCOPE_ADMIN, REPOSITORY "/load", model_post_load},
    {HTTP_POST, SCOPE_ADMIN, REPOSITORY "/unload", model_post_unload},
    {HTTP_GET, SCOPE_READ | SCOPE_ADMIN, "/v1/status", dashboard_get_status},
    {HTTP_GET, 0, "/openapi.json", dashboard_get_openapi},
    {HTTP_GET, 0, "/favicon.ico", dashboard_get_icon},
    {HTTP_GET, 0, "/", dashboard_get},
};

const size_t route_count = sizeof(routes) / sizeof(routes[0]);
