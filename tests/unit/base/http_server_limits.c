/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of slow clients and the number of connections. */
#include "base/http_server.h"
#include "http_side.h"

#include <criterion/criterion.h>

#include <string.h>

static struct side side;

static void
start(void)
{
    side_init(&side);
    side.config.connections_max = 4;
    side.config.head_timeout_ns = 200 * NS_PER_MS;
    side.config.body_timeout_ns = 300 * NS_PER_MS;
    side.config.idle_timeout_ns = 400 * NS_PER_MS;
    side_start(&side);
}

static void
stop(void)
{
    side_stop(&side);
}

TestSuite(http_limits, .init = start, .fini = stop, .timeout = 60);

/* Sends a byte every few turns, the last one for ever, until the server closes; the
 * time that took. */
static int64_t
drip(struct client *client, const char *text)
{
    int64_t begun_ns = clock_mono_ns();
    while (!client->closed && clock_mono_ns() - begun_ns < SIDE_PATIENCE_NS) {
        if (*text != '\0') {
            client_send_bytes(client, text, 1);
            text += text[1] != '\0';
        }
        side_turn_for(&side, 20 * NS_PER_MS);
        client_poll(client);
    }
    return clock_mono_ns() - begun_ns;
}

/* The server's shutdown is seen on the turn after the deadline; a busy machine adds. */
static void
assert_about(int64_t took_ns, int64_t deadline_ns)
{
    cr_assert_geq(took_ns, deadline_ns - 50 * NS_PER_MS);
    cr_assert_leq(took_ns, deadline_ns + SIDE_BUSY_NS);
}

Test(http_limits, closes_on_a_head_that_drips)
{
    struct client *client = client_open(&side);
    int64_t took_ns =
        drip(client, "GET /plain HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyy"
                     "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy");
    /* The request line re-arms it, the fields do not. */
    assert_about(took_ns, side.config.head_timeout_ns);
    cr_assert_eq(side.requests, 0);
    client_close(&client);
    side_await_connections(&side, 0);
}

Test(http_limits, closes_on_a_body_that_drips)
{
    struct client *client = client_open(&side);
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    int64_t took_ns = drip(client, "y");
    assert_about(took_ns, side.config.body_timeout_ns);
    cr_assert_eq(side.requests, 0);
    client_close(&client);
    side_await_connections(&side, 0);
}

Test(http_limits, closes_a_connection_without_a_request)
{
    struct client *client = client_open(&side);
    assert_about(drip(client, ""), side.config.head_timeout_ns);
    client_close(&client);
}

Test(http_limits, closes_an_idle_connection)
{
    struct client *client = client_open(&side);
    client_send(client, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_code(client), 200);
    assert_about(drip(client, ""), side.config.idle_timeout_ns);
    client_close(&client);
}

Test(http_limits, never_closes_a_held_exchange)
{
    struct client *client = client_open(&side);
    client_send(client,
                "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    side_await_requests(&side, 1);
    side_turn_for(&side, 1500 * NS_PER_MS);
    side_release(&side);
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_limits, keeps_no_socket_of_a_client_that_left_in_the_middle)
{
    static const char *const begun[] = {
        "GET /pl",
        "GET /plain HTTP/1.1\r\nHost:",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
    };
    for (size_t i = 0; i < 3; i++) {
        struct client *client = client_open(&side);
        client_send(client, begun[i]);
        client_close(&client);
    }
    side_turn_for(&side, 10 * NS_PER_MS);
    side_await_connections(&side, 0);
    cr_assert_eq(side.requests, 0);
}

Test(http_limits, refuses_a_connection_over_the_limit_with_503)
{
    struct client *clients[4];
    for (int i = 0; i < 4; i++) {
        clients[i] = client_open(&side);
        client_send(clients[i], "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    side_await_requests(&side, 4);
    struct client *over = client_open(&side);
    char head[1024];
    client_send(over, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_answer(over, head, NULL, sizeof(head)), 503);
    cr_assert_not_null(strstr(head, "Retry-After: 1\r\n"));
    cr_assert(client_await_close(over));
    client_close(&over);
    side_release(&side);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(client_code(clients[i]), 200);
        client_close(&clients[i]);
    }
    side_await_connections(&side, 0);
    over = client_open(&side);
    client_send(over, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_code(over), 200);
    client_close(&over);
}
