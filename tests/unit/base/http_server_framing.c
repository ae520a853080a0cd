/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads that two parsers could read differently. Each is refused with 400 and a close,
 * and what follows it is never taken for a request. (Those that libmicrohttpd 0.9.75
 * finds by itself it refuses with its own page, whose head it sends twice.)
 */
#include "base/http_server.h"
#include "http_side.h"

#include <criterion/criterion.h>

#include <string.h>

#define SMUGGLED "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

static struct side side;

static void
start(void)
{
    side_init(&side);
    side_start(&side);
}

static void
stop(void)
{
    side_stop(&side);
}

TestSuite(http_framing, .init = start, .fini = stop, .timeout = 60);

static const char *const ambiguous[] = {
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: "
    "38\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: "
    "3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3 3\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
    "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    "Content-Length: 3\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, "
    "chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc",
    "GET /echo HTTP/1.1\r\nHost: a\r\nX Y: 3\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\nX: y\r\n folded: z\r\nA: b\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 36\r\nA: b\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\nX: y\nContent-Length: 36\r\nA: b\r\n\r\n",
    "GET /echo HTTP/1.1\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET /echo%00/hidden HTTP/1.1\r\nHost: a\r\n\r\n",
};

Test(http_framing, refuses_an_ambiguous_head_and_closes)
{
    for (size_t i = 0; i < sizeof(ambiguous) / sizeof(ambiguous[0]); i++) {
        struct client *client = client_open(&side);
        client_send(client, ambiguous[i]);
        client_send(client, SMUGGLED);
        cr_expect_eq(client_code(client), 400, "%zu: %s", i, ambiguous[i]);
        cr_expect(client_await_close(client), "left open: %s", ambiguous[i]);
        cr_expect_null(strstr(client->text, " 200 "), "answered twice: %s",
                       ambiguous[i]);
        client_close(&client);
    }
    cr_assert_eq(side.requests, 0);
}

Test(http_framing, says_in_a_problem_document_what_is_wrong)
{
    struct client *client = client_open(&side);
    char head[1024];
    char body[1024];
    client_send(client, ambiguous[0]);
    cr_assert_eq(client_answer(client, head, body, sizeof(body)), 400);
    cr_assert_not_null(strstr(head, "Content-Type: application/problem+json\r\n"));
    cr_assert_str_eq(body, "{\"type\":\"about:blank\",\"title\":\"Bad Request\","
                           "\"status\":400,"
                           "\"detail\":\"Content-Length must be one decimal number\","
                           "\"error\":\"Content-Length must be one decimal number\"}");
    client_close(&client);
}

static const char *const sound[] = {
    "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /plain HTTP/1.1\r\nhost:a\r\nX-Empty:\r\nX-Space:   y\r\n\r\n",
    "GET /plain HTTP/1.1\r\nHost: a\r\nX: y  \r\nA: b\r\n\r\n",
    "GET /plain HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=d\r\nA: b\r\n\r\n",
    ("POST /plain HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\nA: b\r\n\r\n"
     "2;ext=1\r\nhi\r\n0\r\nX-Trailer: y\r\n\r\n"),
    "POST /plain HTTP/1.1\r\nContent-Length: 002\r\nHost: a\r\n\r\nhi",
    "\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n",
    "PATCH /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
};

Test(http_framing, takes_what_is_unusual_but_sound)
{
    struct client *client = client_open(&side);
    for (size_t i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
        client_send(client, sound[i]);
        cr_expect_eq(client_code(client), 200, "%s", sound[i]);
    }
    client_close(&client);
}
