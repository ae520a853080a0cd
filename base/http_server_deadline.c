/* SPDX-License-Identifier: Apache-2.0 */
/* Doubly linked lists, one for each kind of deadline; see the header for why. */
#include "base/http_server_deadline.h"

#include "base/clock.h"

#include <stddef.h>

void
http_deadline_clear(struct http_deadlines *all, struct http_deadline *deadline)
{
    if (deadline->kind == HTTP_DEADLINE_NONE) {
        return;
    }
    struct http_deadline_list *list = &all->lists[deadline->kind];
    if (deadline->previous == NULL) {
        list->first = deadline->next;
    } else {
        deadline->previous->next = deadline->next;
    }
    if (deadline->next == NULL) {
        list->last = deadline->previous;
    } else {
        deadline->next->previous = deadline->previous;
    }
    *deadline = (struct http_deadline){.kind = HTTP_DEADLINE_NONE};
}

void
http_deadline_arm(struct http_deadlines *all,
                  struct http_deadline *deadline,
                  enum http_deadline_kind kind,
                  int64_t now_ns)
{
    http_deadline_clear(all, deadline);
    struct http_deadline_list *list = &all->lists[kind];
    deadline->kind = kind;
    deadline->due_ns = now_ns + list->duration_ns;
    deadline->previous = list->last;
    if (list->last == NULL) {
        list->first = deadline;
    } else {
        list->last->next = deadline;
    }
    list->last = deadline;
}

struct http_deadline *
http_deadline_expire(struct http_deadlines *all, int64_t now_ns)
{
    for (int kind = 0; kind < HTTP_DEADLINE_KINDS; kind++) {
        struct http_deadline *first = all->lists[kind].first;
        if (first != NULL && first->due_ns <= now_ns) {
            http_deadline_clear(all, first);
            return first;
        }
    }
    return NULL;
}

int64_t
http_deadline_next(const struct http_deadlines *all)
{
    int64_t next_ns = TIME_NEVER;
    for (int kind = 0; kind < HTTP_DEADLINE_KINDS; kind++) {
        const struct http_deadline *first = all->lists[kind].first;
        if (first != NULL && first->due_ns < next_ns) {
            next_ns = first->due_ns;
        }
    }
    return next_ns;
}
