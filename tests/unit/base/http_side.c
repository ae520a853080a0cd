/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. The server and all clients share one thread. */
#include "http_side.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void
respond_text(struct http_exchange *x, int code, const char *text)
{
    struct buf body;
    buf_init(&body, 1024);
    buf_append_text(&body, text);
    http_respond(x, code, NULL, 0, &body);
    buf_fini(&body);
}

static void
respond_echo(struct http_exchange *x)
{
    struct span sent = http_body(x);
    struct buf body;
    buf_init(&body, sent.size + 1);
    buf_append(&body, sent.data, sent.size);
    http_respond(x, 200, NULL, 0, &body);
    buf_fini(&body);
}

static void
respond_headers(struct http_exchange *x)
{
    struct http_header headers[] = {
        {"Content-Type", "text/plain"},
        {"X-Split", "a\r\nX-Injected: b"},
        {"Retry-After", "7"},
    };
    http_respond(x, 200, headers, 3, NULL);
}

static void
respond_query(struct http_exchange *x)
{
    struct span value = http_query(x, "q");
    struct span header = http_header(x, "x-test");
    struct buf body;
    buf_init(&body, 1024);
    buf_append_format(&body, "%s:%.*s:%.*s", value.data == NULL ? "absent" : "present",
                      (int)value.size, (const char *)value.data, (int)header.size,
                      (const char *)header.data);
    http_respond(x, 200, NULL, 0, &body);
    buf_fini(&body);
}

static void
on_gone(void *arg, struct http_exchange *x)
{
    struct side *side = arg;
    (void)x;
    side->gone++;
}

static void
on_request(void *arg, struct http_exchange *x)
{
    struct side *side = arg;
    struct span path = http_path(x);
    side->requests++;
    if (side->handler != NULL) {
        side->handler(side, x);
    } else if (span_is_text(path, "/hold")) {
        http_watch_gone(x, on_gone, side);
        side->held[side->held_count++] = x;
    } else if (span_is_text(path, "/next")) {
        side->next[side->next_count++] = x;
    } else if (span_is_text(path, "/echo")) {
        respond_echo(x);
    } else if (span_is_text(path, "/headers")) {
        respond_headers(x);
    } else if (span_is_text(path, "/query here")) {
        respond_query(x);
    } else if (span_is_text(path, "/turn")) {
        loop_turn(side->loop, NS_PER_MS);
        respond_text(x, 200, "turned");
    } else {
        respond_text(x, 200, "plain");
    }
}

static int64_t
answer_next(void *arg, int64_t now_ns)
{
    struct side *side = arg;
    (void)now_ns;
    for (size_t i = 0; i < side->next_count; i++) {
        respond_text(side->next[i], 200, "next");
    }
    side->next_count = 0;
    return TIME_NEVER;
}

void
side_init(struct side *side)
{
    *side = (struct side){0};
    http_server_defaults(&side->config);
    side->config.listen = "127.0.0.1:0";
}

void
side_start(struct side *side)
{
    struct fault fault = {0};
    cr_assert_eq(loop_create(&side->loop), STATUS_OK);
    cr_assert_eq(http_server_create(&side->server, side->loop, &side->config,
                                    on_request, side, &fault),
                 STATUS_OK, "%s", fault.text);
    /* After the server's own turn: an answer given here must still wake the loop. */
    cr_assert_eq(loop_each_turn(side->loop, answer_next, side), STATUS_OK);
}

void
side_release(struct side *side)
{
    size_t count = side->held_count;
    side->held_count = 0;
    for (size_t i = 0; i < count; i++) {
        respond_text(side->held[i], 200, "held");
    }
}

void
side_stop(struct side *side)
{
    side_release(side);
    answer_next(side, 0);
    http_server_destroy(&side->server);
    loop_destroy(&side->loop);
}

int
side_port(const struct side *side)
{
    return atoi(strrchr(http_server_address(side->server), ':') + 1);
}

bool
side_turn_until(struct side *side, bool (*condition)(void *arg), void *arg)
{
    int64_t end_ns = clock_mono_ns() + SIDE_PATIENCE_NS;
    while (!condition(arg)) {
        if (clock_mono_ns() > end_ns) {
            return false;
        }
        loop_turn(side->loop, 2 * NS_PER_MS);
    }
    return true;
}

void
side_turn_for(struct side *side, int64_t ns)
{
    int64_t end_ns = clock_mono_ns() + ns;
    while (clock_mono_ns() < end_ns) {
        loop_turn(side->loop, NS_PER_MS);
    }
}

struct count_wanted {
    struct side *side;
    size_t count;
};

static bool
requests_came(void *arg)
{
    struct count_wanted *wanted = arg;
    return wanted->side->requests >= wanted->count;
}

static bool
connections_are(void *arg)
{
    struct count_wanted *wanted = arg;
    return http_server_connections(wanted->side->server) == wanted->count;
}

void
side_await_requests(struct side *side, size_t count)
{
    struct count_wanted wanted = {side, count};
    cr_assert(side_turn_until(side, requests_came, &wanted), "%zu of %zu requests came",
              side->requests, count);
}

void
side_await_connections(struct side *side, size_t count)
{
    struct count_wanted wanted = {side, count};
    cr_assert(side_turn_until(side, connections_are, &wanted),
              "%zu connections instead of %zu", http_server_connections(side->server),
              count);
}

struct client *
client_open(struct side *side)
{
    struct client *client = calloc(1, sizeof(*client));
    cr_assert_not_null(client);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)side_port(side)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->side = side;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(client->fd, 0);
    cr_assert_eq(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

void
client_close(struct client **client)
{
    close((*client)->fd);
    free(*client);
    *client = NULL;
}

void
client_send_bytes(struct client *client, const char *data, size_t size)
{
    int64_t end_ns = clock_mono_ns() + SIDE_PATIENCE_NS;
    while (size > 0 && clock_mono_ns() < end_ns) {
        ssize_t n = send(client->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) {
            return; /* the server closed: the test sees it when it reads */
        }
        data += n < 0 ? 0 : n;
        size -= n < 0 ? 0 : (size_t)n;
        if (size > 0) {
            loop_turn(client->side->loop, NS_PER_MS);
        }
    }
}

void
client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

void
client_poll(struct client *client)
{
    size_t room = sizeof(client->text) - 1 - client->size;
    ssize_t n = recv(client->fd, client->text + client->size, room, MSG_DONTWAIT);
    if (n > 0) {
        client->size += (size_t)n;
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        client->closed = true;
    }
    client->text[client->size] = '\0';
}

/* Bytes of the first answer, 0 while it is incomplete. */
static size_t
answer_size(const struct client *client, size_t *head_size)
{
    const char *end = strstr(client->text, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    *head_size = (size_t)(end - client->text) + 4;
    const char *length = strcasestr(client->text, "\r\nContent-Length:");
    size_t body = 0;
    if (length != NULL && length < end) {
        body = strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    }
    return client->size >= *head_size + body ? *head_size + body : 0;
}

static bool
answer_is_here(void *arg)
{
    struct client *client = arg;
    size_t head = 0;
    client_poll(client);
    return client->closed || answer_size(client, &head) > 0;
}

int
client_answer(struct client *client, char *head, char *body, size_t size)
{
    size_t head_size = 0;
    side_turn_until(client->side, answer_is_here, client);
    size_t total = answer_size(client, &head_size);
    if (total == 0) {
        return 0;
    }
    int code = atoi(client->text + strlen("HTTP/1.1 "));
    if (head != NULL) {
        snprintf(head, size, "%.*s", (int)head_size, client->text);
    }
    if (body != NULL) {
        snprintf(body, size, "%.*s", (int)(total - head_size),
                 client->text + head_size);
    }
    memmove(client->text, client->text + total, client->size - total + 1);
    client->size -= total;
    return code;
}

int
client_code(struct client *client)
{
    return client_answer(client, NULL, NULL, 0);
}

static bool
is_closed(void *arg)
{
    struct client *client = arg;
    client_poll(client);
    return client->closed;
}

bool
client_await_close(struct client *client)
{
    return side_turn_until(client->side, is_closed, client);
}
