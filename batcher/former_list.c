/* SPDX-License-Identifier: Apache-2.0 */
/* Linked both ways, so that an entry leaves wherever it stands. */
#include "batcher/former_list.h"

void
former_list_append(struct former_list *list, struct former_entry *e)
{
    e->previous = list->last;
    e->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = e;
    list->last = e;
    list->count++;
    list->rows += e->rows;
}

void
former_list_remove(struct former_list *list, struct former_entry *e)
{
    *(e->previous != NULL ? &e->previous->next : &list->first) = e->next;
    *(e->next != NULL ? &e->next->previous : &list->last) = e->previous;
    list->count--;
    list->rows -= e->rows;
}
