/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs followed as server-sent events by a raw client, and where they stand meanwhile.
 */
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct stage_options usual = {0};

#define JOB                                                                            \
    "{\"model\":\"echo\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"                 \
    "\"datatype\":\"FP32\",\"data\":[3,4]}]}"

enum { LINE_SIZE = 160, STREAM_SIZE = 16384 };

/** A stream as far as it has been read; framing of chunks included. */
struct stream {
    int connection;
    size_t size;
    char text[STREAM_SIZE];
};

static void
line_of(const struct stage_answer *a,
        const char *method,
        const char *suffix,
        char line[static LINE_SIZE])
{
    char location[80];
    stage_header(a, "Location", location, sizeof(location));
    cr_assert_neq(location[0], '\0', "%s", a->head);
    snprintf(line, LINE_SIZE, "%s %s%s", method, location, suffix);
}

static void
submit_job(const struct ingest_stage *stage, struct stage_answer *job)
{
    stage_ask(stage, "POST /v1/jobs", "", JOB, job);
    cr_assert_eq(job->code, 202, "%s", job->body);
}

static void
follow(const struct ingest_stage *stage,
       const struct stage_answer *job,
       const char *headers,
       struct stream *s)
{
    char line[LINE_SIZE];
    line_of(job, "GET", "/events", line);
    *s = (struct stream){.connection = stage_send(stage, line, headers, "")};
    cr_assert_geq(s->connection, 0);
}

/** Reads on; false at the end of the stream. */
static bool
read_on(struct stream *s)
{
    ssize_t n = recv(s->connection, s->text + s->size, STREAM_SIZE - 1 - s->size, 0);
    cr_assert_geq(n, 0, "nothing came: %s", s->text);
    s->size += (size_t)n;
    s->text[s->size] = '\0';
    return n > 0;
}

static void
await_text(struct stream *s, const char *text)
{
    while (strstr(s->text, text) == NULL) {
        cr_assert(read_on(s), "no %s in: %s", text, s->text);
    }
}

static void
read_to_end(struct stream *s)
{
    while (read_on(s)) {
    }
    close(s->connection);
}

static int
count_of(const struct stream *s, const char *text)
{
    int count = 0;
    for (const char *at = s->text; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

Test(ingest_events, tell_that_a_job_waits_and_then_how_it_ended)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stream s;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    follow(stage, &job, "", &s);
    await_text(&s, "event: queued\n");
    await_text(&s, "\"status\":\"queued\"");
    cr_assert(strstr(s.text, "Content-Type: text/event-stream") != NULL, "%s", s.text);
    stage_play(stage, PLAY_ANSWER);
    read_to_end(&s);
    cr_assert_eq(count_of(&s, "event: succeeded\nid: end\ndata: {"), 1, "%s", s.text);
    cr_assert(strstr(s.text, "\"outputs\":[{\"name\":\"y\"") != NULL, "%s", s.text);
    cr_assert_eq(count_of(&s, "event: "), count_of(&s, "\nid: "), "%s", s.text);
    stage_close(stage);
}

static void
expect_end(enum play play, const char *event)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stream s;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    follow(stage, &job, "", &s);
    await_text(&s, "event: queued\n");
    stage_play(stage, play);
    read_to_end(&s);
    cr_assert_eq(count_of(&s, event), 1, "%s", s.text);
    cr_assert_eq(count_of(&s, "id: end\n"), 1, "%s", s.text);
    stage_close(stage);
}

Test(ingest_events, name_the_event_as_the_job_failed)
{
    expect_end(PLAY_FAIL, "event: failed\n");
}

Test(ingest_events, name_the_event_as_the_job_was_canceled)
{
    expect_end(PLAY_CANCEL, "event: canceled\n");
}

Test(ingest_events, name_the_event_as_the_job_expired)
{
    expect_end(PLAY_EXPIRE, "event: expired\n");
}

Test(ingest_events, of_what_has_ended_are_one_and_then_none)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stage_answer a;
    struct stream s;
    char line[LINE_SIZE];
    submit_job(stage, &job);
    line_of(&job, "GET", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    cr_assert(strstr(a.body, "succeeded") != NULL, "%s", a.body);
    follow(stage, &job, "Last-Event-ID: queued-3\r\n", &s);
    read_to_end(&s);
    cr_assert_eq(count_of(&s, "event: "), 1, "%s", s.text);
    cr_assert_eq(count_of(&s, "event: succeeded\n"), 1, "%s", s.text);
    line_of(&job, "GET", "/events", line);
    stage_ask(stage, line, "Last-Event-ID: end\r\n", "", &a);
    cr_assert_eq(a.code, 204, "%d %s", a.code, a.body);
    cr_assert_str_eq(a.body, "");
    stage_close(stage);
}

Test(ingest_events, of_what_is_not_known_are_none)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    stage_ask(stage, "GET /v1/jobs/018bcfe5-687b-7abc-8def-0123456789ab/events", "", "",
              &a);
    cr_assert_eq(a.code, 404, "%s", a.body);
    stage_ask(stage, "GET /v1/jobs/nonsense/events", "", "", &a);
    cr_assert_eq(a.code, 404, "%s", a.body);
    stage_close(stage);
}

Test(ingest_events, go_to_all_who_follow_a_job)
{
    enum { FOLLOWERS = 20 };
    static struct stream s[FOLLOWERS];
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    for (int i = 0; i < FOLLOWERS; i++) {
        follow(stage, &job, "", &s[i]);
        await_text(&s[i], "event: queued\n");
    }
    for (int i = 0; i < FOLLOWERS; i += 2) {
        close(s[i].connection); /* half of them lose interest */
    }
    stage_play(stage, PLAY_ANSWER);
    for (int i = 1; i < FOLLOWERS; i += 2) {
        read_to_end(&s[i]);
        cr_assert_eq(count_of(&s[i], "event: succeeded\n"), 1, "%s", s[i].text);
    }
    stage_close(stage);
}

Test(ingest_events, end_without_a_last_word_when_the_server_stops)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stream s;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    follow(stage, &job, "", &s);
    await_text(&s, "event: queued\n");
    stage_drain(stage);
    read_to_end(&s);
    cr_assert_eq(count_of(&s, "id: end\n"), 0, "%s", s.text);
    stage_close(stage);
}

Test(ingest_events, tell_the_position_again_when_it_is_known)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer jobs[2];
    struct stream s;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &jobs[0]);
    submit_job(stage, &jobs[1]);
    follow(stage, &jobs[1], "", &s);
    await_text(&s, "id: queued-1\n");
    stage_play(stage, PLAY_ANSWER);
    read_to_end(&s);
    stage_close(stage);
}

Test(ingest_events, tell_once_that_a_job_runs_and_then_how_it_ended)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stage_answer a;
    struct stream s;
    char line[LINE_SIZE];
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    stage_await_requests(stage, 1);
    follow(stage, &job, "", &s);
    await_text(&s, "event: queued\n");
    stage_say_running(stage, true);
    await_text(&s, "event: running\nid: running\ndata: {");
    await_text(&s, "\"status\":\"running\"");
    stage_say_running(stage, true); /* as batchers do every few seconds */
    line_of(&job, "GET", "?wait=1", line);
    stage_ask(stage, line, "", "", &a);
    cr_assert(strstr(a.body, "\"status\":\"running\"") != NULL, "%s", a.body);
    cr_assert(strstr(a.body, "position") == NULL, "%s", a.body);
    cr_assert(strstr(a.head, "Retry-After: 1") != NULL, "%s", a.head);
    stage_play(stage, PLAY_ANSWER); /* what was announced still stands */
    read_to_end(&s);
    cr_assert_eq(count_of(&s, "event: running\n"), 1, "%s", s.text);
    cr_assert_eq(count_of(&s, "event: succeeded\nid: end\n"), 1, "%s", s.text);
    cr_assert_eq(count_of(&s, "event: queued\n"), 1, "%s", s.text);
    line_of(&job, "GET", "", line);
    stage_ask(stage, line, "", "", &a);
    cr_assert(strstr(a.body, "\"status\":\"succeeded\"") != NULL, "%s", a.body);
    stage_close(stage);
}

Test(ingest_events, tell_that_a_job_is_queued_again_when_its_run_was_lost)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stream s;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    stage_await_requests(stage, 1);
    stage_say_running(stage, true);
    follow(stage, &job, "", &s);
    await_text(&s, "event: running\n");
    s.size = 0;
    s.text[0] = '\0';
    stage_say_running(stage, false);
    await_text(&s, "event: queued\n");
    stage_say_running(stage, true);
    await_text(&s, "event: running\n");
    stage_play(stage, PLAY_FAIL);
    read_to_end(&s);
    cr_assert_eq(count_of(&s, "event: failed\n"), 1, "%s", s.text);
    stage_close(stage);
}

Test(ingest_events, tell_who_comes_back_that_the_job_runs)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer job;
    struct stream s;
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &job);
    stage_await_requests(stage, 1);
    stage_say_running(stage, true);
    follow(stage, &job, "", &s);
    await_text(&s, "event: running\n");
    close(s.connection);
    follow(stage, &job, "Last-Event-ID: queued-1\r\n", &s);
    await_text(&s, "event: running\n");
    cr_assert_eq(count_of(&s, "event: queued\n"), 0, "%s", s.text);
    close(s.connection);
    follow(stage, &job, "Last-Event-ID: running\r\n", &s);
    await_text(&s, "event: running\n");
    stage_play(stage, PLAY_ANSWER);
    read_to_end(&s);
    cr_assert_eq(count_of(&s, "event: succeeded\n"), 1, "%s", s.text);
    stage_close(stage);
}
