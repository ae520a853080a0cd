/* SPDX-License-Identifier: Apache-2.0 */
/* Where queued jobs stand, by their documents. */
#include "base/clock.h"
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static const struct stage_options usual = {0};

#define JOB                                                                            \
    "{\"model\":\"echo\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"                 \
    "\"datatype\":\"FP32\",\"data\":[3,4]}]}"

enum { LINE_SIZE = 160 };

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

/** Asks until the document has the words; fails after a while. */
static void
await_document(const struct ingest_stage *stage,
               const struct stage_answer *job,
               const char *words)
{
    char line[LINE_SIZE];
    struct stage_answer a;
    int64_t until_ns = clock_mono_ns() + 30 * NS_PER_S;
    line_of(job, "GET", "", line);
    do {
        stage_ask(stage, line, "", "", &a);
    } while (strstr(a.body, words) == NULL && clock_mono_ns() < until_ns);
    cr_assert(strstr(a.body, words) != NULL, "%s", a.body);
}

Test(ingest_position, counts_what_was_stored_before_a_job)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer jobs[3];
    stage_play(stage, PLAY_HOLD);
    submit_job(stage, &jobs[0]);
    await_document(stage, &jobs[0], "\"position\":0");
    submit_job(stage, &jobs[1]);
    submit_job(stage, &jobs[2]);
    await_document(stage, &jobs[1], "\"position\":1");
    await_document(stage, &jobs[2], "\"position\":2");
    await_document(stage, &jobs[0], "\"position\":0");
    stage_play(stage, PLAY_ANSWER);
    char line[LINE_SIZE];
    struct stage_answer a;
    line_of(&jobs[2], "GET", "?wait=10", line);
    stage_ask(stage, line, "", "", &a);
    cr_assert(strstr(a.body, "succeeded") != NULL, "%s", a.body);
    cr_assert(strstr(a.body, "position") == NULL, "%s", a.body);
    stage_close(stage);
}
