/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the other instances are: the address at which each reply partition's owner
 * listens for the others. There is no second database: an instance shows its address
 * behind the `@` of its client.id in the group `<prefix>results`, and the coordinator
 * of the group says who was assigned what. What is known is a hint: an instance that
 * is asked decides itself whether it is the owner.
 */
#ifndef RESULTS_PEERS_H
#define RESULTS_PEERS_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/config.h"

#include <stdint.h>

struct peers;

enum { PEERS_CLIENT_ID_SIZE = 256, PEERS_ADDRESS_SIZE = 128 };

/**
 * The client.id that shows an address.
 *
 * @return STATUS_OK; STATUS_INVALID for what is no host:port or is too long
 */
MUST_CHECK enum status peers_client_id(const char *name,
                                       const char *address,
                                       char out[static PEERS_CLIENT_ID_SIZE]);

/**
 * The address that a client.id shows.
 *
 * @param[out] address set only on STATUS_OK
 * @return STATUS_OK; STATUS_NOT_FOUND: it shows none, or none that can be meant
 */
MUST_CHECK enum status
peers_address_of(const char *client_id, char address[static PEERS_ADDRESS_SIZE]);

struct peers_config {
    const char *group; /* borrowed for the life of the object */
    const char *topic; /* borrowed likewise */
    const char *own;   /* address of this instance, host:port */
};

/** @return also STATUS_INVALID: the own address cannot be shown */
MUST_CHECK enum status peers_create(struct peers **out,
                                    struct loop *loop,
                                    const struct bus_config *bus,
                                    const struct peers_config *config,
                                    struct fault *fault);

/** The client.id that shows the own address. */
const char *peers_own_id(const struct peers *peers);

/** @blocks up to 1 s */
void peers_destroy(struct peers **peers);

/** What is known may be wrong: the coordinator is asked soon, every second at most. */
void peers_refresh(struct peers *peers);

/**
 * Address of a partition's owner; NULL if it is not known. Between two assignments the
 * coordinator may still name this very instance: then it is not known, too. Valid
 * until the next turn.
 */
const char *peers_find(const struct peers *peers, int32_t partition);

/** @return monotonic time of the next call */
int64_t peers_turn(struct peers *peers, int64_t now_ns);

#endif
