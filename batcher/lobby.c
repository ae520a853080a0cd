/* SPDX-License-Identifier: Apache-2.0 */
/* Few wait here and for seconds, so lists are walked. */
#include "batcher/lobby.h"

#include "base/clock.h"
#include "batcher/former_list.h"

void
lobby_init(struct lobby *l)
{
    *l = (struct lobby){.due_ns = TIME_NEVER};
}

void
lobby_add(struct lobby *l, struct item *it)
{
    it->in_lobby = true;
    it->entry.rows = 0;
    former_list_append(&l->items, &it->entry);
    if (it->entry.deadline_ns < l->due_ns) {
        l->due_ns = it->entry.deadline_ns;
    }
}

void
lobby_remove(struct lobby *l, struct item *it)
{
    it->in_lobby = false;
    former_list_remove(&l->items, &it->entry);
}

struct item *
lobby_expired(struct lobby *l, int64_t now_ns)
{
    if (now_ns < l->due_ns) {
        return NULL;
    }
    l->due_ns = TIME_NEVER;
    for (struct former_entry *e = l->items.first; e != NULL; e = e->next) {
        if (e->deadline_ns <= now_ns) {
            l->due_ns = now_ns;
            lobby_remove(l, item_of(e));
            return item_of(e);
        }
        l->due_ns = e->deadline_ns < l->due_ns ? e->deadline_ns : l->due_ns;
    }
    return NULL;
}

struct item *
lobby_take(struct lobby *l, int32_t partition)
{
    struct former_entry *e = l->items.first;
    while (e != NULL && partition >= 0 && e->partition != partition) {
        e = e->next;
    }
    if (e == NULL) {
        return NULL;
    }
    lobby_remove(l, item_of(e));
    return item_of(e);
}
