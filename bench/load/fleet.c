/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections and the schedule. A due request takes an idle connection or waits in
 * line for one; either way its clock runs from when it was due. Each connection is used
 * once before any is used twice, as servers close one that says nothing soon.
 * Connections that break count their request as failed and are opened again.
 */
#include "base/clock.h"
#include "bench/load/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 16384, EVENTS = 256, LATE_S = 60 };

struct connection {
    int fd;
    bool busy;
    int64_t due_ns;
    uint64_t wanted; /* hash in the right answer */
    struct buf out;
    size_t sent;
    char in[ANSWER_BYTES];
    size_t in_size;
};

struct fleet {
    const struct plan *plan;
    struct payload *payload;
    struct tally *tally;
    struct sockaddr_in address;
    struct connection *connections;
    struct connection **idle; /* stack */
    size_t idle_count;
    int64_t used; /* of the connections; those behind have sent nothing yet */
    int epoll;
    uint64_t begun; /* requests handed to connections */
    uint64_t finished;
    int64_t begin_ns; /* of what counts */
    int64_t end_ns;
    int64_t due_ns; /* of the next request */
    uint64_t random;
};

static bool
parse_address(const char *text, struct sockaddr_in *out)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *out =
        (struct sockaddr_in){.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static bool
connection_open(struct fleet *f, struct connection *c)
{
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 ||
        connect(c->fd, (const struct sockaddr *)&f->address, sizeof(f->address)) != 0) {
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->in_size = 0;
    c->busy = false;
    return epoll_ctl(f->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

static void
connection_broke(struct fleet *f, struct connection *c)
{
    /* Otherwise it stands among the idle ones and stays there. */
    bool was_busy = c->busy;
    if (was_busy) {
        tally_add(f->tally, ENDING_FAILED, 0, -errno);
        f->finished++;
    }
    close(c->fd);
    if (connection_open(f, c) && was_busy) {
        f->idle[f->idle_count++] = c;
    }
}

static void
connection_send(struct fleet *f, struct connection *c, int64_t due_ns)
{
    c->busy = true;
    c->due_ns = due_ns;
    c->sent = 0;
    buf_reset(&c->out);
    c->wanted = payload_write(f->payload, ++f->begun, &c->out);
    /* Blocking: a request of this size fits into the socket's buffer. */
    while (c->sent < c->out.size) {
        ssize_t n =
            send(c->fd, c->out.data + c->sent, c->out.size - c->sent, MSG_NOSIGNAL);
        if (n <= 0) {
            connection_broke(f, c);
            return;
        }
        c->sent += (size_t)n;
    }
}

/* Size of the whole answer, or 0 while its head is not complete. */
static size_t
answer_size(const struct connection *c, const char **body)
{
    const char *end = memmem(c->in, c->in_size, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    *body = end + 4;
    const char *length = memmem(c->in, (size_t)(end - c->in), "Content-Length: ", 16);
    size_t size = length == NULL ? 0 : strtoul(length + 16, NULL, 10);
    return (size_t)(*body - c->in) + size;
}

static enum ending
judge(const struct connection *c, const char *body, int code)
{
    if (code == 429 || code == 503) {
        return ENDING_REFUSED;
    }
    if (code != 200) {
        return ENDING_FAILED;
    }
    size_t size = c->in_size - (size_t)(body - c->in);
    const char *data = memmem(body, size, "\"data\":[", 8);
    if (data == NULL) {
        return ENDING_WRONG;
    }
    return strtoull(data + 8, NULL, 10) == c->wanted ? ENDING_RIGHT : ENDING_WRONG;
}

static void
connection_read(struct fleet *f, struct connection *c)
{
    ssize_t n =
        recv(c->fd, c->in + c->in_size, sizeof(c->in) - 1 - c->in_size, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0 || !c->busy) {
        connection_broke(f, c);
        return;
    }
    c->in_size += (size_t)n;
    c->in[c->in_size] = '\0';
    const char *body = NULL;
    size_t size = answer_size(c, &body);
    if (size == 0 || c->in_size < size) {
        return;
    }
    int64_t now_ns = clock_mono_ns();
    int code = atoi(c->in + 9);
    enum ending ending = judge(c, body, code);
    if (c->due_ns >= f->begin_ns || ending != ENDING_RIGHT) {
        tally_add(f->tally, ending, now_ns - c->due_ns, code);
    }
    f->finished++;
    c->busy = false;
    c->in_size = 0;
    f->idle[f->idle_count++] = c;
}

static bool
has_idle(const struct fleet *f)
{
    return f->used < f->plan->connections || f->idle_count > 0;
}

static struct connection *
take_idle(struct fleet *f)
{
    return f->used < f->plan->connections ? &f->connections[f->used++]
                                          : f->idle[--f->idle_count];
}

static double
random_unit(struct fleet *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return ((double)(f->random >> 11) + 0.5) / 9007199254740992.0;
}

static int64_t
gap_ns(struct fleet *f)
{
    double mean = 1e9 / f->plan->rate;
    return (int64_t)(f->plan->poisson ? -log(random_unit(f)) * mean : mean);
}

static bool
wants_more(const struct fleet *f, int64_t now_ns)
{
    const struct plan *p = f->plan;
    if (p->burst > 0) {
        return f->begun < (uint64_t)p->burst;
    }
    if (p->requests > 0) {
        return f->begun < (uint64_t)p->requests;
    }
    /* What was due is sent, however late: leaving it out would hide a stall at the end.
     */
    return p->rate > 0 ? f->due_ns < f->end_ns : now_ns < f->end_ns;
}

/* Sends what is due and returns the wait in ns until the next, -1 for none. */
static int64_t
send_due(struct fleet *f, int64_t now_ns)
{
    bool closed = f->plan->rate <= 0;
    while (has_idle(f) && wants_more(f, now_ns)) {
        if (!closed && f->due_ns > now_ns) {
            return f->due_ns - now_ns;
        }
        connection_send(f, take_idle(f), closed ? now_ns : f->due_ns);
        f->due_ns += closed ? 0 : gap_ns(f);
        now_ns = clock_mono_ns();
    }
    return -1;
}

static void
fleet_loop(struct fleet *f)
{
    struct epoll_event events[EVENTS];
    int64_t last_ns = f->end_ns + LATE_S * NS_PER_S;
    for (;;) {
        int64_t now_ns = clock_mono_ns();
        int64_t wait_ns = send_due(f, now_ns);
        if ((!wants_more(f, now_ns) && f->finished == f->begun) || now_ns > last_ns) {
            break;
        }
        wait_ns = wait_ns < 0 || wait_ns > 100 * NS_PER_MS ? 100 * NS_PER_MS : wait_ns;
        struct timespec wait = {.tv_nsec = wait_ns};
        int count = epoll_pwait2(f->epoll, events, EVENTS, &wait, NULL);
        for (int i = 0; i < count; i++) {
            connection_read(f, events[i].data.ptr);
        }
    }
    for (; f->finished < f->begun; f->finished++) {
        tally_add(f->tally, ENDING_FAILED, 0, -ETIMEDOUT);
    }
}

static bool
fleet_open(struct fleet *f)
{
    size_t count = (size_t)f->plan->connections;
    f->connections = calloc(count, sizeof(*f->connections));
    f->idle = calloc(count, sizeof(*f->idle));
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (f->connections == NULL || f->idle == NULL || f->epoll < 0 ||
        !parse_address(f->plan->address, &f->address)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        buf_init(&f->connections[i].out, (size_t)32 << 20);
        if (!connection_open(f, &f->connections[i])) {
            return false;
        }
    }
    return true;
}

static void
fleet_close(struct fleet *f)
{
    for (int64_t i = 0; f->connections != NULL && i < f->plan->connections; i++) {
        buf_fini(&f->connections[i].out);
        if (f->connections[i].fd > 0) {
            close(f->connections[i].fd);
        }
    }
    free(f->connections);
    free(f->idle);
    close(f->epoll);
}

bool
fleet_run(const struct plan *plan,
          struct payload *payload,
          struct tally *tally,
          double *seconds)
{
    struct fleet f = {.plan = plan,
                      .payload = payload,
                      .tally = tally,
                      .random = 0x9e3779b97f4a7c15U};
    bool good = fleet_open(&f);
    if (good) {
        int64_t now_ns = clock_mono_ns();
        f.begin_ns = now_ns + plan->warm_up_ns;
        f.end_ns = f.begin_ns + plan->duration_ns;
        f.due_ns = now_ns;
        fleet_loop(&f);
        int64_t counted = plan->burst > 0 || plan->requests > 0
                              ? clock_mono_ns() - f.begin_ns
                              : plan->duration_ns;
        *seconds = (double)counted / 1e9;
    }
    fleet_close(&f);
    return good;
}
