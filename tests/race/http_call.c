/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand-over between the loop's thread and the caller's thread: calls that end at
 * once, calls under way when the caller is destroyed. For ThreadSanitizer.
 */
#include "base/http_call.h"

#include "base/clock.h"
#include "base/http_server.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 20, CALLS = 32 };

static unsigned answered;

static void
on_answer(void *arg, const struct http_answer *answer)
{
    (void)arg;
    (void)answer;
    answered++;
}

static void
on_request(void *arg, struct http_exchange *x)
{
    (void)arg;
    http_respond(x, 200, NULL, 0, NULL);
}

static void
must(enum status status)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "%s\n", status_name(status));
        exit(1);
    }
}

static void
run_round(struct loop *loop, const struct http_call *call)
{
    struct http_caller *caller = NULL;
    must(http_caller_create(&caller, loop, CALLS));
    for (int i = 0; i < CALLS / 2; i++) {
        must(http_call_start(caller, call, on_answer, NULL));
    }
    unsigned until = answered + CALLS / 2;
    while (answered < until) {
        loop_turn(loop, NS_PER_MS);
    }
    for (int i = 0; i < CALLS; i++) {
        must(http_call_start(caller, call, on_answer, NULL));
    }
    http_caller_destroy(&caller);
    if (answered != until + CALLS) {
        fprintf(stderr, "%u of %u calls ended\n", answered, until + CALLS);
        exit(1);
    }
}

int
main(void)
{
    struct loop *loop = NULL;
    struct http_server *server = NULL;
    struct http_server_config config;
    struct fault fault = {0};
    char url[128];
    http_server_defaults(&config);
    config.listen = "127.0.0.1:0";
    must(loop_create(&loop));
    must(http_server_create(&server, loop, &config, on_request, NULL, &fault));
    snprintf(url, sizeof(url), "http://%s/", http_server_address(server));
    struct http_call call = {.method = "GET",
                             .url = url,
                             .connect_timeout_ns = NS_PER_S,
                             .timeout_ns = 10 * NS_PER_S,
                             .answer_limit = 1024,
                             .allow_private = true};
    for (int i = 0; i < ROUNDS; i++) {
        run_round(loop, &call);
    }
    http_server_destroy(&server);
    loop_destroy(&loop);
    return 0;
}
