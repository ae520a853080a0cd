/* SPDX-License-Identifier: Apache-2.0 */
/* Entries in order: all that wait, by arrival, and what is given out. An entry stands
 * in one list at a time. Private to the former. */
#ifndef BATCHER_FORMER_LIST_H
#define BATCHER_FORMER_LIST_H

#include "batcher/former.h"

void former_list_append(struct former_list *list, struct former_entry *e);

/** The entry stands in the list. */
void former_list_remove(struct former_list *list, struct former_entry *e);

#endif
