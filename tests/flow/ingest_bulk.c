/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk batches over HTTP, their lines answered by a played batcher. */
#include "base/clock.h"
#include "base/uuid.h"
#include "tests/flow/ingest_stage.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct stage_options usual = {0};

#define POST     "POST /v1/batches?model=echo"
#define LINE(id) "{\"id\":\"" id "\"," INPUT "}\n"
#define INPUT                                                                          \
    "\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[1.5," \
    "-2]}]"

/* "GET <Location><suffix>" */
static void
line_of(const struct stage_answer *a,
        const char *method,
        const char *suffix,
        char *line)
{
    char location[80];
    stage_header(a, "Location", location, sizeof(location));
    cr_assert_eq(strncmp(location, "/v1/batches/", 12), 0, "%s", a->head);
    snprintf(line, 160, "%s %s%s", method, location, suffix);
}

/* Asks until the answer holds the words. */
static void
await(struct ingest_stage *stage,
      const char *line,
      const char *words,
      struct stage_answer *a)
{
    int64_t end_ns = clock_mono_ns() + 10 * NS_PER_S;
    do {
        stage_ask(stage, line, "", "", a);
        cr_assert_lt(clock_mono_ns(), end_ns, "%s: no %s in %s", line, words, a->body);
    } while (strstr(a->body, words) == NULL);
}

static void
assert_has(const struct stage_answer *a, const char *words)
{
    cr_assert(strstr(a->body, words) != NULL, "no %s in %d %s", words, a->code,
              a->body);
}

Test(bulk_flow, stores_every_line_counts_them_and_gives_results_in_order)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    char get[160];
    char read[160];
    stage_ask(stage, POST, "", LINE("a") LINE("b") LINE("c"), &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    assert_has(&a, "\"uploaded\":true");
    assert_has(&a, "\"total\":3");
    line_of(&a, "GET", "", get);
    line_of(&a, "GET", "/results?from=2", read);
    await(stage, get, "\"done\":true", &a);
    assert_has(&a, "\"queued\":0,\"succeeded\":3,\"failed\":0");
    stage_ask(stage, read, "", "", &a);
    cr_assert_eq(a.code, 200, "%s", a.body);
    const char *second = strstr(a.body, "{\"line\":2,\"id\":\"b\"");
    const char *third = strstr(a.body, "{\"line\":3,\"id\":\"c\"");
    cr_assert(second != NULL && third != NULL && second < third, "%s", a.body);
    cr_assert(strstr(a.body, "\"line\":1") == NULL, "%s", a.body);
    assert_has(&a, "[1.5,-2");
    stage_close(stage);
}

Test(bulk_flow, tells_what_is_wrong_with_a_line_and_goes_on_behind_it)
{
    const struct stage_options small = {.body_bytes_max = 2048};
    struct ingest_stage *stage = stage_open(&small);
    struct stage_answer a;
    char get[160];
    char body[8192];
    snprintf(body, sizeof(body),
             "nonsense\n{\"model\":\"nobody\"," INPUT "}\n%04000d\n%s", 7,
             LINE("good"));
    stage_ask(stage, POST, "", body, &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    line_of(&a, "GET", "", get);
    await(stage, get, "\"done\":true", &a);
    assert_has(&a, "\"succeeded\":1,\"failed\":3");
    strcat(get, "/results");
    stage_ask(stage, get, "", "", &a);
    assert_has(&a, "{\"line\":1,");
    assert_has(&a, "model nobody is not known");
    assert_has(&a, "the line has over 2048 bytes");
    assert_has(&a, "{\"line\":4,\"id\":\"good\"");
    stage_close(stage);
}

Test(bulk_flow, ends_results_before_the_first_line_without_an_answer)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    char get[160];
    char read[160];
    stage_play(stage, PLAY_HOLD);
    stage_ask(stage, POST, "", "wrong\n" LINE("held") "wrong\n", &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    line_of(&a, "GET", "", get);
    line_of(&a, "GET", "/results", read);
    await(stage, get, "\"failed\":2", &a);
    assert_has(&a, "\"done\":false");
    assert_has(&a, "\"queued\":1");
    stage_ask(stage, read, "", "", &a);
    assert_has(&a, "\"line\":1");
    cr_assert(strstr(a.body, "\"line\":3") == NULL, "%s", a.body);
    strcat(read, "?order=completed");
    stage_ask(stage, read, "", "", &a);
    assert_has(&a, "\"line\":1");
    assert_has(&a, "\"line\":3");
    stage_play(stage, PLAY_ANSWER);
    await(stage, get, "\"done\":true", &a);
    stage_ask(stage, read, "", "", &a);
    cr_assert_gt(strstr(a.body, "\"line\":2"), strstr(a.body, "\"line\":3"));
    stage_close(stage);
}

#define NAME "01936f0e-7b1a-7cc3-98c4-dc0c0c07398f"

/* Begins a chunked body and goes in the middle of a line. */
static void
cut_upload(struct ingest_stage *stage, const char *line, const char *body)
{
    char request[2048];
    const char *address = stage_address(stage);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    int size = snprintf(request, sizeof(request),
                        "%s HTTP/1.1\r\nHost: leat\r\nTransfer-Encoding: chunked\r\n"
                        "\r\n%zx\r\n%s\r\n",
                        line, strlen(body), body);
    cr_assert_eq(send(fd, request, (size_t)size, MSG_NOSIGNAL), size);
    stage_await_requests(stage, 2); /* both whole lines are in Kafka */
    close(fd);
}

/* Until the upload that broke off is over, too. */
static void
await_code(struct ingest_stage *stage,
           const char *line,
           int code,
           struct stage_answer *a)
{
    int64_t end_ns = clock_mono_ns() + 10 * NS_PER_S;
    do {
        stage_ask(stage, line, "", "", a);
        cr_assert_lt(clock_mono_ns(), end_ns, "%d %s", a->code, a->body);
    } while (a->code != code || strstr(a->body, "being uploaded") != NULL);
}

Test(bulk_flow, goes_on_where_an_upload_broke_off)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    char line[160];
    char get[160];
    snprintf(line, sizeof(line), POST "&id=%s", NAME);
    snprintf(get, sizeof(get), "GET /v1/batches/%s", NAME);
    cut_upload(stage, line, LINE("a") LINE("b") "{\"id\":\"half");
    await(stage, get, "\"total\":2", &a);
    assert_has(&a, "\"uploaded\":false");
    strcat(line, "&from=4");
    await_code(stage, line, 409, &a);
    assert_has(&a, "only 2 lines are stored");
    line[strlen(line) - 1] = '3';
    stage_ask(stage, line, "", LINE("c") LINE("d"), &a);
    cr_assert_eq(a.code, 202, "%s", a.body);
    assert_has(&a, "\"total\":4");
    stage_ask(stage, line, "", LINE("c"), &a);
    cr_assert_eq(a.code, 409, "%s", a.body);
    assert_has(&a, "complete already");
    stage_ask(stage, POST "&from=3", "", LINE("c"), &a);
    cr_assert_eq(a.code, 400, "%s", a.body);
    await(stage, get, "\"done\":true", &a);
    stage_close(stage);
}

Test(bulk_flow, knows_no_batch_that_is_none)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    static const char *const lines[] = {
        "GET /v1/batches/01936f0e-7b1a-7cc3-98c4-dc0c0c07398f",
        "GET /v1/batches/01936f0e-7b1a-7cc3-98c4-dc0c0c07398f/results",
        "DELETE /v1/batches/01936f0e-7b1a-7cc3-98c4-dc0c0c07398f",
        "GET /v1/batches/none",
        "POST /v1/batches?model=nobody",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        stage_ask(stage, lines[i], "", "", &a);
        cr_assert_eq(a.code, 404, "%s: %s", lines[i], a.body);
    }
    stage_close(stage);
}

Test(bulk_flow, takes_no_upload_while_kafka_is_away_or_when_it_stops)
{
    struct ingest_stage *stage = stage_open(&usual);
    struct stage_answer a;
    stage_broker(stage, false);
    int64_t end_ns = clock_mono_ns() + 10 * NS_PER_S;
    do {
        stage_ask(stage, STAGE_INFER, "", STAGE_BODY, &a);
        cr_assert_lt(clock_mono_ns(), end_ns);
    } while (strstr(a.body, "cannot be reached") == NULL);
    stage_ask(stage, POST, "", LINE("a"), &a);
    cr_assert_eq(a.code, 503, "%s", a.body);
    stage_broker(stage, true);
    stage_close(stage);
}
