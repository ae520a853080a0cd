/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies of any length, taken in pieces; and answers before their end. */
#include "base/http_server_body.h"

#include "http_side.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LIMIT = 16 * 1024, LONG = 4 * 1024 * 1024, BLOCK = 16 * 1024 };

static struct side side;
static struct http_exchange *taken; /* the last body begun */
static size_t begun;
static size_t bytes;
static uint32_t sum;
static size_t complete;
static size_t broken;
static bool pausing;       /* after each piece */
static size_t early_after; /* bytes after which it answers; 0 = never */

static bool
on_piece(void *arg, struct http_exchange *x, struct span piece)
{
    (void)arg;
    cr_assert_gt(piece.size, 0);
    for (size_t i = 0; i < piece.size; i++) {
        sum = sum * 31 + piece.data[i];
    }
    bytes += piece.size;
    if (early_after > 0 && bytes >= early_after) {
        http_respond(x, 409, NULL, 0, NULL);
    }
    return !pausing;
}

static void
on_complete(void *arg, struct http_exchange *x)
{
    (void)arg;
    complete++;
    http_respond(x, 200, NULL, 0, NULL);
}

static void
on_broken(void *arg, struct http_exchange *x)
{
    (void)arg;
    (void)x;
    broken++;
}

static const struct http_body_events events = {
    .piece = on_piece, .complete = on_complete, .broken = on_broken};

static void
on_head(void *arg, struct http_exchange *x)
{
    (void)arg;
    if (span_is_text(http_path(x), "/bulk")) {
        taken = x;
        begun++;
        http_stream_body(x, &events, NULL);
    } else if (span_is_text(http_path(x), "/forbidden")) {
        http_respond(x, 401, NULL, 0, NULL);
    }
}

static void
start(void)
{
    side_init(&side);
    side.config.head_fn = on_head;
    side.config.body_limit = LIMIT;
    side.config.body_timeout_ns = 300 * NS_PER_MS;
    side_start(&side);
}

static void
stop(void)
{
    side_stop(&side);
}

TestSuite(http_body, .init = start, .fini = stop, .timeout = 60);

static char
pattern(size_t i)
{
    return (char)('a' + i % 23);
}

static uint32_t
sum_of(size_t size)
{
    uint32_t expected = 0;
    for (size_t i = 0; i < size; i++) {
        expected = expected * 31 + (uint8_t)pattern(i);
    }
    return expected;
}

static void
send_head(struct client *client, size_t size, const char *more)
{
    char head[256];
    if (size > 0) {
        snprintf(head, sizeof(head),
                 "POST /bulk HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n",
                 more, size);
    } else {
        snprintf(head, sizeof(head),
                 "POST /bulk HTTP/1.1\r\nHost: a\r\n%sTransfer-Encoding: chunked"
                 "\r\n\r\n",
                 more);
    }
    client_send(client, head);
}

static void
send_bytes(struct client *client, size_t from, size_t to, bool chunked)
{
    char block[BLOCK];
    while (from < to) {
        char size_line[16];
        size_t size = to - from < BLOCK ? to - from : BLOCK;
        for (size_t i = 0; i < size; i++) {
            block[i] = pattern(from + i);
        }
        if (chunked) {
            snprintf(size_line, sizeof(size_line), "%zx\r\n", size);
            client_send(client, size_line);
        }
        client_send_bytes(client, block, size);
        if (chunked) {
            client_send(client, "\r\n");
        }
        from += size;
    }
}

static bool
body_began(void *arg)
{
    (void)arg;
    return begun > 0;
}

static bool
is_broken(void *arg)
{
    (void)arg;
    return broken > 0;
}

Test(http_body, comes_in_pieces_beyond_the_limit)
{
    struct client *client = client_open(&side);
    send_head(client, LONG, "");
    send_bytes(client, 0, LONG, false);
    cr_assert_eq(client_code(client), 200);
    cr_assert_eq(bytes, LONG);
    cr_assert_eq(sum, sum_of(LONG));
    cr_assert_eq(complete, 1);
    cr_assert_eq(broken, 0);
    cr_assert_eq(side.requests, 0, "the handler was called as well");
    client_close(&client);
}

Test(http_body, comes_in_pieces_when_it_is_chunked)
{
    struct client *client = client_open(&side);
    send_head(client, 0, "");
    send_bytes(client, 0, LONG, true);
    client_send(client, "0\r\n\r\n");
    cr_assert_eq(client_code(client), 200);
    cr_assert_eq(bytes, LONG);
    cr_assert_eq(sum, sum_of(LONG));
    client_close(&client);
}

Test(http_body, may_be_empty)
{
    struct client *client = client_open(&side);
    client_send(client, "POST /bulk HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    cr_assert_eq(client_code(client), 200);
    cr_assert_eq(bytes, 0);
    cr_assert_eq(complete, 1);
    client_close(&client);
}

Test(http_body, is_asked_for_when_the_client_waits)
{
    struct client *client = client_open(&side);
    send_head(client, 4, "Expect: 100-continue\r\n");
    cr_assert_eq(client_code(client), 100);
    send_bytes(client, 0, 4, false);
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_body, leaves_other_requests_as_they_are)
{
    struct client *client = client_open(&side);
    char body[64];
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                "POST /bulk HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "hello");
    cr_assert_eq(client_code(client), 200);
    cr_assert_eq(client_answer(client, NULL, body, sizeof(body)), 200);
    cr_assert_str_eq(body, "hi");
    cr_assert_eq(bytes, 3);
    client_close(&client);
}

Test(http_body, is_refused_over_the_limit_where_it_is_collected)
{
    struct client *client = client_open(&side);
    client_send(client,
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n");
    cr_assert_eq(client_code(client), 413);
    client_close(&client);
}

/* Resumes until everything came, with turns between. */
static bool
resumed_to_the_end(void *arg)
{
    (void)arg;
    if (complete == 0) {
        http_body_resume(taken);
    }
    return complete > 0;
}

Test(http_body, is_not_read_during_a_pause)
{
    for (int chunked = 0; chunked < 2; chunked++) {
        pausing = true;
        bytes = begun = complete = 0;
        sum = 0;
        struct client *client = client_open(&side);
        send_head(client, chunked == 1 ? 0 : 3 * BLOCK, "");
        send_bytes(client, 0, 3 * BLOCK, chunked == 1);
        client_send(client, chunked == 1 ? "0\r\n\r\n" : "");
        cr_assert(side_turn_until(&side, body_began, NULL));
        side_turn_for(&side, 2 * side.config.body_timeout_ns);
        cr_assert_gt(bytes, 0);
        cr_assert_leq(bytes, LIMIT, "more than one piece came");
        cr_assert_eq(broken, 0, "the pause was taken for a slow client");
        cr_assert(side_turn_until(&side, resumed_to_the_end, NULL));
        cr_assert_eq(client_code(client), 200);
        cr_assert_eq(bytes, 3 * BLOCK);
        cr_assert_eq(sum, sum_of(3 * BLOCK));
        client_close(&client);
        side_await_connections(&side, 0);
    }
}

Test(http_body, offers_small_chunks_one_by_one_after_a_pause)
{
    pausing = true;
    struct client *client = client_open(&side);
    send_head(client, 0, "");
    client_send(client, "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n");
    cr_assert(side_turn_until(&side, body_began, NULL));
    side_turn_for(&side, 20 * NS_PER_MS);
    cr_assert_eq(bytes, 1);
    http_body_resume(taken);
    side_turn_for(&side, 20 * NS_PER_MS);
    cr_assert_eq(bytes, 2);
    cr_assert(side_turn_until(&side, resumed_to_the_end, NULL));
    cr_assert_eq(bytes, 3);
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_body, is_read_to_its_end_after_the_client_closed_its_side_in_a_pause)
{
    pausing = true;
    struct client *client = client_open(&side);
    send_head(client, BLOCK, "");
    send_bytes(client, 0, BLOCK, false);
    cr_assert_eq(shutdown(client->fd, SHUT_WR), 0);
    side_turn_for(&side, 1200 * NS_PER_MS);
    cr_assert_eq(broken, 0);
    cr_assert(side_turn_until(&side, resumed_to_the_end, NULL));
    cr_assert_eq(sum, sum_of(BLOCK));
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_body, is_broken_once_when_the_client_leaves_in_the_middle)
{
    struct client *client = client_open(&side);
    send_head(client, BLOCK, "");
    send_bytes(client, 0, 100, false);
    cr_assert(side_turn_until(&side, body_began, NULL));
    client_close(&client);
    cr_assert(side_turn_until(&side, is_broken, NULL));
    side_await_connections(&side, 0);
    cr_assert_eq(broken, 1);
    cr_assert_eq(complete, 0);
    cr_assert_eq(http_server_active(side.server), 0);
}

Test(http_body, is_broken_when_no_piece_comes_for_too_long)
{
    struct client *client = client_open(&side);
    send_head(client, BLOCK, "");
    for (size_t i = 0; i < 4; i++) { /* longer in all than the timeout */
        send_bytes(client, i, i + 1, false);
        side_turn_for(&side, 150 * NS_PER_MS);
    }
    cr_assert_eq(broken, 0);
    cr_assert(client_await_close(client));
    cr_assert_eq(broken, 1);
    cr_assert_eq(bytes, 4);
    client_close(&client);
}

Test(http_body, is_broken_by_a_malformed_chunk)
{
    struct client *client = client_open(&side);
    send_head(client, 0, "");
    client_send(client, "3\r\nabc\r\nxyz\r\n");
    cr_assert(client_await_close(client));
    cr_assert_eq(broken, 1);
    cr_assert_eq(complete, 0);
    cr_assert_eq(bytes, 3);
    client_close(&client);
}

Test(http_body, is_thrown_away_after_an_early_answer)
{
    early_after = 1;
    struct client *client = client_open(&side);
    send_head(client, LONG, "");
    send_bytes(client, 0, LONG, false);
    cr_assert_eq(client_code(client), 409);
    cr_assert_lt(bytes, LONG);
    cr_assert_eq(complete, 0);
    cr_assert_eq(broken, 0);
    client_send(client, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_body, is_answered_early_out_of_a_pause)
{
    pausing = true;
    struct client *client = client_open(&side);
    send_head(client, 3 * BLOCK, "");
    send_bytes(client, 0, 3 * BLOCK, false);
    cr_assert(side_turn_until(&side, body_began, NULL));
    side_turn_for(&side, 20 * NS_PER_MS);
    http_respond(taken, 429, NULL, 0, NULL);
    cr_assert_eq(client_code(client), 429);
    cr_assert_lt(bytes, 3 * BLOCK);
    client_close(&client);
    side_await_connections(&side, 0);
    cr_assert_eq(broken, 0);
}

Test(http_body, is_not_waited_for_when_the_head_was_answered)
{
    struct client *client = client_open(&side);
    client_send(client, "POST /forbidden HTTP/1.1\r\nHost: a\r\n"
                        "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    cr_assert_eq(client_code(client), 401);
    cr_assert(client_await_close(client));
    client_close(&client);
    client = client_open(&side);
    client_send(client, "POST /forbidden HTTP/1.1\r\nHost: a\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n");
    cr_assert_eq(client_code(client), 401);
    cr_assert(client_await_close(client));
    client_close(&client);
    cr_assert_eq(side.requests, 0);
}

Test(http_body, is_thrown_away_when_it_is_short_and_the_head_was_answered)
{
    struct client *client = client_open(&side);
    client_send(client, "POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                        "\r\nhello"
                        "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert_eq(client_code(client), 401);
    cr_assert_eq(client_code(client), 200);
    cr_assert_eq(side.requests, 1);
    client_close(&client);
}

Test(http_body, is_broken_when_the_server_is_destroyed)
{
    pausing = true;
    struct client *paused = client_open(&side);
    send_head(paused, BLOCK, "");
    send_bytes(paused, 0, BLOCK, false);
    cr_assert(side_turn_until(&side, body_began, NULL));
    side_turn_for(&side, 20 * NS_PER_MS);
    pausing = false;
    struct client *flowing = client_open(&side);
    begun = 0;
    send_head(flowing, BLOCK, "");
    send_bytes(flowing, 0, 100, false);
    cr_assert(side_turn_until(&side, body_began, NULL));
    http_server_destroy(&side.server);
    cr_assert_eq(broken, 2);
    cr_assert_eq(complete, 0);
    client_close(&paused);
    client_close(&flowing);
}

Test(http_body, is_let_go_while_the_exchange_is_held)
{
    struct client *client = client_open(&side);
    client_send(client,
                "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    side_await_requests(&side, 1);
    http_body_release(side.held[0]);
    cr_assert_eq(http_body(side.held[0]).size, 0);
    side_release(&side);
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}
