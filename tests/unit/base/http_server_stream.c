/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of unknown length: bounded memory, slow readers, clients that go away. */
#include "base/http_server_stream.h"

#include "http_side.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { PIECE = 1000, MANY = 8 * 1024 * 1024 };

static struct side side;
static struct http_stream *stream; /* the last one begun */
static size_t streams;
static size_t gone;
static size_t written; /* bytes of the pattern */
static size_t wanted;  /* bytes of the pattern to be written; 0 = none */
static bool full;      /* the last write was refused */

static char
pattern(size_t i)
{
    return (char)('a' + i % 23);
}

static void
write_on(void *arg, struct http_stream *s)
{
    (void)arg;
    char piece[PIECE];
    full = false;
    while (written < wanted && !full) {
        size_t size = wanted - written < PIECE ? wanted - written : PIECE;
        for (size_t i = 0; i < size; i++) {
            piece[i] = pattern(written + i);
        }
        full = http_stream_write(s, span_of(piece, size)) == STATUS_FULL;
        written += full ? 0 : size;
    }
    if (wanted > 0 && written == wanted) {
        stream = NULL;
        http_stream_end(s);
    }
}

static void
on_gone(void *arg, struct http_stream *s)
{
    (void)arg;
    gone++;
    if (stream == s) {
        stream = NULL;
    }
}

static const struct http_stream_events events = {.writable = write_on, .gone = on_gone};

static void
on_request(void *arg, struct http_exchange *x)
{
    (void)arg;
    static const struct http_header headers[] = {{"Content-Type", "text/event-stream"}};
    if (span_is_text(http_path(x), "/plain")) {
        http_respond(x, 200, NULL, 0, NULL);
    } else if (span_is_text(http_path(x), "/hold")) {
        side.held[side.held_count++] = x;
    } else {
        stream = http_respond_stream(x, 200, headers, 1, &events, NULL);
        streams++;
        if (stream != NULL) {
            write_on(NULL, stream);
        }
    }
}

static void
start(void)
{
    side_init(&side);
    side.handler = on_request;
    side.config.write_timeout_ns = 400 * NS_PER_MS;
    side.config.idle_timeout_ns = 500 * NS_PER_MS;
    side_start(&side);
}

static void
stop(void)
{
    if (side.server != NULL && stream != NULL) {
        http_stream_end(stream);
    }
    side_stop(&side);
}

TestSuite(http_stream, .init = start, .fini = stop, .timeout = 60);

static bool
has_text(void *arg)
{
    struct client *client = arg;
    client_poll(client);
    return strstr(client->text, "\r\n\r\n") != NULL;
}

static bool
a_stream_began(void *arg)
{
    (void)arg;
    return streams > 0;
}

static bool
a_client_is_gone(void *arg)
{
    (void)arg;
    return gone > 0;
}

struct text_wanted {
    struct client *client;
    const char *text;
};

static bool
text_came(void *arg)
{
    const struct text_wanted *w = arg;
    client_poll(w->client);
    return strstr(w->client->text, w->text) != NULL;
}

static void
await_text(struct client *client, const char *text)
{
    struct text_wanted w = {client, text};
    cr_assert(side_turn_until(&side, text_came, &w), "no '%s' in '%s'", text,
              client->text);
}

static struct client *
open_stream(const char *request)
{
    struct client *client = client_open(&side);
    client_send(client, request);
    streams = 0;
    cr_assert(side_turn_until(&side, a_stream_began, NULL));
    return client;
}

static void
write_text(const char *text)
{
    cr_assert_eq(http_stream_write(stream, span_of_text(text)), STATUS_OK);
}

Test(http_stream, sends_every_piece_when_it_is_written)
{
    struct client *client = open_stream(GET("/stream"));
    cr_assert(side_turn_until(&side, has_text, client), "the head waits for a piece");
    cr_assert_not_null(strstr(client->text, "Transfer-Encoding: chunked\r\n"));
    cr_assert_not_null(strstr(client->text, "Content-Type: text/event-stream\r\n"));
    write_text("data: one\n\n");
    await_text(client, "\r\n\r\nB\r\ndata: one\n\n\r\n");
    side_turn_for(&side, 50 * NS_PER_MS);
    write_text("data: two\n\n");
    await_text(client, "B\r\ndata: two\n\n\r\n");
    http_stream_end(stream);
    stream = NULL;
    await_text(client, "\r\n0\r\n\r\n");
    cr_assert_eq(gone, 0);
    client->size = 0;
    client_send(client, GET("/plain"));
    cr_assert_eq(client_code(client), 200);
    client_close(&client);
}

Test(http_stream, may_end_without_a_byte)
{
    struct client *client = open_stream(GET("/stream"));
    http_stream_end(stream);
    stream = NULL;
    await_text(client, "\r\n\r\n0\r\n\r\n");
    client_close(&client);
}

/* Reads what comes and counts it, `pause_ns` between two reads. */
static size_t
read_all(struct client *client, size_t size, int64_t pause_ns)
{
    size_t read = 0;
    int64_t end_ns = clock_mono_ns() + SIDE_PATIENCE_NS;
    while (read < size && !client->closed && clock_mono_ns() < end_ns) {
        client->size = 0;
        client_poll(client);
        read += client->size;
        side_turn_for(&side, pause_ns);
        loop_turn(side.loop, 0);
    }
    return read;
}

/* Bodies of the chunks in `text`, put together; how many bytes. */
static size_t
unchunk(char *text, const char *end)
{
    char *to = text;
    const char *from = text;
    while (from < end) {
        char *data = NULL;
        size_t size = strtoul(from, &data, 16);
        cr_assert_eq(strncmp(data, "\r\n", 2), 0);
        memmove(to, data + 2, size);
        to += size;
        from = data + 2 + size + 2;
        if (size == 0) {
            break;
        }
    }
    cr_assert_eq(from, end);
    return (size_t)(to - text);
}

static bool
is_full(void *arg)
{
    (void)arg;
    return full;
}

Test(http_stream, takes_no_more_than_its_bound_and_says_when_there_is_room)
{
    wanted = MANY;
    struct client *client = open_stream(GET("/stream"));
    cr_assert(side_turn_until(&side, is_full, NULL));
    side_turn_for(&side, 50 * NS_PER_MS);
    size_t before = written;
    cr_assert_lt(before, MANY, "the sockets took everything: nothing was tested");
    char *all = malloc(2 * MANY);
    size_t size = 0;
    int64_t end_ns = clock_mono_ns() + SIDE_PATIENCE_NS;
    while (clock_mono_ns() < end_ns &&
           (size < 5 || memcmp(all + size - 5, "0\r\n\r\n", 5) != 0)) {
        client->size = 0;
        client_poll(client);
        cr_assert_lt(size + client->size, 2 * MANY);
        memcpy(all + size, client->text, client->size);
        size += client->size;
        loop_turn(side.loop, 0);
    }
    cr_assert_eq(written, MANY);
    char *body = strstr(all, "\r\n\r\n") + 4;
    cr_assert_eq(unchunk(body, all + size), MANY);
    for (size_t i = 0; i < MANY; i++) {
        if (body[i] != pattern(i)) {
            cr_assert_fail("byte %zu is wrong", i);
        }
    }
    cr_assert_eq(gone, 0);
    free(all);
    client_close(&client);
}

Test(http_stream, takes_a_piece_over_its_bound_when_nothing_waits)
{
    struct client *client = open_stream(GET("/stream"));
    size_t size = 2 * HTTP_STREAM_BYTES_MAX;
    char *piece = calloc(1, size);
    cr_assert_eq(http_stream_write(stream, span_of(piece, size)), STATUS_OK);
    cr_assert_eq(http_stream_write(stream, span_of_text("x")), STATUS_FULL);
    http_stream_end(stream);
    stream = NULL;
    cr_assert_geq(read_all(client, size, 0), size);
    free(piece);
    client_close(&client);
}

Test(http_stream, closes_on_a_reader_that_takes_nothing)
{
    wanted = 16 * MANY;
    struct client *client = client_open(&side);
    int small = 4096;
    setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    int64_t begun_ns = clock_mono_ns();
    client_send(client, GET("/stream"));
    cr_assert(side_turn_until(&side, a_client_is_gone, NULL));
    int64_t took_ns = clock_mono_ns() - begun_ns;
    cr_assert_geq(took_ns, side.config.write_timeout_ns - 50 * NS_PER_MS);
    cr_assert_leq(took_ns, 2 * side.config.write_timeout_ns + SIDE_BUSY_NS);
    side_await_connections(&side, 0);
    cr_assert_eq(gone, 1);
    client_close(&client);
}

Test(http_stream, keeps_a_reader_that_is_slow_but_takes_something)
{
    wanted = MANY;
    struct client *client = open_stream(GET("/stream"));
    int64_t begun_ns = clock_mono_ns();
    while (clock_mono_ns() - begun_ns < 4 * side.config.write_timeout_ns) {
        client->size = 0;
        client_poll(client);
        side_turn_for(&side, 80 * NS_PER_MS);
    }
    cr_assert_eq(gone, 0);
    cr_assert(!client->closed);
    read_all(client, 2 * MANY, 0);
    cr_assert_eq(written, MANY);
    client_close(&client);
}

Test(http_stream, keeps_a_stream_that_is_silent)
{
    struct client *client = open_stream(GET("/stream"));
    side_turn_for(&side, 3 * side.config.idle_timeout_ns);
    cr_assert_eq(gone, 0);
    write_text("late");
    await_text(client, "late");
    client_close(&client);
}

Test(http_stream, tells_once_that_the_client_of_a_silent_stream_went_away)
{
    struct client *client = open_stream(GET("/stream"));
    await_text(client, "\r\n\r\n");
    client_close(&client);
    cr_assert(side_turn_until(&side, a_client_is_gone, NULL));
    side_await_connections(&side, 0);
    cr_assert_eq(gone, 1);
    cr_assert_eq(http_server_active(side.server), 0);
}

Test(http_stream, tells_once_that_the_client_of_a_full_stream_went_away)
{
    wanted = 16 * MANY;
    struct client *client = open_stream(GET("/stream"));
    cr_assert(side_turn_until(&side, is_full, NULL));
    client_close(&client); /* unread bytes: a reset */
    cr_assert(side_turn_until(&side, a_client_is_gone, NULL));
    side_await_connections(&side, 0);
    cr_assert_eq(gone, 1);
}

Test(http_stream, tells_nothing_after_its_end)
{
    struct client *client = open_stream(GET("/stream"));
    write_text("all");
    http_stream_end(stream);
    stream = NULL;
    client_close(&client);
    side_await_connections(&side, 0);
    cr_assert_eq(gone, 0);
}

Test(http_stream, begins_nothing_for_a_client_that_is_gone)
{
    struct client *client = client_open(&side);
    client_send(client, GET("/hold"));
    side_await_requests(&side, 1);
    client_close(&client);
    side_turn_for(&side, 20 * NS_PER_MS);
    side.held_count = 0;
    cr_assert_null(http_respond_stream(side.held[0], 200, NULL, 0, &events, NULL));
    side_await_connections(&side, 0);
    cr_assert_eq(gone, 0);
}

Test(http_stream, follows_a_held_exchange)
{
    struct client *client = client_open(&side);
    client_send(client, GET("/hold"));
    side_await_requests(&side, 1);
    side.held_count = 0;
    stream = http_respond_stream(side.held[0], 200, NULL, 0, &events, NULL);
    write_text("after a while");
    await_text(client, "\r\nD\r\nafter a while\r\n");
    client_close(&client);
}

Test(http_stream, sends_a_head_and_nothing_else_to_a_head_request)
{
    struct client *client =
        open_stream("HEAD /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    cr_assert_null(stream);
    cr_assert(client_await_close(client));
    cr_assert_str_eq(strstr(client->text, "\r\n\r\n"), "\r\n\r\n");
    cr_assert_eq(gone, 0);
    client_close(&client);
}

Test(http_stream, ends_with_the_connection_for_http_1_0)
{
    struct client *client =
        open_stream("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await_text(client, "\r\n\r\n");
    cr_assert_null(strstr(client->text, "chunked"));
    write_text("one ");
    await_text(client, "one ");
    write_text("two");
    http_stream_end(stream);
    stream = NULL;
    cr_assert(client_await_close(client));
    cr_assert_str_eq(strstr(client->text, "\r\n\r\n"), "\r\n\r\none two");
    cr_assert_eq(gone, 0);
    client_close(&client);
}

Test(http_stream, sends_a_long_answer_to_http_1_0)
{
    wanted = MANY;
    struct client *client = open_stream("GET /stream HTTP/1.0\r\n\r\n");
    cr_assert_gt(read_all(client, MANY + 1000, 0), MANY);
    cr_assert_eq(gone, 0);
    client_close(&client);
}

Test(http_stream, lets_the_next_request_wait)
{
    struct client *client = client_open(&side);
    client_send(client, GET("/stream") GET("/plain") GET("/plain") GET("/plain"));
    cr_assert(side_turn_until(&side, a_stream_began, NULL));
    write_text("first");
    side_turn_for(&side, 30 * NS_PER_MS);
    cr_assert_eq(side.requests, 1, "a request overtook the stream");
    http_stream_end(stream);
    stream = NULL;
    side_await_requests(&side, 4);
    await_text(client, "\r\n0\r\n\r\nHTTP/1.1 200");
    client_close(&client);
}

Test(http_stream, survives_more_pipelined_requests_than_fit_into_its_memory)
{
    enum { REQUESTS = 1000 };
    struct client *client = client_open(&side);
    client_send(client, GET("/stream"));
    for (int i = 0; i < REQUESTS; i++) {
        client_send(client, GET("/plain"));
    }
    cr_assert(side_turn_until(&side, a_stream_began, NULL));
    write_text("first");
    await_text(client, "first");
    http_stream_end(stream);
    stream = NULL;
    side_await_requests(&side, REQUESTS + 1);
    client_close(&client);
}

Test(http_stream, ends_by_itself_when_the_server_drains)
{
    struct client *client = open_stream(GET("/stream"));
    http_server_drain(side.server);
    write_text("still here");
    await_text(client, "still here");
    cr_assert_eq(http_server_active(side.server), 1);
    http_stream_end(stream);
    stream = NULL;
    await_text(client, "\r\n0\r\n\r\n");
    cr_assert_eq(gone, 0);
    client_close(&client);
}

Test(http_stream, closes_after_an_answer_that_began_while_draining)
{
    struct client *client = client_open(&side);
    client_send(client, GET("/hold"));
    side_await_requests(&side, 1);
    http_server_drain(side.server);
    side.held_count = 0;
    stream = http_respond_stream(side.held[0], 200, NULL, 0, &events, NULL);
    http_stream_end(stream);
    stream = NULL;
    cr_assert(client_await_close(client));
    cr_assert_not_null(strcasestr(client->text, "Connection: close\r\n"));
    side_await_connections(&side, 0);
    client_close(&client);
}

Test(http_stream, is_gone_when_the_server_is_destroyed)
{
    struct client *silent = open_stream(GET("/stream"));
    await_text(silent, "\r\n\r\n");
    wanted = 16 * MANY;
    struct client *busy = open_stream(GET("/stream"));
    cr_assert(side_turn_until(&side, is_full, NULL));
    http_server_destroy(&side.server);
    cr_assert_eq(gone, 2);
    client_close(&silent);
    client_close(&busy);
}
