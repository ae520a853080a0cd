/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that do anything at any moment, and a taker that holds, streams, pauses and
 * answers early: whatever happens, each stream and each body ends exactly once and no
 * connection stays.
 */
#include "base/http_server_body.h"
#include "base/http_server_stream.h"
#include "http_side.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { CLIENTS = 24, STEPS = 60000, SLOTS = 256, PIECE = 20000 };

/* A stream, a body or a held exchange that the taker has in its hands. */
struct slot {
    struct http_stream *stream;
    struct http_exchange *body;
    struct http_exchange *held;
};

static struct side side;
static struct slot slots[SLOTS];
static struct client *clients[CLIENTS];
static uint64_t seed = 88172645463325252u;
static size_t streams_begun;
static size_t streams_ended;
static size_t bodies_begun;
static size_t bodies_ended;
static char piece[PIECE];

static size_t
pick(size_t count)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % count);
}

static struct slot *
slot_free(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].stream == NULL && slots[i].body == NULL && slots[i].held == NULL) {
            return &slots[i];
        }
    }
    cr_assert_fail("the taker has lost something");
    return NULL;
}

static void
stream_end(struct slot *slot)
{
    struct http_stream *s = slot->stream;
    slot->stream = NULL;
    streams_ended++;
    http_stream_end(s);
}

static void
on_writable(void *arg, struct http_stream *s)
{
    struct slot *slot = arg;
    cr_assert_eq(slot->stream, s);
    if (pick(3) == 0) {
        stream_end(slot);
    }
}

static void
on_stream_gone(void *arg, struct http_stream *s)
{
    struct slot *slot = arg;
    cr_assert_eq(slot->stream, s);
    slot->stream = NULL;
    streams_ended++;
}

static const struct http_stream_events stream_events = {.writable = on_writable,
                                                        .gone = on_stream_gone};

static void
begin_stream(struct http_exchange *x)
{
    struct slot *slot = slot_free();
    slot->stream = http_respond_stream(x, 200, NULL, 0, &stream_events, slot);
    streams_begun += slot->stream != NULL ? 1 : 0;
}

static void
answer(struct http_exchange *x)
{
    switch (pick(3)) {
    case 0:
        http_respond(x, 200, NULL, 0, NULL);
        break;
    case 1:
        begin_stream(x);
        break;
    default:
        slot_free()->held = x;
        break;
    }
}

static bool
on_piece(void *arg, struct http_exchange *x, struct span bytes)
{
    struct slot *slot = arg;
    (void)bytes;
    cr_assert_eq(slot->body, x);
    if (pick(20) == 0) {
        slot->body = NULL;
        bodies_ended++;
        http_respond(x, 409, NULL, 0, NULL);
    }
    return pick(3) != 0;
}

static void
on_complete(void *arg, struct http_exchange *x)
{
    struct slot *slot = arg;
    cr_assert_eq(slot->body, x);
    slot->body = NULL;
    bodies_ended++;
    answer(x);
}

static void
on_broken(void *arg, struct http_exchange *x)
{
    struct slot *slot = arg;
    cr_assert_eq(slot->body, x);
    slot->body = NULL;
    bodies_ended++;
}

static const struct http_body_events body_events = {
    .piece = on_piece, .complete = on_complete, .broken = on_broken};

static void
on_head(void *arg, struct http_exchange *x)
{
    (void)arg;
    if (span_is_text(http_path(x), "/bulk")) {
        struct slot *slot = slot_free();
        slot->body = x;
        bodies_begun++;
        http_stream_body(x, &body_events, slot);
    } else if (span_is_text(http_path(x), "/early")) {
        http_respond(x, 401, NULL, 0, NULL);
    }
}

static void
on_request(void *arg, struct http_exchange *x)
{
    (void)arg;
    answer(x);
}

static void
taker_step(struct slot *slot)
{
    if (slot->stream != NULL) {
        if (pick(6) == 0) {
            stream_end(slot);
        } else if (http_stream_write(slot->stream, span_of(piece, 1 + pick(PIECE))) ==
                   STATUS_FULL) {
            return; /* it is told when there is room */
        }
    } else if (slot->body != NULL) {
        http_body_resume(slot->body);
    } else if (slot->held != NULL) {
        struct http_exchange *x = slot->held;
        slot->held = NULL;
        if (pick(2) == 0) {
            begin_stream(x);
        } else {
            http_respond(x, 200, NULL, 0, NULL);
        }
    }
}

static void
send_some(struct client *client)
{
    static const char *const sent[] = {
        "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /x HTTP/1.0\r\n\r\n",
        "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /bulk HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n",
        "POST /bulk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "twenty bytes of body",
        "nonsense",
    };
    const char *text = sent[pick(sizeof(sent) / sizeof(sent[0]))];
    size_t size = pick(4) == 0 ? 1 + pick(strlen(text)) : strlen(text);
    ssize_t n = send(client->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* closed by the server, or full */
}

static void
client_step(struct client **client)
{
    if (*client == NULL) {
        *client = client_open(&side);
        return;
    }
    switch (pick(12)) {
    case 0:
        client_close(client);
        break;
    case 1:
        shutdown((*client)->fd, SHUT_WR);
        break;
    case 2:
    case 3:
    case 4:
        (*client)->size = 0;
        client_poll(*client);
        break;
    default:
        send_some(*client);
        break;
    }
}

static void
start(void)
{
    side_init(&side);
    side.handler = on_request;
    side.config.head_fn = on_head;
    side.config.head_timeout_ns = 300 * NS_PER_MS;
    side.config.body_timeout_ns = 300 * NS_PER_MS;
    side.config.idle_timeout_ns = 300 * NS_PER_MS;
    side.config.write_timeout_ns = 300 * NS_PER_MS;
    side_start(&side);
}

static void
stop(void)
{
    side_stop(&side);
}

TestSuite(http_storm, .init = start, .fini = stop, .timeout = 120);

static void
storm(void)
{
    for (int i = 0; i < STEPS; i++) {
        client_step(&clients[pick(CLIENTS)]);
        taker_step(&slots[pick(SLOTS)]);
        taker_step(&slots[pick(8)]);
        if (pick(3) == 0) {
            loop_turn(side.loop, 0);
        }
    }
}

static void
release_held(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i].held != NULL) {
            http_respond(slots[i].held, 200, NULL, 0, NULL);
            slots[i].held = NULL;
        }
    }
}

static bool
all_is_over(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < SLOTS; i++) {
        taker_step(&slots[i]);
    }
    return http_server_connections(side.server) == 0;
}

Test(http_storm, leaves_nothing_when_all_clients_have_gone)
{
    storm();
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i] != NULL) {
            client_close(&clients[i]);
        }
    }
    cr_assert(side_turn_until(&side, all_is_over, NULL), "%zu connections are left",
              http_server_connections(side.server));
    cr_assert_eq(http_server_active(side.server), 0);
    cr_assert_gt(streams_begun, 50);
    cr_assert_gt(bodies_begun, 50);
    cr_assert_eq(streams_ended, streams_begun);
    cr_assert_eq(bodies_ended, bodies_begun);
}

Test(http_storm, ends_everything_when_the_server_is_destroyed_in_the_middle)
{
    storm();
    release_held();
    http_server_destroy(&side.server);
    cr_assert_eq(streams_ended, streams_begun);
    cr_assert_eq(bodies_ended, bodies_begun);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i] != NULL) {
            client_close(&clients[i]);
        }
    }
}
