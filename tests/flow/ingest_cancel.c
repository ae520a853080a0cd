/* SPDX-License-Identifier: Apache-2.0 */
/* Cancelling and deadlines over HTTP, against a played batcher. */
#include "base/clock.h"
#include "base/uuid.h"
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct stage_options usual = {0};

#define JOB_BODY(members)                                                              \
    "{\"model\":\"echo\"," members "\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"      \
    "\"datatype\":\"FP32\",\"data\":[3,4]}]}"
#define INFER_BODY(members)                                                            \
    "{" members "\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"                         \
    "\"datatype\":\"FP32\",\"data\":[3,4]}]}"

/** A line such as "DELETE /v1/jobs/..." from the Location of an answer. */
static void
line_of(const struct stage_answer *a,
        const char *method,
        const char *suffix,
        char line[static 160])
{
    char location[80];
    stage_header(a, "Location", location, sizeof(location));
    cr_assert_neq(location[0], '\0', "%s", a->head);
    snprintf(line, 160, "%s %s%s", method, location, suffix);
}

static void
expect(const struct stage_answer *a, int code, const char *word)
{
    cr_assert_eq(a->code, code, "%d: %s", a->code, a->body);
    cr_assert(strstr(a->body, word) != NULL, "%s", a->body);
}

Test(ingest_cancel, a_job_that_waits_becomes_canceled)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    struct stage_answer job;
    char line[160];
    stage_play(stage, PLAY_HOLD);
    stage_ask(stage, "POST /v1/jobs", "", JOB_BODY(""), &job);
    expect(&job, 202, "queued");
    stage_await_requests(stage, 1);
    line_of(&job, "DELETE", "", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 202, "queued");
    char location[2][80];
    stage_header(&a, "Location", location[0], sizeof(location[0]));
    stage_header(&job, "Location", location[1], sizeof(location[1]));
    cr_assert_str_eq(location[0], location[1]);
    line_of(&job, "GET", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "\"canceled\"");
    line_of(&job, "GET", "/result", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 409, "canceled");
    line_of(&job, "DELETE", "", line);
    stage_ask(stage, line, "", "", &a); /* once more: as it stands */
    expect(&a, 200, "\"canceled\"");
    cr_assert_eq(stage_orders(stage), 1);
    stage_close(stage);
}

Test(ingest_cancel, a_held_request_is_told_that_it_was_canceled)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer held;
    struct stage_answer a;
    char line[160];
    stage_play(stage, PLAY_HOLD);
    stage_ask(stage, STAGE_INFER, "Prefer: wait=1\r\n", STAGE_BODY, &held);
    expect(&held, 202, "queued");
    line_of(&held, "GET", "/result?wait=10", line);
    int waiting = stage_send(stage, line, "", "");
    line_of(&held, "DELETE", "", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 202, "queued");
    stage_receive(waiting, &a);
    expect(&a, 409, "\"code\":\"canceled\"");
    stage_close(stage);
}

Test(ingest_cancel, whoever_waits_for_a_cancel_is_told_how_the_job_ended)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stage_answer a;
    char line[160];
    stage_play(stage, PLAY_HOLD);
    stage_ask(stage, "POST /v1/jobs", "", JOB_BODY(""), &job);
    expect(&job, 202, "queued");
    stage_await_requests(stage, 1);
    line_of(&job, "DELETE", "?wait=soon", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 400, "wait");
    line_of(&job, "DELETE", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "\"canceled\"");
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "\"canceled\"");
    cr_assert_eq(stage_orders(stage), 1);
    stage_close(stage);
}

Test(ingest_cancel, a_cancel_that_comes_too_late_is_told_the_other_end)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stage_answer a;
    char line[160];
    stage_ask(stage, "POST /v1/jobs", "", JOB_BODY(""), &job);
    expect(&job, 202, "queued");
    line_of(&job, "GET", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "succeeded");
    line_of(&job, "DELETE", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 409, "\"job_status\":\"succeeded\"");
    stage_close(stage);
}

static int
held_client_goes(struct ingest_stage *stage)
{
    stage_play(stage, PLAY_HOLD);
    int held = stage_send(stage, STAGE_INFER, "", STAGE_BODY);
    stage_await_requests(stage, 1);
    return close(held);
}

Test(ingest_cancel, the_request_of_a_client_that_goes_is_cancelled_where_that_is_wanted)
{
    struct ingest_stage *stage =
        stage_open(&(struct stage_options){.cancel_on_disconnect = true});
    cr_assert_eq(held_client_goes(stage), 0);
    stage_await_orders(stage, 1);
    stage_close(stage);
}

Test(ingest_cancel, the_request_of_a_client_that_goes_is_run_by_default)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    char line[160];
    cr_assert_eq(held_client_goes(stage), 0);
    /* Orders of later come behind what the leaving would have ordered. */
    stage_ask(stage, "POST /v1/jobs", "", JOB_BODY(""), &a);
    stage_await_requests(stage, 2); /* the order must not overtake it */
    line_of(&a, "DELETE", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "\"canceled\"");
    cr_assert_eq(stage_orders(stage), 1);
    stage_close(stage);
}

Test(ingest_cancel, what_has_ended_stays_as_it_ended)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    char id[64];
    char line[160];
    stage_ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
    expect(&a, 200, "outputs");
    stage_header(&a, "Leat-Id", id, sizeof(id));
    snprintf(line, sizeof(line), "DELETE /v1/jobs/%s", id);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 409, "the job has ended already: succeeded");
    snprintf(line, sizeof(line), "GET /v1/jobs/%s", id);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "succeeded");
    cr_assert_eq(stage_orders(stage), 0);
    stage_close(stage);
}

Test(ingest_cancel, what_is_not_known_cannot_be_cancelled)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    stage_ask(stage, "DELETE /v1/jobs/018bcfe5-687b-7abc-8def-0123456789ab", "", "",
              &a);
    expect(&a, 404, "no such job");
    stage_ask(stage, "DELETE /v1/jobs/nonsense", "", "", &a);
    expect(&a, 404, "no such job");
    cr_assert_eq(stage_orders(stage), 0);
    stage_close(stage);
}

Test(ingest_cancel, says_so_when_kafka_does_not_take_the_order)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stage_answer a;
    char line[160];
    stage_play(stage, PLAY_HOLD);
    stage_ask(stage, "POST /v1/jobs", "", JOB_BODY(""), &job);
    expect(&job, 202, "queued");
    stage_broker(stage, false);
    line_of(&job, "DELETE", "", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 503, "cancel");
    stage_broker(stage, true);
    stage_close(stage);
}

static void
expect_timeout(struct ingest_stage *stage,
               const char *headers,
               const char *body,
               int ms)
{
    struct stage_answer a;
    stage_ask(stage, STAGE_INFER, headers, body, &a);
    expect(&a, 200, "outputs");
    cr_assert_eq(stage_timeout_ms(stage), ms, "%s%s: %lld", headers, body,
                 (long long)stage_timeout_ms(stage));
}

Test(ingest_timeout, the_shortest_timeout_becomes_the_deadline)
{
    struct ingest_stage *stage = stage_open(&usual);
    expect_timeout(stage, "", INFER_BODY(""), 5000);
    expect_timeout(stage, "Request-Timeout: 2\r\n", INFER_BODY(""), 2000);
    expect_timeout(stage, "Request-Timeout: 0.75\r\n", INFER_BODY(""), 750);
    expect_timeout(stage, "Request-Timeout: 100\r\n", INFER_BODY(""), 5000);
    expect_timeout(stage, "Request-Timeout: 3\r\n",
                   INFER_BODY("\"parameters\":{\"timeout\":1500000},"), 1500);
    expect_timeout(stage, "Request-Timeout: 1\r\n",
                   INFER_BODY("\"parameters\":{\"timeout\":1500000},"), 1000);
    expect_timeout(stage, "", INFER_BODY("\"parameters\":{\"timeout\":0},"), 5000);
    /* A wait that ends leaves a job, which nothing expires unless it was said. */
    expect_timeout(stage, "Prefer: wait=2\r\n", INFER_BODY(""), 0);
    expect_timeout(stage, "Prefer: wait=2\r\nRequest-Timeout: 9\r\n", INFER_BODY(""),
                   9000);
    stage_close(stage);
}

Test(ingest_timeout, a_job_has_the_deadline_that_was_said)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    char line[160];
    stage_ask(stage, "POST /v1/jobs", "Request-Timeout: 60\r\n",
              JOB_BODY("\"deadline_ms\":7000,\"priority\":3,"), &a);
    expect(&a, 202, "queued");
    line_of(&a, "GET", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "succeeded");
    cr_assert_eq(stage_timeout_ms(stage), 7000);
    stage_ask(stage, "POST /v1/jobs", "", JOB_BODY(""), &a);
    line_of(&a, "GET", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    expect(&a, 200, "succeeded");
    cr_assert_eq(stage_timeout_ms(stage), 0);
    stage_close(stage);
}

Test(ingest_timeout, what_is_no_time_or_priority_is_refused_in_words)
{
    static const char *const headers[] = {"Request-Timeout: 0\r\n",
                                          "Request-Timeout: -2\r\n",
                                          "Request-Timeout: soon\r\n"};
    static const char *const bodies[][2] = {
        {JOB_BODY("\"deadline_ms\":0,"), "deadline_ms"},
        {JOB_BODY("\"deadline_ms\":-1,"), "deadline_ms"},
        {JOB_BODY("\"deadline_ms\":\"1\","), "deadline_ms"},
        {JOB_BODY("\"priority\":-1,"), "priority"},
        {JOB_BODY("\"parameters\":{\"priority\":-1},"), "priority"},
        {JOB_BODY("\"parameters\":{\"priority\":1.5},"), "priority"},
        {JOB_BODY("\"parameters\":{\"timeout\":-1},"), "timeout"}};
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        stage_ask(stage, STAGE_INFER, headers[i], STAGE_BODY, &a);
        expect(&a, 400, "Request-Timeout");
    }
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        stage_ask(stage, "POST /v1/jobs", "", bodies[i][0], &a);
        expect(&a, 400, bodies[i][1]);
    }
    stage_close(stage);
}

Test(ingest_timeout, a_held_request_hears_that_it_expired)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    stage_play(stage, PLAY_EXPIRE);
    stage_ask(stage, STAGE_INFER, "Request-Timeout: 2\r\n", STAGE_BODY, &a);
    expect(&a, 504, "\"code\":\"expired\"");
    stage_play(stage, PLAY_HOLD);
    stage_ask(stage, STAGE_INFER, "Request-Timeout: 0.3\r\n", STAGE_BODY, &a);
    expect(&a, 504, "\"code\":\"timeout\"");
    stage_close(stage);
}
