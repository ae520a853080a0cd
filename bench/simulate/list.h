/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queues of waiting requests for the reference policies, made of the links and the heap
 * node inside a former's entry: first come first served, or earliest deadline first.
 */
#ifndef BENCH_SIMULATE_LIST_H
#define BENCH_SIMULATE_LIST_H

#include "batcher/former.h"

void list_append(struct former_list *list, struct former_entry *e);

/** The first, or NULL. */
struct former_entry *list_pop(struct former_list *list);

/** Makes a heap that orders by deadline, then by arrival. */
void deadline_heap_init(struct heap *h);

/** Without memory the program ends: a simulation has no other way on. */
void deadline_heap_add(struct heap *h, struct former_entry *e);

/** The earliest deadline, or NULL. */
struct former_entry *deadline_heap_head(const struct heap *h);

/** Moves the head to the end of a list. */
void deadline_heap_move(struct heap *h, struct former_list *list);

#endif
