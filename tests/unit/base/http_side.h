/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of an HTTP connection for tests, on one thread: a server whose handler does
 * what the path says, and raw clients that read by turning its loop. So a test never
 * sleeps: it turns until what it waits for has come, or fails after SIDE_PATIENCE_NS.
 */
#ifndef TESTS_HTTP_SIDE_H
#define TESTS_HTTP_SIDE_H

#include "base/clock.h"
#include "base/http_server.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define SIDE_PATIENCE_NS (30 * NS_PER_S)
#define SIDE_BUSY_NS     (3 * NS_PER_S) /* that a busy machine adds to a deadline */

enum { SIDE_HELD_MAX = 1024 };

/*
 * Paths: /echo answers the body; /hold holds until side_release(); /next is answered
 * on the next turn; /plain answers "plain" with 200; /headers answers with odd headers;
 * /query answers the query value of `q`; /turn turns the loop inside the handler.
 */
struct side {
    struct loop *loop;
    http_handler_fn handler; /* NULL: as said above; called with the side */
    struct http_server *server;
    struct http_server_config config; /* to be changed before side_start() */
    struct http_exchange *held[SIDE_HELD_MAX];
    size_t held_count;
    struct http_exchange *next[SIDE_HELD_MAX];
    size_t next_count;
    size_t requests; /* that reached the handler */
    size_t gone;     /* clients reported gone */
};

struct client {
    struct side *side;
    int fd;
    char text[256 * 1024]; /* what came and was not taken yet */
    size_t size;
    bool closed; /* by the server */
};

void side_init(struct side *side);
void side_start(struct side *side);
void side_stop(struct side *side);

/** Answers what is held with 200 "held". */
void side_release(struct side *side);

/** Port the server listens on. */
int side_port(const struct side *side);

/** Turns until condition(arg) or the patience ends. @return the condition */
bool side_turn_until(struct side *side, bool (*condition)(void *arg), void *arg);

/** Turns for a while, for what must not happen. */
void side_turn_for(struct side *side, int64_t ns);

/** Turns until so many requests reached the handler. */
void side_await_requests(struct side *side, size_t count);

/** Turns until so many connections are open. */
void side_await_connections(struct side *side, size_t count);

struct client *client_open(struct side *side);
void client_close(struct client **client);
void client_send(struct client *client, const char *text);
void client_send_bytes(struct client *client, const char *data, size_t size);

/** Reads what has come; never waits. */
void client_poll(struct client *client);

/**
 * Turns until one complete answer is here and takes it out of what came.
 *
 * @param[out] body NUL-terminated
 * @return its code; 0 if the connection was closed first
 */
int client_answer(struct client *client, char *head, char *body, size_t size);

/** As client_answer(), for the code alone. */
int client_code(struct client *client);

/** Turns until the server has closed. @return false when it does not */
bool client_await_close(struct client *client);

#endif
