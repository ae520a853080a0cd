/* SPDX-License-Identifier: Apache-2.0 */
/* Calls against our own server on the same loop, and against sockets that misbehave. */
#include "base/http_call.h"

#include "base/clock.h"
#include "base/http_server.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS (30 * NS_PER_S)

static struct loop *loop;
static struct http_server *server;
static struct http_caller *caller;
static struct http_exchange *held;
static unsigned served;

static void
respond(struct http_exchange *x,
        int code,
        const struct http_header *headers,
        size_t size)
{
    struct buf body;
    buf_init(&body, size + 1);
    for (size_t i = 0; i < size; i++) {
        buf_append_byte(&body, 'b');
    }
    http_respond(x, code, headers, headers == NULL ? 0 : 1, &body);
    buf_fini(&body);
}

/* "path length content-type x-test" of the request, to see what was really sent. */
static void
respond_seen(struct http_exchange *x)
{
    struct span type = http_header(x, "content-type");
    struct span test = http_header(x, "x-test");
    struct span expect = http_header(x, "expect");
    struct buf body;
    buf_init(&body, 4096);
    buf_append_format(&body, "%d %zu type=%.*s test=%.*s expect=%zu", http_method(x),
                      http_body(x).size, (int)type.size, (const char *)type.data,
                      (int)test.size, (const char *)test.data, expect.size);
    http_respond(x, 200, NULL, 0, &body);
    buf_fini(&body);
}

static void
on_request(void *arg, struct http_exchange *x)
{
    struct span path = http_path(x);
    struct http_header redirect = {"Location", "/seen"};
    struct http_header later = {"Retry-After", "120"};
    struct http_header past = {"Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"};
    char date[64];
    time_t then = time(NULL) + 100;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
    struct http_header dated = {"Retry-After", date};
    (void)arg;
    served++;
    if (span_is_text(path, "/redirect")) {
        respond(x, 307, &redirect, 0);
    } else if (span_is_text(path, "/later")) {
        respond(x, 503, &later, 0);
    } else if (span_is_text(path, "/past")) {
        respond(x, 429, &past, 0);
    } else if (span_is_text(path, "/dated")) {
        respond(x, 429, &dated, 0);
    } else if (span_is_text(path, "/large")) {
        respond(x, 200, NULL, 100 * 1024);
    } else if (span_is_text(path, "/hold")) {
        held = x;
    } else {
        respond_seen(x);
    }
}

static void
start(void)
{
    struct http_server_config config;
    struct fault fault = {0};
    http_server_defaults(&config);
    config.listen = "127.0.0.1:0";
    config.body_limit = 4 * 1024 * 1024;
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    cr_assert_eq(http_server_create(&server, loop, &config, on_request, NULL, &fault),
                 STATUS_OK, "%s", fault.text);
    cr_assert_eq(http_caller_create(&caller, loop, 4), STATUS_OK);
}

static void
stop(void)
{
    http_caller_destroy(&caller);
    if (held != NULL) {
        http_respond(held, 200, NULL, 0, NULL);
    }
    http_server_destroy(&server);
    loop_destroy(&loop);
}

TestSuite(http_call, .init = start, .fini = stop, .timeout = 60);

/* What came back, copied because it is valid in the callback only. */
struct outcome {
    struct http_answer answer;
    char body[1024];
    unsigned times;
};

static void
on_answer(void *arg, const struct http_answer *answer)
{
    struct outcome *outcome = arg;
    outcome->answer = *answer;
    outcome->times++;
    snprintf(outcome->body, sizeof(outcome->body), "%.*s", (int)answer->body.size,
             (const char *)answer->body.data);
}

static struct http_call
call_to(const char *path, char url[static 128])
{
    snprintf(url, 128, "http://%s%s", http_server_address(server), path);
    return (struct http_call){.method = "GET",
                              .url = url,
                              .connect_timeout_ns = 2 * NS_PER_S,
                              .timeout_ns = 5 * NS_PER_S,
                              .answer_limit = 4096,
                              .allow_private = true};
}

static void
turn_until_answered(struct outcome *outcome)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (outcome->times == 0 && clock_mono_ns() < end_ns) {
        loop_turn(loop, 10 * NS_PER_MS);
    }
    cr_assert_eq(outcome->times, 1);
}

static struct outcome
run(const struct http_call *call)
{
    struct outcome outcome = {0};
    cr_assert_eq(http_call_start(caller, call, on_answer, &outcome), STATUS_OK);
    turn_until_answered(&outcome);
    return outcome;
}

Test(http_call, brings_code_and_body_of_the_answer)
{
    char url[128];
    struct http_call call = call_to("/seen", url);
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.status, STATUS_OK);
    cr_assert_eq(got.answer.code, 200);
    cr_assert_eq(got.answer.retry_after_s, -1);
    cr_assert_str_eq(got.body, "0 0 type= test= expect=0");
}

Test(http_call, sends_method_headers_and_body_as_given)
{
    char url[128];
    static char large[2 * 1024 * 1024];
    struct http_header headers[] = {
        {"Content-Type", "application/json"},
        {"X-Bad", "a\r\nX-Test: smuggled"},
        {"X-Test", "fine"},
    };
    struct http_call call = call_to("/seen", url);
    call.method = "POST";
    call.headers = headers;
    call.header_count = 3;
    call.body = span_of(large, sizeof(large));
    struct outcome got = run(&call);
    cr_assert_str_eq(got.body, "2 2097152 type=application/json test=fine expect=0");
    call.header_count = 0;
    call.body = span_of(NULL, 0);
    got = run(&call);
    cr_assert_str_eq(got.body, "2 0 type= test= expect=0");
    call.method = "DELETE";
    got = run(&call);
    cr_assert_str_eq(got.body, "4 0 type= test= expect=0");
    call.method = "HEAD";
    got = run(&call);
    cr_assert_eq(got.answer.code, 200);
}

Test(http_call, follows_no_redirect)
{
    char url[128];
    struct http_call call = call_to("/redirect", url);
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.status, STATUS_OK);
    cr_assert_eq(got.answer.code, 307);
    cr_assert_eq(served, 1);
}

Test(http_call, reads_retry_after_in_seconds_and_as_a_date)
{
    char url[128];
    struct http_call call = call_to("/later", url);
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.code, 503);
    cr_assert_eq(got.answer.retry_after_s, 120);
    call = call_to("/dated", url);
    got = run(&call);
    cr_assert_geq(got.answer.retry_after_s, 95);
    cr_assert_leq(got.answer.retry_after_s, 100);
    call = call_to("/past", url);
    got = run(&call);
    cr_assert_eq(got.answer.retry_after_s, 0);
}

Test(http_call, fails_when_the_answer_is_too_large)
{
    char url[128];
    struct http_call call = call_to("/large", url);
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.status, STATUS_TOO_LARGE);
    cr_assert_eq(got.answer.code, 200, "its head was in time");
    cr_assert_eq(got.answer.body.size, 0);
}

Test(http_call, ends_at_its_timeout)
{
    char url[128];
    struct http_call call = call_to("/hold", url);
    call.timeout_ns = 150 * NS_PER_MS;
    int64_t begun_ns = clock_mono_ns();
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.status, STATUS_TIMEOUT);
    cr_assert_lt(clock_mono_ns() - begun_ns, 3 * NS_PER_S);
}

/* A port of 127.0.0.1 with a listening socket, or none. */
static int
loopback_socket(bool listening, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    if (listening) {
        cr_assert_eq(listen(fd, 4), 0);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

Test(http_call, reports_a_refused_connection_as_unavailable)
{
    char url[128];
    int port = 0;
    struct http_call call = call_to("/", url);
    int fd = loopback_socket(false, &port);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.status, STATUS_UNAVAILABLE);
    close(fd);
}

static void *
answer_nonsense(void *arg)
{
    static const char text[] = "220 smtp.example.org ESMTP\r\n";
    int fd = accept(*(int *)arg, NULL, NULL);
    ssize_t n = send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL);
    (void)n;
    shutdown(fd, SHUT_WR);
    char sink[1024];
    while (recv(fd, sink, sizeof(sink), 0) > 0) {
    }
    close(fd);
    return NULL;
}

Test(http_call, reports_a_peer_that_speaks_no_http_as_unavailable)
{
    char url[128];
    int port = 0;
    struct http_call call = call_to("/", url);
    int fd = loopback_socket(true, &port);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, answer_nonsense, &fd), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    struct outcome got = run(&call);
    cr_assert_eq(got.answer.status, STATUS_UNAVAILABLE);
    pthread_join(thread, NULL);
    close(fd);
}

Test(http_call, never_connects_to_a_private_address_unless_allowed)
{
    static const char *const hosts[] = {
        "127.0.0.1",       "2130706433",         "0x7f.1", "127.1",    "0",
        "localhost",       "[::ffff:127.0.0.1]", "[::1]",  "10.0.0.1", "[fe80::1]",
        "169.254.169.254", "[64:ff9b::7f00:1]",
    };
    const char *port = strrchr(http_server_address(server), ':') + 1;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        char url[128];
        struct http_call call = call_to("/seen", url);
        call.allow_private = false;
        snprintf(url, sizeof(url), "http://%s:%s/seen", hosts[i], port);
        struct outcome got = run(&call);
        cr_expect_eq(got.answer.status, STATUS_UNSUPPORTED, "%s: %s", url,
                     status_name(got.answer.status));
    }
    cr_assert_eq(served, 0);
}

Test(http_call, goes_only_to_hosts_and_ports_that_are_listed)
{
    const char *port = strrchr(http_server_address(server), ':') + 1;
    char other[64];
    snprintf(other, sizeof(other), "80, %s", port);
    const struct {
        const char *host;
        const char *hosts;
        const char *ports;
        bool goes;
    } rows[] = {
        {"127.0.0.1", "", "", true},
        {"127.0.0.1", "127.0.0.1", port, true},
        {"127.0.0.1", "a.example,127.0.0.1", other, true},
        {"LocalHost.", "localhost", NULL, true},
        {"127.0.0.1", "a.example", NULL, false},
        {"localhost", "ocalhost", NULL, false},
        {"localhost", ".localhost", NULL, false},
        {"a.localhost", ".localhost", NULL, true},
        {"127.0.0.1", NULL, "80,443", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[128];
        struct http_call call = call_to("/seen", url);
        call.hosts = rows[i].hosts;
        call.ports = rows[i].ports;
        snprintf(url, sizeof(url), "http://%s:%s/seen", rows[i].host, port);
        enum status status = run(&call).answer.status;
        cr_expect_eq(status == STATUS_UNSUPPORTED, !rows[i].goes, "%s: %s", url,
                     status_name(status));
    }
}

Test(http_call, knows_lists_of_ports_from_other_texts)
{
    cr_assert(http_ports_are_valid(""));
    cr_assert(http_ports_are_valid("80"));
    cr_assert(http_ports_are_valid("80, 443,8443,"));
    static const char *const wrong[] = {"0",   "65536", "-1",     "+80",
                                        "80x", "http",  "80;443", "999999999"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_assert_not(http_ports_are_valid(wrong[i]), "%s", wrong[i]);
    }
}

Test(http_call, refuses_to_reuse_a_connection_that_another_call_was_allowed)
{
    char url[128];
    struct http_call call = call_to("/seen", url);
    cr_assert_eq(run(&call).answer.code, 200);
    call.allow_private = false;
    cr_assert_eq(run(&call).answer.status, STATUS_UNSUPPORTED);
    cr_assert_eq(served, 1);
}

Test(http_call, ignores_the_proxy_of_the_environment)
{
    char url[128];
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    struct http_call call = call_to("/seen", url);
    cr_assert_eq(run(&call).answer.code, 200);
}

static const char *const bad_urls[] = {
    "",
    "x",
    "file:///etc/passwd",
    "gopher://example.org/",
    "ftp://example.org/",
    "http://",
    "http://user:secret@example.org/",
    "http://example.org/#fragment",
    "http://example.org/a b",
    "http://example.org/\r\nX: y",
    "http://example.org:99999/",
    "//example.org/",
};

Test(http_call, refuses_a_bad_url)
{
    for (size_t i = 0; i < sizeof(bad_urls) / sizeof(bad_urls[0]); i++) {
        char url[128];
        struct http_call call = call_to("/", url);
        call.url = bad_urls[i];
        cr_expect_eq(http_url_check(bad_urls[i]), STATUS_INVALID, "%s", bad_urls[i]);
        cr_expect_eq(run(&call).answer.status, STATUS_INVALID, "%s", bad_urls[i]);
    }
    cr_assert_eq(http_url_check("https://example.org:8443/hook?a=b"), STATUS_OK);
    cr_assert_eq(http_url_check("http://[2001:db8::1]/"), STATUS_OK);
}

Test(http_call, takes_no_more_than_its_parallel_calls)
{
    char url[128];
    struct outcome outcomes[4] = {0};
    struct http_call call = call_to("/seen", url);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(http_call_start(caller, &call, on_answer, &outcomes[i]),
                     STATUS_OK);
    }
    cr_assert_eq(http_call_start(caller, &call, on_answer, &outcomes[0]), STATUS_FULL);
    for (size_t i = 0; i < 4; i++) {
        turn_until_answered(&outcomes[i]);
        cr_assert_eq(outcomes[i].answer.code, 200);
    }
    cr_assert_eq(run(&call).answer.code, 200);
}

Test(http_call, ends_what_is_under_way_with_closed_when_destroyed)
{
    char url[128];
    struct outcome outcomes[2] = {0};
    struct http_call call = call_to("/hold", url);
    cr_assert_eq(http_call_start(caller, &call, on_answer, &outcomes[0]), STATUS_OK);
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (held == NULL && clock_mono_ns() < end_ns) {
        loop_turn(loop, 10 * NS_PER_MS);
    }
    cr_assert_eq(http_call_start(caller, &call, on_answer, &outcomes[1]), STATUS_OK);
    http_caller_destroy(&caller);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(outcomes[i].times, 1);
        cr_assert_eq(outcomes[i].answer.status, STATUS_CLOSED);
    }
    cr_assert_null(caller);
}

/* The server's side of a call that waits in the test's thread. */
static void *
serve(void *arg)
{
    (void)arg;
    loop_run(loop);
    return NULL;
}

Test(http_call, waits_in_the_calling_thread)
{
    char url[128];
    struct buf body;
    struct http_answer answer;
    pthread_t thread;
    struct http_call call = call_to("/seen", url);
    buf_init(&body, 4096);
    cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    http_call_wait(&call, &body, &answer);
    cr_assert_eq(answer.status, STATUS_OK);
    cr_assert_eq(answer.code, 200);
    cr_assert(span_is_text(answer.body, "0 0 type= test= expect=0"));
    buf_fini(&body);
    call.url = "nonsense";
    http_call_wait(&call, &body, &answer);
    cr_assert_eq(answer.status, STATUS_INVALID);
    loop_stop(loop);
    pthread_join(thread, NULL);
}
