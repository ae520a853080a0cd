/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon and its connections. libmicrohttpd polls nothing itself: its epoll
 * descriptor is watched by our loop and MHD_run() is called every turn, whatever woke
 * it, because libmicrohttpd keeps ready connections in a list of its own. (Its internal
 * epoll thread sleeps with exactly 128·n busy connections; seen in 0.9.75.)
 *
 * Each socket is also watched for the client's close, because libmicrohttpd forgets
 * that event twice: while a connection is suspended, and when it arrives together with
 * an incomplete request. Deadlines end by shutdown(): libmicrohttpd then sees the end
 * of the connection and closes it; the descriptor is never closed behind its back.
 */
#include "base/http_server.h"

#include "base/clock.h"
#include "base/http_server_connection.h"
#include "base/http_server_listen.h"
#include "base/http_server_tls.h"

#include <assert.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_NS NS_PER_S

/* A client is gone that takes no byte between so many looks, and one more. */
enum { WRITE_LOOKS = 4 };

/* Connections accepted over the limit, at the same time, so that they hear the 503. */
enum { CONNECTIONS_SPARE = 64 };

/* Of an answer, in the kernel, behind what the network has room for. */
enum { UNSENT_BYTES = 64 * 1024 };

/* Its MHD_USE_ITC part would write an eventfd for every resumed connection; our turn
 * already knows of them. */
enum { DAEMON_FLAGS = MHD_USE_EPOLL | (MHD_ALLOW_SUSPEND_RESUME & ~MHD_USE_ITC) };

void
http_server_defaults(struct http_server_config *config)
{
    *config = (struct http_server_config){
        .listen = "127.0.0.1:8080",
        .body_limit = (size_t)1024 * 1024,
        .head_limit = (size_t)7 * 1024, /* with what else it takes, below 10 KiB */
        .connections_max = 10000,
        .head_timeout_ns = 10 * NS_PER_S,
        .body_timeout_ns = 30 * NS_PER_S,
        .idle_timeout_ns = 60 * NS_PER_S,
        .write_timeout_ns = 30 * NS_PER_S,
    };
}

void
http_connection_arm(struct http_connection *c, enum http_deadline_kind kind)
{
    struct http_server *server = c->server;
    http_deadline_arm(&server->deadlines, &c->deadline,
                      c->peer_closed ? HTTP_DEADLINE_LINGER : kind,
                      loop_now(server->loop));
}

void
http_connection_watch_write(struct http_connection *c)
{
    if (c->deadline.kind != HTTP_DEADLINE_GONE) {
        c->stalls = 0;
        http_deadline_arm(&c->server->deadlines, &c->deadline, HTTP_DEADLINE_WRITE,
                          loop_now(c->server->loop));
    }
}

/* The kernel says how much of what was sent the client has acknowledged; libmicrohttpd
 * does not say how much it has sent. */
static bool
has_stalled(struct http_connection *c)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);
    getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    c->stalls = info.tcpi_bytes_acked == c->acked ? c->stalls + 1 : 0;
    c->acked = info.tcpi_bytes_acked;
    return c->stalls >= WRITE_LOOKS;
}

static void
peer_closed(void *arg, uint32_t events)
{
    struct http_connection *c = arg;
    (void)events;
    c->peer_closed = true;
    if (c->exchange.paused) {
        return; /* what was sent is still read when it goes on */
    }
    if (c->exchange.state <= EXCHANGE_BODY) {
        http_connection_arm(c, HTTP_DEADLINE_LINGER);
    } else {
        http_exchange_check_gone(&c->exchange);
    }
}

static void
socket_prepare(const struct http_server *server, int fd)
{
    /* A host that vanished says nothing. */
    unsigned silence_ms = (unsigned)(server->config.write_timeout_ns / NS_PER_MS);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof(silence_ms));
    /* Else the kernel takes megabytes of answers for one who asks for many in one go
     * and reads none, and making them keeps others waiting. */
    int unsent = UNSENT_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    if (server->tls != NULL) {
        /* A handshake is several small writes: each would wait for the
         * acknowledgement of the one before, which its reader delays by 40 ms. */
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
}

static void *
connection_open(struct http_server *server, struct MHD_Connection *mhd)
{
    struct http_connection *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->server = server;
    c->mhd = mhd;
    c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    c->exchange.connection = c;
    socket_prepare(server, c->fd);
    if (loop_watch(server->loop, c->fd, EPOLLRDHUP | EPOLLET, peer_closed, c) !=
        STATUS_OK) {
        free(c);
        return NULL;
    }
    server->connections++;
    c->over_limit = server->connections > server->config.connections_max;
    http_connection_arm(c, HTTP_DEADLINE_HEAD);
    return c;
}

static void
connection_close(struct http_connection *c)
{
    http_deadline_clear(&c->server->deadlines, &c->deadline);
    loop_unwatch(c->server->loop, c->fd);
    c->server->connections--;
    free(c);
}

static struct http_connection *
connection_known(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
        ->socket_context;
}

/* GnuTLS' gnutls_certificate_retrieve_function2; libmicrohttpd's session pointer. */
static int /* NOLINTNEXTLINE(readability-function-size): gnutls's signature */
certificate_choose(gnutls_session_t session,
                   const gnutls_datum_t *authorities,
                   int authority_count,
                   const gnutls_pk_algorithm_t *algorithms,
                   int algorithm_count,
                   gnutls_pcert_st **chain,
                   unsigned *chain_length,
                   gnutls_privkey_t *key)
{
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    const struct http_connection *c = connection_known(gnutls_session_get_ptr(session));
    if (c == NULL) {
        return -1; /* there was no memory for the connection */
    }
    http_tls_current(c->server->tls, chain, chain_length, key);
    return 0;
}

static void
connection_changed(void *arg,
                   struct MHD_Connection *mhd,
                   void **socket_context,
                   enum MHD_ConnectionNotificationCode what)
{
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *socket_context = connection_open(arg, mhd);
    } else if (*socket_context != NULL) {
        connection_close(*socket_context);
        *socket_context = NULL;
    }
}

static struct http_connection *
connection_of(struct http_deadline *deadline)
{
    return (void *)((char *)deadline - offsetof(struct http_connection, deadline));
}

static void
connection_expire(struct http_connection *c, int64_t now_ns)
{
    struct http_exchange *x = &c->exchange;
    struct http_deadlines *deadlines = &c->server->deadlines;
    if (x->state == EXCHANGE_HELD) {
        http_gone_fn gone = x->gone;
        x->gone = NULL;
        if (gone != NULL) { /* nobody wants to know any more otherwise */
            gone(x->gone_arg, x);
        }
        return;
    }
    bool stream_left = http_stream_is_open(x) && c->peer_closed;
    if (x->state == EXCHANGE_SENDING && !stream_left && !has_stalled(c)) {
        http_deadline_arm(deadlines, &c->deadline, HTTP_DEADLINE_WRITE, now_ns);
        return;
    }
    if (http_stream_is_open(x)) {
        http_stream_break(x);
    }
    shutdown(c->fd, SHUT_RDWR);
    http_deadline_arm(deadlines, &c->deadline, HTTP_DEADLINE_LINGER, now_ns);
}

static void
expire(struct http_server *server, int64_t now_ns)
{
    struct http_deadline *deadline = NULL;
    while ((deadline = http_deadline_expire(&server->deadlines, now_ns)) != NULL) {
        connection_expire(connection_of(deadline), now_ns);
    }
}

static int64_t
turn(void *arg, int64_t now_ns)
{
    struct http_server *server = arg;
    if (server->running) {
        return TIME_NEVER; /* a handler turns the loop: libmicrohttpd is not reentrant
                            */
    }
    server->turn_ns = now_ns;
    expire(server, now_ns);
    server->resumed = false;
    server->running = true;
    MHD_run(server->mhd);
    server->running = false;
    if (server->resumed) {
        return now_ns;
    }
    int64_t due_ns = http_deadline_next(&server->deadlines);
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(server->mhd, &wait_ms) == MHD_YES) {
        int64_t mhd_ns = now_ns + (int64_t)wait_ms * NS_PER_MS;
        due_ns = mhd_ns < due_ns ? mhd_ns : due_ns;
    }
    return due_ns;
}

/* The turn, which follows at once, does the work. */
static void
daemon_ready(void *arg, uint32_t events)
{
    (void)arg;
    (void)events;
}

/* libmicrohttpd's own limit, behind ours. */
static unsigned
idle_seconds(const struct http_server_config *config)
{
    const int64_t limits_ns[] = {config->idle_timeout_ns, config->head_timeout_ns,
                                 config->body_timeout_ns, 2 * config->write_timeout_ns};
    int64_t longest_ns = 0;
    for (size_t i = 0; i < sizeof(limits_ns) / sizeof(limits_ns[0]); i++) {
        longest_ns = limits_ns[i] > longest_ns ? limits_ns[i] : longest_ns;
    }
    return (unsigned)(longest_ns / NS_PER_S) + 1;
}

/* The HTTPS options are ignored without MHD_USE_TLS. */
static struct MHD_Daemon *
daemon_start(struct http_server *server, int listening)
{
    const struct http_server_config *config = &server->config;
    unsigned flags = DAEMON_FLAGS | (server->tls == NULL ? 0 : MHD_USE_TLS);
    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_exchange_advance, server, MHD_OPTION_LISTEN_SOCKET,
        listening, MHD_OPTION_CONNECTION_LIMIT,
        config->connections_max + CONNECTIONS_SPARE, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_seconds(config), MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->head_limit,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
        http_exchange_begin, server, MHD_OPTION_NOTIFY_COMPLETED, http_exchange_end,
        server, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
        MHD_OPTION_HTTPS_PRIORITIES, http_tls_priorities,
        MHD_OPTION_HTTPS_CERT_CALLBACK, certificate_choose, MHD_OPTION_END);
}

static void
deadlines_init(struct http_server *server)
{
    struct http_deadline_list *lists = server->deadlines.lists;
    lists[HTTP_DEADLINE_HEAD].duration_ns = server->config.head_timeout_ns;
    lists[HTTP_DEADLINE_BODY].duration_ns = server->config.body_timeout_ns;
    lists[HTTP_DEADLINE_IDLE].duration_ns = server->config.idle_timeout_ns;
    lists[HTTP_DEADLINE_LINGER].duration_ns = LINGER_NS;
    lists[HTTP_DEADLINE_WRITE].duration_ns =
        server->config.write_timeout_ns / WRITE_LOOKS;
    lists[HTTP_DEADLINE_NEVER].duration_ns = TIME_NEVER / 2;
}

/* From a server whose daemon runs to one that the loop drives. */
static enum status
attach(struct http_server *server)
{
    server->mhd_epoll =
        MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    enum status status =
        loop_watch(server->loop, server->mhd_epoll, EPOLLIN, daemon_ready, server);
    if (status != STATUS_OK) {
        return status;
    }
    status = loop_each_turn(server->loop, turn, server);
    if (status != STATUS_OK) {
        loop_unwatch(server->loop, server->mhd_epoll);
    }
    return status;
}

/* From a server of which only the configuration is known to one that serves. */
static enum status
serve(struct http_server *server, struct fault *fault)
{
    const struct http_server_config *config = &server->config;
    enum status status = STATUS_OK;
    if (config->tls_certificate != NULL) {
        status = http_tls_open(&server->tls, config->tls_certificate, config->tls_key,
                               fault);
    }
    int listening = -1;
    if (status == STATUS_OK) {
        status = http_server_listen(config->listen, &listening, server->address,
                                    sizeof(server->address), fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    server->mhd = daemon_start(server, listening);
    if (server->mhd == NULL) {
        close(listening);
        return fault_set(fault, STATUS_IO, "libmicrohttpd cannot start");
    }
    status = attach(server);
    if (status != STATUS_OK) {
        MHD_stop_daemon(server->mhd);
        fault_set(fault, status, "the loop has no room for an HTTP server");
    }
    return status;
}

enum status
http_server_create(struct http_server **out,
                   struct loop *loop,
                   const struct http_server_config *config,
                   http_handler_fn handler,
                   void *arg,
                   struct fault *fault)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the HTTP server");
    }
    server->loop = loop;
    server->config = *config;
    server->handler = handler;
    server->handler_arg = arg;
    deadlines_init(server);
    enum status status = serve(server, fault);
    if (status != STATUS_OK) {
        http_tls_close(&server->tls);
        free(server);
        return status;
    }
    *out = server;
    return STATUS_OK;
}

enum status
http_server_reload_tls(struct http_server *server, struct fault *fault)
{
    if (server->tls == NULL) {
        return STATUS_OK;
    }
    return http_tls_reload(server->tls, loop_now(server->loop),
                           server->config.head_timeout_ns + LINGER_NS, fault);
}

const char *
http_server_address(const struct http_server *server)
{
    return server->address;
}

/* Bytes that came but were not read yet are a request to be answered. */
static void
close_idle(struct http_server *server, enum http_deadline_kind kind)
{
    struct http_deadline *deadline = server->deadlines.lists[kind].first;
    for (; deadline != NULL; deadline = deadline->next) {
        struct http_connection *c = connection_of(deadline);
        int unread = 0;
        if (c->exchange.state == EXCHANGE_NONE &&
            ioctl(c->fd, FIONREAD, &unread) == 0 && unread == 0) {
            shutdown(c->fd, SHUT_RDWR);
        }
    }
}

void
http_server_drain(struct http_server *server)
{
    if (server->draining) {
        return;
    }
    server->draining = true;
    int listening = MHD_quiesce_daemon(server->mhd);
    if (listening >= 0) {
        close(listening);
    }
    close_idle(server, HTTP_DEADLINE_HEAD);
    close_idle(server, HTTP_DEADLINE_IDLE);
}

size_t
http_server_active(const struct http_server *server)
{
    return server->active;
}

size_t
http_server_connections(const struct http_server *server)
{
    return server->connections;
}

/* libmicrohttpd must not be stopped while a connection is suspended. */
static void
let_go(struct http_server *server, enum http_deadline_kind kind)
{
    struct http_deadline *deadline = NULL;
    while ((deadline = server->deadlines.lists[kind].first) != NULL) {
        struct http_exchange *x = &connection_of(deadline)->exchange;
        http_deadline_clear(&server->deadlines, deadline);
        if (http_stream_is_open(x)) {
            http_stream_break(x);
        } else {
            http_body_break(x);
            http_body_resume(x);
        }
    }
}

void
http_server_destroy(struct http_server **server)
{
    struct http_server *s = *server;
    *server = NULL;
    if (s == NULL) {
        return;
    }
    assert(s->held == 0);
    s->closing = true;
    let_go(s, HTTP_DEADLINE_NEVER);
    let_go(s, HTTP_DEADLINE_GONE);
    if (s->resumed) {
        MHD_run(s->mhd); /* hands the last answers to the sockets */
    }
    loop_no_turn(s->loop, turn, s);
    loop_unwatch(s->loop, s->mhd_epoll);
    MHD_stop_daemon(s->mhd);
    http_tls_close(&s->tls);
    free(s);
}
