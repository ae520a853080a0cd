/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a request can end, asked over HTTP, answered by a played batcher. */
#include "base/clock.h"
#include "base/uuid.h"
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the model, in its documents. */
#define LABELS "\"labels\":{\"blue\":\"1\",\"stable\":\"1\"}"

static const struct stage_options usual = {0};

static void
ask(struct ingest_stage *stage,
    const char *line,
    const char *headers,
    const char *body,
    struct stage_answer *a)
{
    stage_ask(stage, line, headers, body, a);
}

static void
assert_problem(const struct stage_answer *a, int code, const char *word)
{
    char type[64];
    stage_header(a, "Content-Type", type, sizeof(type));
    cr_assert_eq(a->code, code, "%d: %s", a->code, a->body);
    cr_assert_str_eq(type, "application/problem+json");
    cr_assert(strstr(a->body, word) != NULL, "%s", a->body);
    cr_assert(strstr(a->body, "\"error\"") != NULL, "%s", a->body);
}

static void
get_line(const struct stage_answer *a, const char *suffix, char *line, size_t size)
{
    char location[80];
    stage_header(a, "Location", location, sizeof(location));
    snprintf(line, size, "GET %s%s", location, suffix);
}

Test(ingest_flow, holds_the_connection_until_the_answer_is_there)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "[1.5,-2") != NULL, "%s", a.body);
    cr_assert(strstr(a.body, "\"model_name\":\"echo\"") != NULL, "%s", a.body);
    char id[64];
    stage_header(&a, "Leat-Id", id, sizeof(id));
    cr_assert_eq(strlen(id), UUID_TEXT);
    char line[128];
    snprintf(line, sizeof(line), "GET /v1/jobs/%s", id);
    ask(stage, line, "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "succeeded") != NULL, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, echoes_the_callers_id_and_answers_in_binary_where_asked)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "",
        "{\"id\":\"mine-7\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"
        "\"datatype\":\"FP32\",\"data\":[0,0]}],\"outputs\":[{\"name\":\"y\","
        "\"parameters\":{\"binary_data\":true}}]}",
        &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    char length[32];
    stage_header(&a, "Inference-Header-Content-Length", length, sizeof(length));
    cr_assert_str_neq(length, "");
    cr_assert(strstr(a.body, "\"id\":\"mine-7\"") != NULL, "%s", a.body);
    cr_assert(strstr(a.body, "\"binary_data_size\":8") != NULL, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, answers_202_when_asked_to_and_the_job_can_be_polled)
{
    struct ingest_stage *stage = stage_open(&usual);
    stage_play(stage, PLAY_HOLD);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "Prefer: respond-async\r\n", STAGE_BODY, &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    cr_assert(strstr(a.body, "\"status\":\"queued\"") != NULL, "%s", a.body);
    char value[64];
    stage_header(&a, "Retry-After", value, sizeof(value));
    cr_assert_str_eq(value, "1");
    stage_header(&a, "Preference-Applied", value, sizeof(value));
    cr_assert_str_eq(value, "respond-async");
    char poll[128];
    char result[128];
    char wait[128];
    get_line(&a, "", poll, sizeof(poll));
    get_line(&a, "/result", result, sizeof(result));
    get_line(&a, "?wait=5", wait, sizeof(wait));
    ask(stage, poll, "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "\"status\":\"queued\"") != NULL, "%s", a.body);
    ask(stage, result, "", "", &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    int waiting = stage_send(stage, wait, "", "");
    stage_play(stage, PLAY_ANSWER);
    stage_receive(waiting, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "succeeded") != NULL, "%s", a.body);
    ask(stage, result, "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "[1.5,-2") != NULL, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, takes_jobs_with_the_model_in_the_body)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    ask(stage, "POST /v1/jobs", "",
        "{\"model\":\"echo\",\"deadline_ms\":5000,\"inputs\":[{\"name\":\"x\","
        "\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[3,4]}]}",
        &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    char line[128];
    get_line(&a, "/result?wait=5", line, sizeof(line));
    ask(stage, line, "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "[3,4") != NULL || strstr(a.body, "[3.0,4") != NULL, "%s",
              a.body);
    ask(stage, "POST /v1/jobs", "", STAGE_BODY, &a);
    assert_problem(&a, 400, "model");
    ask(stage, "POST /v1/jobs", "",
        "{\"model\":\"echo\",\"webhook\":{\"url\":\"http://127.0.0.1:1/\"},"
        "\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\","
        "\"data\":[3,4]}]}",
        &a);
    assert_problem(&a, 400, "webhook");
    stage_close(stage);
}

Test(ingest_flow, turns_a_wait_that_ends_into_a_job)
{
    struct ingest_stage *stage = stage_open(&usual);
    stage_play(stage, PLAY_HOLD);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "Prefer: wait=1\r\n", STAGE_BODY, &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    char value[64];
    stage_header(&a, "Preference-Applied", value, sizeof(value));
    cr_assert_str_eq(value, "wait=1");
    char line[128];
    get_line(&a, "?wait=5", line, sizeof(line));
    stage_play(stage, PLAY_ANSWER);
    ask(stage, line, "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    cr_assert(strstr(a.body, "succeeded") != NULL, "%s", a.body);
    ask(stage, STAGE_INFER, "Prefer: wait=5\r\n", STAGE_BODY, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, names_the_job_when_a_held_request_takes_too_long)
{
    struct ingest_stage *stage =
        stage_open(&(struct stage_options){.infer_timeout_ns = NS_PER_S});
    stage_play(stage, PLAY_HOLD);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    assert_problem(&a, 504, "\"id\"");
    char line[128];
    get_line(&a, "", line, sizeof(line));
    struct stage_answer job;
    ask(stage, line, "", "", &job);
    cr_assert_eq(job.code, 200, "%s", job.body);
    cr_assert(strstr(job.body, "queued") != NULL, "%s", job.body);
    stage_play(stage, PLAY_EXPIRE);
    get_line(&a, "?wait=1", line, sizeof(line));
    ask(stage, line, "", "", &job);
    cr_assert(strstr(job.body, "expired") != NULL, "%s", job.body);
    stage_close(stage);
}

Test(ingest_flow, tells_why_a_model_failed)
{
    struct ingest_stage *stage = stage_open(&usual);
    stage_play(stage, PLAY_FAIL);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    assert_problem(&a, 500, "x is cursed");
    stage_play(stage, PLAY_EXPIRE);
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    assert_problem(&a, 504, "\"id\"");
    stage_close(stage);
}

Test(ingest_flow, refuses_what_does_not_fit_before_anything_is_produced)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "", "{\"inputs\":[", &a);
    assert_problem(&a, 400, "line");
    ask(stage, STAGE_INFER, "",
        "{\"inputs\":[{\"name\":\"z\",\"shape\":[1,2],\"datatype\":\"FP32\","
        "\"data\":[1,2]}]}",
        &a);
    assert_problem(&a, 400, "z");
    ask(stage, STAGE_INFER, "",
        "{\"inputs\":[{\"name\":\"x\",\"shape\":[5,2],\"datatype\":\"FP32\","
        "\"data\":[1,2,3,4,5,6,7,8,9,10]}]}",
        &a);
    assert_problem(&a, 400, "4");
    ask(stage, "POST /v2/models/nobody/infer", "", STAGE_BODY, &a);
    assert_problem(&a, 404, "nobody");
    ask(stage, "POST /v2/models/echo/versions/9/infer", "", STAGE_BODY, &a);
    assert_problem(&a, 404, "version or label 9");
    ask(stage, STAGE_INFER, "Inference-Header-Content-Length: x\r\n", STAGE_BODY, &a);
    assert_problem(&a, 400, "Inference-Header");
    ask(stage, "GET /v1/jobs/01234567-89ab-7def-8123-456789abcdef", "", "", &a);
    assert_problem(&a, 404, "no such job");
    ask(stage, "GET /v1/jobs/nonsense", "", "", &a);
    assert_problem(&a, 404, "no such job");
    ask(stage, "GET /v1/jobs/01234567-89ab-7def-8123-456789abcdef?wait=x", "", "", &a);
    assert_problem(&a, 400, "wait");
    ask(stage, "DELETE /v2/models/echo/infer", "", "", &a);
    assert_problem(&a, 405, "method");
    char allow[32];
    stage_header(&a, "Allow", allow, sizeof(allow));
    cr_assert_str_eq(allow, "POST");
    ask(stage, "GET /v3", "", "", &a);
    assert_problem(&a, 404, "no such");
    static char large[70 * 1024];
    memset(large, ' ', sizeof(large) - 1);
    ask(stage, STAGE_INFER, "", large, &a);
    cr_assert_eq(a.code, 413, "%d", a.code);
    stage_await_requests(stage, 0);
    stage_close(stage);
}

Test(ingest_flow, says_when_to_come_back_if_too_much_is_in_flight)
{
    struct ingest_stage *stage = stage_open(&(struct stage_options){.inflight_max = 2});
    stage_play(stage, PLAY_HOLD);
    int first = stage_send(stage, STAGE_INFER, "", STAGE_BODY);
    int second = stage_send(stage, STAGE_INFER, "", STAGE_BODY);
    stage_await_requests(stage, 2);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    assert_problem(&a, 429, "in flight");
    char value[32];
    stage_header(&a, "Retry-After", value, sizeof(value));
    cr_assert_str_neq(value, "");
    stage_play(stage, PLAY_ANSWER);
    stage_receive(first, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_receive(second, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, goes_on_when_a_client_leaves)
{
    struct ingest_stage *stage = stage_open(&usual);
    stage_play(stage, PLAY_HOLD);
    int gone = stage_send(stage, STAGE_INFER, "", STAGE_BODY);
    stage_await_requests(stage, 1);
    close(gone);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "Prefer: wait=1\r\n", STAGE_BODY, &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    stage_play(stage, PLAY_ANSWER);
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, answers_503_within_a_second_while_kafka_is_away_and_resumes)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_broker(stage, false);
    int64_t least_ns = INT64_MAX; /* the machine may be busy with something else */
    for (int i = 0; i < 3; i++) {
        int64_t began_ns = clock_mono_ns();
        ask(stage, STAGE_INFER, "Prefer: respond-async\r\n", STAGE_BODY, &a);
        assert_problem(&a, 503, "Kafka");
        char value[32];
        stage_header(&a, "Retry-After", value, sizeof(value));
        cr_assert_str_neq(value, "");
        int64_t took_ns = clock_mono_ns() - began_ns;
        least_ns = took_ns < least_ns ? took_ns : least_ns;
    }
    cr_assert_lt(least_ns, 1100 * NS_PER_MS);
    stage_broker(stage, true);
    int64_t until_ns = clock_mono_ns() + 60 * NS_PER_S;
    do {
        ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    } while (a.code != 200 && clock_mono_ns() < until_ns);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, answers_what_is_held_before_it_stops)
{
    struct ingest_stage *stage = stage_open(&usual);
    stage_play(stage, PLAY_HOLD);
    int held = stage_send(stage, STAGE_INFER, "", STAGE_BODY);
    stage_await_requests(stage, 1);
    stage_drain(stage);
    stage_play(stage, PLAY_ANSWER);
    struct stage_answer a;
    stage_receive(held, &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    stage_close(stage);
}

Test(ingest_flow, names_the_job_to_those_it_cannot_answer_before_it_stops)
{
    struct ingest_stage *stage =
        stage_open(&(struct stage_options){.drain_timeout_ns = 300 * NS_PER_MS});
    stage_play(stage, PLAY_HOLD);
    int held = stage_send(stage, STAGE_INFER, "", STAGE_BODY);
    stage_await_requests(stage, 1);
    stage_drain(stage);
    struct stage_answer a;
    stage_receive(held, &a);
    assert_problem(&a, 503, "\"id\"");
    stage_close(stage);
}

Test(ingest_flow, describes_its_models_as_the_protocol_wants)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    ask(stage, "GET /v2/", "", "", &a);
    cr_assert(strstr(a.body, "binary_tensor_data") != NULL, "%s", a.body);
    ask(stage, "GET /v2/health/ready", "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    ask(stage, "GET /v2/models", "", "", &a);
    cr_assert_str_eq(a.body, "{\"models\":[\"echo\"]}");
    ask(stage, "GET /v2/models/echo", "", "", &a);
    cr_assert(strstr(a.body, "\"versions\":[\"1\"]," LABELS) != NULL, "%s", a.body);
    ask(stage, "GET /v2/models/echo/versions/1/ready", "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    ask(stage, "GET /v2/models/echo/config", "", "", &a);
    cr_assert(strstr(a.body, "\"max_batch_size\":4") != NULL, "%s", a.body);
    ask(stage, "POST /v2/repository/index", "", "", &a);
    cr_assert(strstr(a.body, "\"state\":\"READY\"") != NULL, "%s", a.body);
    cr_assert(strstr(a.body, "\"labels\":[\"blue\",\"stable\"]") != NULL, "%s", a.body);
    ask(stage, "GET /v1/status", "", "", &a);
    cr_assert(strstr(a.body, "\"version\":\"1\"," LABELS) != NULL, "%s", a.body);
    cr_assert(strstr(a.body, "\"latency_ms\"") != NULL, "%s", a.body);
    ask(stage, "GET /", "", "", &a);
    cr_assert_eq(a.code, 200);
    ask(stage, "GET /favicon.ico", "", "", &a);
    cr_assert_eq(a.code, 200);
    stage_close(stage);
}
