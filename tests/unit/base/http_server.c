/* SPDX-License-Identifier: Apache-2.0 */
/* The server as its users see it: requests, answers, limits, holding and draining. */
#include "base/http_server.h"

#include "http_side.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct side side;

static void
start(void)
{
    side_init(&side);
    side.config.body_limit = 64 * 1024;
    side_start(&side);
}

static void
stop(void)
{
    side_stop(&side);
}

TestSuite(http_server, .init = start, .fini = stop, .timeout = 60);

Test(http_server, answers_with_the_body_that_the_handler_gave)
{
    struct client *client = client_open(&side);
    char head[2048];
    char body[64];
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    cr_assert_eq(client_answer(client, head, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "hello");
    client_close(&client);
}

Test(http_server, keeps_the_connection_for_the_next_request)
{
    struct client *client = client_open(&side);
    for (int i = 0; i < 3; i++) {
        client_send(client, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
        cr_assert_eq(client_code(client), 200);
    }
    cr_assert_eq(http_server_connections(side.server), 1);
    client_close(&client);
    side_await_connections(&side, 0);
}

Test(http_server, closes_after_the_answer_for_http_1_0)
{
    struct client *client = client_open(&side);
    client_send(client, "GET /plain HTTP/1.0\r\n\r\n");
    cr_assert_eq(client_code(client), 200);
    cr_assert(client_await_close(client));
    client_close(&client);
}

Test(http_server, answers_pipelined_requests_in_order)
{
    struct client *client = client_open(&side);
    char body[64];
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
                "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo"
                "POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthree"
                "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "one");
    side_await_requests(&side, 2);
    side_turn_for(&side, 20 * NS_PER_MS);
    cr_assert_eq(side.requests, 2, "a request overtook the one that is held");
    side_release(&side);
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "held");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "next");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "plain");
    client_close(&client);
}

Test(http_server, shows_path_query_and_headers_decoded)
{
    struct client *client = client_open(&side);
    char body[64];
    client_send(
        client,
        "GET /query%20here?a=1&q=x%2By HTTP/1.1\r\nHost: a\r\nX-Test: v\r\n\r\n");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "present:x+y:v");
    client_send(client, "GET /query%20here?a=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "absent::");
    client_send(client, "GET /query%20here?q HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "present::");
    client_close(&client);
}

Test(http_server, sends_no_body_to_a_head_request)
{
    struct client *client = client_open(&side);
    client_send(client, "HEAD /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    cr_assert(client_await_close(client));
    cr_assert_not_null(strstr(client->text, "Content-Length: 5\r\n"));
    cr_assert_str_eq(strstr(client->text, "\r\n\r\n"), "\r\n\r\n");
    client_close(&client);
}

Test(http_server, drops_a_header_that_would_split)
{
    struct client *client = client_open(&side);
    char head[2048];
    client_send(client, "GET /headers HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_answer(client, head, NULL, sizeof(head)), 200);
    cr_assert_not_null(strstr(head, "Content-Type: text/plain\r\n"));
    cr_assert_not_null(strstr(head, "Retry-After: 7\r\n"));
    cr_assert_null(strstr(head, "X-Split"));
    cr_assert_null(strstr(head, "X-Injected"));
    client_close(&client);
}

Test(http_server, lets_a_handler_turn_the_loop)
{
    struct client *client = client_open(&side);
    client_send(client, "GET /turn HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_server, takes_a_chunked_body)
{
    struct client *client = client_open(&side);
    char body[64];
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                "\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "abcdefg");
    client_close(&client);
}

Test(http_server, asks_for_the_body_of_a_client_that_waits)
{
    struct client *client = client_open(&side);
    char body[64];
    client_send(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                        "Expect: 100-continue\r\n\r\n");
    cr_assert_eq(client_code(client), 100);
    client_send(client, "late");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "late");
    client_close(&client);
}

/* A body of `size` bytes, declared or in chunks of 1 KiB. */
static void
send_body(struct client *client, size_t size, bool chunked)
{
    char text[1200];
    char block[1025];
    memset(block, 'x', sizeof(block));
    block[1024] = '\0';
    if (chunked) {
        client_send(client, "POST /echo HTTP/1.1\r\nHost: a\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n");
    } else {
        snprintf(text, sizeof(text),
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
        client_send(client, text);
    }
    for (size_t sent = 0; sent < size; sent += 1024) {
        snprintf(text, sizeof(text), chunked ? "400\r\n%s\r\n" : "%s", block);
        client_send(client, text);
    }
    if (chunked) {
        client_send(client, "0\r\n\r\n");
    }
}

Test(http_server, takes_a_body_of_exactly_the_limit)
{
    struct client *client = client_open(&side);
    for (int chunked = 0; chunked < 2; chunked++) {
        send_body(client, 64 * 1024, chunked == 1);
        cr_assert_eq(client_code(client), 200);
    }
    client_close(&client);
}

Test(http_server, refuses_a_body_over_the_limit_with_413)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        struct client *client = client_open(&side);
        char head[1024];
        char body[1024];
        send_body(client, 128 * 1024, chunked == 1);
        cr_assert_eq(client_answer(client, head, body, sizeof(body)), 413);
        cr_assert_not_null(strstr(head, "application/problem+json"));
        cr_assert_not_null(strstr(body, "\"status\":413"));
        client_close(&client);
    }
    cr_assert_eq(side.requests, 0);
}

Test(http_server, refuses_a_body_over_the_limit_before_it_is_sent)
{
    struct client *client = client_open(&side);
    client_send(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n"
                        "Expect: 100-continue\r\n\r\n");
    cr_assert_eq(client_code(client), 413);
    cr_assert(client_await_close(client));
    client_close(&client);
    client = client_open(&side);
    client_send(
        client,
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n");
    cr_assert_eq(client_code(client), 413);
    cr_assert(client_await_close(client));
    client_close(&client);
}

Test(http_server, refuses_a_compressed_body_with_415)
{
    struct client *client = client_open(&side);
    client_send(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
                        "Content-Length: 3\r\n\r\nabc");
    cr_assert_eq(client_code(client), 415);
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Encoding: identity\r\n"
                "Content-Length: 3\r\n\r\nabc");
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_server, refuses_a_head_over_its_limit_with_431)
{
    struct client *client = client_open(&side);
    char *head = malloc(20000);
    memset(head, 'x', 20000);
    head[19999] = '\0';
    client_send(client, "GET /plain HTTP/1.1\r\nHost: a\r\nX-Long: ");
    client_send(client, head);
    client_send(client, "\r\n\r\n");
    int code = client_code(client);
    cr_assert(code == 431 || code == 0, "%d", code);
    cr_assert(client_await_close(client));
    cr_assert_eq(side.requests, 0);
    free(head);
    client_close(&client);
}

static void
serve_busy(size_t count)
{
    struct client **clients = calloc(count, sizeof(struct client *));
    for (size_t i = 0; i < count; i++) {
        clients[i] = client_open(&side);
    }
    side_await_connections(&side, count);
    int64_t begun_ns = clock_mono_ns();
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < count; i++) {
            client_send(clients[i], "POST /next HTTP/1.1\r\nHost: a\r\n"
                                    "Content-Length: 2\r\n\r\nhi");
        }
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(client_code(clients[i]), 200);
        }
    }
    cr_assert_lt(clock_mono_ns() - begun_ns, 5 * NS_PER_S);
    for (size_t i = 0; i < count; i++) {
        client_close(&clients[i]);
    }
    side_await_connections(&side, 0);
    free(clients);
}

Test(http_server, serves_128_busy_connections_without_a_stall)
{
    serve_busy(128);
}

Test(http_server, serves_256_busy_connections_without_a_stall)
{
    serve_busy(256);
}

static bool
someone_is_gone(void *arg)
{
    (void)arg;
    return side.gone > 0;
}

Test(http_server, notices_that_the_client_of_a_held_exchange_went_away)
{
    struct client *client = client_open(&side);
    client_send(client, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    side_await_requests(&side, 1);
    side_turn_for(&side, 5 * NS_PER_MS);
    cr_assert_eq(side.gone, 0);
    client_close(&client);
    cr_assert(side_turn_until(&side, someone_is_gone, NULL));
    side_turn_for(&side, 10 * NS_PER_MS);
    cr_assert_eq(side.gone, 1);
    cr_assert_eq(http_server_active(side.server), 1);
    side_release(&side);
    side_await_connections(&side, 0);
    cr_assert_eq(http_server_active(side.server), 0);
}

Test(http_server, notices_a_client_that_left_before_its_request_was_read)
{
    struct client *client = client_open(&side);
    side_await_connections(&side, 1);
    client_send(client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    client_close(&client);
    cr_assert(side_turn_until(&side, someone_is_gone, NULL));
    side_release(&side);
    side_await_connections(&side, 0);
}

Test(http_server, says_nothing_of_a_client_that_leaves_after_its_answer)
{
    struct client *client = client_open(&side);
    client_send(client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    side_await_requests(&side, 1);
    side_release(&side);
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
    side_await_connections(&side, 0);
    cr_assert_eq(side.gone, 0);
}

Test(http_server, answers_the_held_and_closes_the_idle_when_it_drains)
{
    struct client *idle = client_open(&side);
    client_send(idle, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_code(idle), 200);
    struct client *fresh = client_open(&side);
    struct client *holding = client_open(&side);
    client_send(holding, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    side_await_requests(&side, 2);
    side_await_connections(&side, 3);
    http_server_drain(side.server);
    cr_assert(client_await_close(idle));
    cr_assert(client_await_close(fresh));
    side_await_connections(&side, 1);
    cr_assert_eq(http_server_active(side.server), 1);
    side_release(&side);
    char head[1024];
    cr_assert_eq(client_answer(holding, head, NULL, sizeof(head)), 200);
    cr_assert_not_null(strcasestr(head, "Connection: close\r\n"));
    cr_assert(client_await_close(holding));
    side_await_connections(&side, 0);
    client_close(&idle);
    client_close(&fresh);
    client_close(&holding);
}

Test(http_server, delivers_what_was_answered_right_before_the_end)
{
    struct client *client = client_open(&side);
    client_send(client, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    side_await_requests(&side, 1);
    http_server_drain(side.server);
    side_release(&side);
    http_server_destroy(&side.server);
    while (!client->closed) {
        client_poll(client);
    }
    cr_assert_eq(strncmp(client->text, "HTTP/1.1 200", 12), 0);
    client_close(&client);
}

Test(http_server, names_what_is_wrong_with_an_address)
{
    const char *bad[] = {"",       "8080",       "127.0.0.1:", "127.0.0.1:x",
                         "::1:80", "1.2.3.4.5:1"};
    struct http_server_config config = side.config;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct http_server *server = NULL;
        struct fault fault = {0};
        config.listen = bad[i];
        cr_assert_eq(
            http_server_create(&server, side.loop, &config, NULL, NULL, &fault),
            STATUS_INVALID, "%s", bad[i]);
        cr_assert_neq(fault.text[0], '\0');
    }
    struct http_server *server = NULL;
    struct fault fault = {0};
    config.listen = http_server_address(side.server);
    cr_assert_eq(http_server_create(&server, side.loop, &config, NULL, NULL, &fault),
                 STATUS_IO);
    cr_assert_not_null(strstr(fault.text, "in use"));
}

Test(http_server, listens_on_ipv6)
{
    struct http_server_config config = side.config;
    struct http_server *server = NULL;
    struct fault fault = {0};
    config.listen = "[::1]:0";
    enum status status =
        http_server_create(&server, side.loop, &config, NULL, NULL, &fault);
    if (status == STATUS_OK) { /* the machine may have no IPv6 */
        cr_assert_eq(strncmp(http_server_address(server), "[::1]:", 6), 0);
        http_server_destroy(&server);
    }
}
