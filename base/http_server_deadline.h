/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines of the server's connections. Every kind has one duration, so each kind is a
 * list in order of arming and the head is the next to expire: arming, clearing and
 * finding the next are O(1). Belongs to http_server. Pure.
 */
#ifndef BASE_HTTP_SERVER_DEADLINE_H
#define BASE_HTTP_SERVER_DEADLINE_H

#include <stdint.h>

enum http_deadline_kind {
    HTTP_DEADLINE_NONE,
    HTTP_DEADLINE_HEAD,   /* the head is being received */
    HTTP_DEADLINE_BODY,   /* the body is being received */
    HTTP_DEADLINE_IDLE,   /* between two requests */
    HTTP_DEADLINE_LINGER, /* the client closed its side, or was shut down by us */
    HTTP_DEADLINE_GONE,   /* its holder is to be told that the client went away */
    HTTP_DEADLINE_WRITE,  /* whether it takes its answer is to be looked at */
    HTTP_DEADLINE_NEVER,  /* suspended: the next move is the holder's */
    HTTP_DEADLINE_KINDS
};

/* Embedded in a connection; zeroed = on no list. */
struct http_deadline {
    struct http_deadline *previous;
    struct http_deadline *next;
    int64_t due_ns;
    enum http_deadline_kind kind;
};

struct http_deadline_list {
    struct http_deadline *first;
    struct http_deadline *last;
    int64_t duration_ns;
};

struct http_deadlines {
    struct http_deadline_list lists[HTTP_DEADLINE_KINDS];
};

/** Moves a deadline to the kind's list; it is due the kind's duration from now. */
void http_deadline_arm(struct http_deadlines *all,
                       struct http_deadline *deadline,
                       enum http_deadline_kind kind,
                       int64_t now_ns);

/** Takes a deadline off its list; one that is on none is left alone. */
void http_deadline_clear(struct http_deadlines *all, struct http_deadline *deadline);

/** One that is due, taken off its list; NULL if none is. */
struct http_deadline *http_deadline_expire(struct http_deadlines *all, int64_t now_ns);

/** When the next is due, or TIME_NEVER. */
int64_t http_deadline_next(const struct http_deadlines *all);

#endif
