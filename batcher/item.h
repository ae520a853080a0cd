/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request from the moment its record was taken until its answer is acknowledged. It
 * keeps the record (all texts and tensors point into it), and the bytes of its answer.
 * Items are pooled: arena and buffers keep their memory, so none is allocated per
 * request in the steady state. Exactly one place holds an item at any time: the former,
 * a batch, or the outbox.
 */
#ifndef BATCHER_ITEM_H
#define BATCHER_ITEM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/uuid.h"
#include "batcher/former.h"
#include "batcher/outbox.h"
#include "bus/consumer.h"
#include "runner/protocol.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

struct item;
struct replier;
struct version;

/** A version is a number of 32 bits. */
enum { ITEM_VERSION_BYTES = 12 };

/** Where an answer goes. */
struct destination {
    struct producer_topic *topic;
    int32_t partition; /* or PARTITION_BY_KEY */
    bool is_ours;      /* the replies topic itself */
};

typedef void (*item_done_fn)(void *owner, struct item *it);
/** As intake_stage(). */
typedef bool (*item_stage_fn)(void *owner, struct item *it, uint32_t number);

struct item {
    struct former_entry entry;
    struct item *next; /* in a batch, or in the pool */
    struct record *record;
    struct request request; /* only the id is set if the record did not decode */
    struct arena arena;
    uint32_t epoch;                        /* assignment that the record came by */
    uint8_t input_order[SLOT_TENSORS_MAX]; /* model's i-th input = request's n-th */
    unsigned deaths;                       /* of the runner while this item ran alone */
    int64_t received_us;
    char version[ITEM_VERSION_BYTES]; /* of the model that answers, or "" */
    const struct version *server;     /* that it was given to last; compared only */
    bool in_lobby;
    struct replier *replier;
    struct destination destination;
    char key[UUID_TEXT]; /* of the answer: the id as text */
    struct parcel answer;
    struct buf answer_bytes;
    bool answer_is_last; /* a refused answer was already replaced by a small one */
    struct parcel dead_letter;
    unsigned parcels_open;
    unsigned parcels_staged; /* in transaction staged_in */
    uint32_t staged_in;
    enum status end;   /* STATUS_OK: every parcel was acknowledged */
    item_done_fn done; /* its last parcel ended */
    bool (*is_ours)(const void *owner, const struct item *it); /* to be answered here */
    item_stage_fn stage; /* in a transaction: its parcels are about to be committed */
    void *owner;         /* of the item, for its functions */
};

struct item_pool {
    struct item *free;
    size_t live;      /* taken and not given back */
    struct map by_id; /* those that were noted */
};

static inline struct item *
item_of(struct former_entry *entry)
{
    return (struct item *)(void *)((char *)entry - offsetof(struct item, entry));
}

/** Whether it came from the partition with an offset above `above`. */
static inline bool
item_is_above(const struct item *it, int32_t partition, int64_t above)
{
    return it->entry.partition == partition && it->entry.offset > above;
}

/** @param[in] seed of the map of ids, which come from outside */
void item_pool_init(struct item_pool *pool, uint64_t seed);

/** A clean item, or NULL without memory. */
struct item *item_take(struct item_pool *pool);

/** Makes it findable by its id until it is given back. Of two of one id (a record that
 * came twice) the first is found. */
void item_note(struct item_pool *pool, struct item *it);
/** The item of that id, or NULL. */
struct item *item_find(const struct item_pool *pool, const struct uuid *id);

/** Notes which version answers it; what is longer than any version is cut. */
void item_set_version(struct item *it, struct span version);

/** The bulk batch that its request is a line of. @return false: of none */
bool item_batch(const struct item *it, struct uuid *batch);

/** Releases the record and gives the item back. */
void item_give(struct item_pool *pool, struct item *it);

/** One of its parcels has ended; done is called after the last. */
void item_close_parcel(struct item *it);

/**
 * One of its parcels is about to be committed in transaction `number`.
 *
 * @return false: its partition is another member's now
 */
MUST_CHECK bool item_stage_parcel(struct item *it, uint32_t number);

/** Frees the pooled ones; none may be live. */
void item_pool_fini(struct item_pool *pool);

#endif
