/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with which key: 401, 403, and 404 for what is another tenant's. */
#include "base/digest.h"
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOB                                                                            \
    "{\"model\":\"echo\",\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],"                 \
    "\"datatype\":\"FP32\",\"data\":[3,4]}]}"
#define AS(key) "Authorization: Bearer leat_" key "_0123456789\r\n"

static char path[] = "/tmp/leat-flow-keys-XXXXXX";

static void
key_write(FILE *file, const char *id, const char *rest)
{
    char key[64];
    char hex[DIGEST_HEX];
    snprintf(key, sizeof(key), "leat_%s_0123456789", id);
    struct digest digest = digest_of(span_of_text(key));
    digest_format(&digest, hex);
    fprintf(file, "%s %.*s %s\n", id, DIGEST_HEX, hex, rest);
}

static void
setup(void)
{
    FILE *file = fdopen(mkstemp(path), "w");
    cr_assert_not_null(file);
    key_write(file, "acme", "tenant=acme scopes=infer,read");
    key_write(file, "acmeread", "tenant=acme scopes=read");
    key_write(file, "bolt", "tenant=bolt scopes=infer,read,admin");
    key_write(file, "old", "tenant=acme scopes=infer expires=2001-01-01");
    fclose(file);
}

static void
teardown(void)
{
    unlink(path);
}

TestSuite(ingest_keys, .init = setup, .fini = teardown);

static struct ingest_stage *
keyed_stage(void)
{
    const struct stage_options options = {.keys_file = path, .orders_tenant = "acme"};
    return stage_open(&options);
}

static int
ask(const struct ingest_stage *stage,
    const char *line,
    const char *headers,
    const char *body,
    struct stage_answer *a)
{
    stage_ask(stage, line, headers, body, a);
    return a->code;
}

/** "GET /v1/jobs/ID/result" of an accepted job. */
static const char *
job_line(const struct stage_answer *job, const char *method, const char *suffix)
{
    static char line[160];
    char location[80];
    stage_header(job, "Location", location, sizeof(location));
    cr_assert_neq(location[0], '\0', "%s", job->head);
    snprintf(line, sizeof(line), "%s %s%s", method, location, suffix);
    return line;
}

Test(ingest_keys, are_needed_and_whoever_lacks_one_is_told_the_same)
{
    static const char *const wrong[] = {
        AS("nobody"),
        AS("old"),
        "Authorization: Bearer leat_acme_0123456788\r\n",
        "Authorization: Basic leat_acme_0123456789\r\n",
        "X-API-Key: acme\r\n",
    };
    struct ingest_stage *stage = keyed_stage();
    struct stage_answer none;
    struct stage_answer a;
    char challenge[64];
    cr_assert_eq(ask(stage, STAGE_INFER, "", STAGE_BODY, &none), 401);
    stage_header(&none, "WWW-Authenticate", challenge, sizeof(challenge));
    cr_assert_str_eq(challenge, "Bearer realm=\"leat\"");
    cr_assert_not_null(strstr(none.body, "\"unauthorized\""), "%s", none.body);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_assert_eq(ask(stage, STAGE_INFER, wrong[i], STAGE_BODY, &a), 401, "%s",
                     wrong[i]);
        cr_assert_str_eq(a.body, none.body);
    }
    cr_assert_eq(ask(stage, "GET /v2/models?key=leat_acme_0123456789", "", "", &a),
                 401);
    cr_assert_eq(ask(stage, STAGE_INFER, AS("acme"), STAGE_BODY, &a), 200);
    cr_assert_eq(
        ask(stage, STAGE_INFER, "X-API-Key: leat_acme_0123456789\r\n", STAGE_BODY, &a),
        200);
    cr_assert_eq(ask(stage, "GET /v2/health/live", "", "", &a), 200);
    cr_assert_eq(ask(stage, "GET /v2/health/ready", "", "", &a), 200);
    cr_assert_eq(ask(stage, "GET /", "", "", &a), 200);
    cr_assert_eq(ask(stage, "GET /v1/status", "", "", &a), 401);
    cr_assert_eq(ask(stage, "GET /v1/status", AS("acme"), "", &a), 200);
    stage_close(stage);
}

Test(ingest_keys, that_lack_a_scope_are_known_and_refused)
{
    struct ingest_stage *stage = keyed_stage();
    struct stage_answer job;
    struct stage_answer a;
    cr_assert_eq(ask(stage, STAGE_INFER, AS("acmeread"), STAGE_BODY, &a), 403);
    cr_assert_not_null(strstr(a.body, "\"forbidden\""), "%s", a.body);
    cr_assert_eq(ask(stage, "POST /v1/jobs", AS("acmeread"), JOB, &a), 403);
    cr_assert_eq(ask(stage, "POST /v1/jobs", AS("acme"), JOB, &job), 202);
    cr_assert_eq(ask(stage, job_line(&job, "DELETE", ""), AS("acmeread"), "", &a), 403);
    cr_assert_eq(ask(stage, job_line(&job, "GET", "?wait=10"), AS("acmeread"), "", &a),
                 200);
    stage_close(stage);
}

Test(ingest_keys, show_nobody_anothers_job_running_or_done)
{
    struct ingest_stage *stage = keyed_stage();
    struct stage_answer job;
    struct stage_answer a;
    struct stage_answer no;
    stage_play(stage, PLAY_HOLD);
    cr_assert_eq(ask(stage, "POST /v1/jobs", AS("acme"), JOB, &job), 202);
    cr_assert_eq(ask(stage, "GET /v1/jobs/01936f0e-7b1a-7cc3-98c4-dc0c0c07398f",
                     AS("bolt"), "", &no),
                 404);
    for (int done = 0; done < 2; done++) {
        cr_assert_eq(ask(stage, job_line(&job, "GET", ""), AS("bolt"), "", &a), 404);
        cr_assert_str_eq(a.body, no.body);
        cr_assert_eq(ask(stage, job_line(&job, "GET", "?wait=1"), AS("bolt"), "", &a),
                     404);
        cr_assert_eq(ask(stage, job_line(&job, "GET", "/result"), AS("bolt"), "", &a),
                     404);
        cr_assert_eq(ask(stage, job_line(&job, "DELETE", ""), AS("bolt"), "", &a), 404);
        cr_assert_eq(ask(stage, job_line(&job, "GET", ""), "", "", &a), 401);
        stage_play(stage, PLAY_ANSWER);
        cr_assert_eq(ask(stage, job_line(&job, "GET", "?wait=10"), AS("acme"), "", &a),
                     200);
        cr_assert_not_null(strstr(a.body, "\"succeeded\""), "%s", a.body);
    }
    cr_assert_eq(stage_orders(stage), 0, "nobody may cancel another's job");
    stage_close(stage);
}

Test(ingest_keys, make_a_cancel_the_tenants_own)
{
    struct ingest_stage *stage = keyed_stage();
    struct stage_answer job;
    struct stage_answer a;
    stage_play(stage, PLAY_HOLD);
    cr_assert_eq(ask(stage, "POST /v1/jobs", AS("acme"), JOB, &job), 202);
    stage_await_requests(stage, 1);
    cr_assert_eq(ask(stage, job_line(&job, "DELETE", ""), AS("acme"), "", &a), 202);
    cr_assert_eq(ask(stage, job_line(&job, "GET", "?wait=10"), AS("acme"), "", &a),
                 200);
    cr_assert_not_null(strstr(a.body, "\"canceled\""), "%s", a.body);
    stage_close(stage);
}

Test(ingest_keys, that_are_wrong_again_and_again_are_counted_by_address)
{
    struct ingest_stage *stage = keyed_stage();
    struct stage_answer a;
    char seconds[16];
    int code = 401;
    int asked = 0;
    while (code == 401 && asked < 100) {
        code = ask(stage, STAGE_INFER, AS("nobody"), STAGE_BODY, &a);
        asked++;
    }
    cr_assert_eq(code, 429, "%d after %d", code, asked);
    stage_header(&a, "Retry-After", seconds, sizeof(seconds));
    cr_assert(atoi(seconds) > 0 && atoi(seconds) <= 60, "%s", seconds);
    cr_assert_eq(ask(stage, STAGE_INFER, AS("acme"), STAGE_BODY, &a), 200,
                 "a right key passes");
    stage_close(stage);
}
