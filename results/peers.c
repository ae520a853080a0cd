/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refresh that is wanted stays wanted until an answer came that was asked for after
 * it: an answer under way may tell of the time before.
 */
#include "results/peers.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/group_members.h"
#include "results/owner.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first question after a change goes at once, the next ones after this. */
#define ASK_EVERY_NS NS_PER_S

/* A group that is being rebalanced has no answer yet, and soon has. */
#define ASK_AGAIN_NS (100 * NS_PER_MS)

struct peer {
    char address[PEERS_ADDRESS_SIZE]; /* "" = not known */
};

struct peers {
    struct loop *loop;
    struct group_members *members;
    struct peer *by_partition;
    size_t count;
    char own[PEERS_ADDRESS_SIZE];
    char own_id[PEERS_CLIENT_ID_SIZE];
    bool wanted;
    bool asking;
    int64_t due_ns; /* not asked before */
};

static bool
is_address_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr(".-_:[]", c) != NULL;
}

/* host:port as it can stand in a URL; who it leads to is for the token to say. */
static bool
is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0' ||
        strlen(text) >= PEERS_ADDRESS_SIZE) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (!is_address_byte(*c) || (c > colon && (*c < '0' || *c > '9'))) {
            return false;
        }
    }
    return true;
}

enum status
peers_client_id(const char *name,
                const char *address,
                char out[static PEERS_CLIENT_ID_SIZE])
{
    int size = snprintf(out, PEERS_CLIENT_ID_SIZE, "%s@%s", name, address);
    bool fits = size > 0 && size < PEERS_CLIENT_ID_SIZE;
    return fits && is_address(address) ? STATUS_OK : STATUS_INVALID;
}

enum status
peers_address_of(const char *client_id, char address[static PEERS_ADDRESS_SIZE])
{
    const char *at = strrchr(client_id, '@');
    if (at == NULL || !is_address(at + 1)) {
        return STATUS_NOT_FOUND;
    }
    snprintf(address, PEERS_ADDRESS_SIZE, "%s", at + 1);
    return STATUS_OK;
}

static bool
reserve(struct peers *p, const struct group_share *shares, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        bool usable =
            shares[i].partition >= 0 && shares[i].partition < OWNER_PARTITIONS_MAX;
        size_t needed = usable ? (size_t)shares[i].partition + 1 : 0;
        most = needed > most ? needed : most;
    }
    if (most > p->count) {
        struct peer *more = realloc(p->by_partition, most * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        p->by_partition = more;
        p->count = most;
    }
    if (p->count > 0) {
        memset(p->by_partition, 0, p->count * sizeof(*p->by_partition));
    }
    return true;
}

static void
on_members(void *arg,
           enum status status,
           const struct group_share *shares,
           size_t count)
{
    struct peers *p = arg;
    p->asking = false;
    if (status != STATUS_OK || !reserve(p, shares, count)) {
        p->wanted = true;
        p->due_ns = clock_mono_ns() + ASK_AGAIN_NS;
        loop_wake(p->loop);
        return;
    }
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)shares[i].partition;
        if (shares[i].partition >= 0 && at < p->count &&
            peers_address_of(shares[i].client_id, p->by_partition[at].address) ==
                STATUS_OK) {
            known++;
        }
    }
    log_debug("peers_read", log_int("partitions", (int64_t)known));
    loop_wake(p->loop);
}

enum status
peers_create(struct peers **out,
             struct loop *loop,
             const struct bus_config *bus,
             const struct peers_config *config,
             struct fault *fault)
{
    struct peers *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the peers");
    }
    p->loop = loop;
    const struct group_members_config members = {
        .group = config->group, .topic = config->topic, .fn = on_members, .arg = p};
    enum status status = peers_client_id(bus->client_id, config->own, p->own_id);
    if (status != STATUS_OK) {
        fault_set(fault, status, "other instances cannot be told of %s", config->own);
    } else {
        snprintf(p->own, sizeof(p->own), "%s", config->own);
        status = group_members_create(&p->members, loop, bus, &members, fault);
    }
    if (status != STATUS_OK) {
        free(p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void
peers_destroy(struct peers **peers)
{
    struct peers *p = *peers;
    *peers = NULL;
    if (p == NULL) {
        return;
    }
    group_members_destroy(&p->members);
    free(p->by_partition);
    free(p);
}

void
peers_refresh(struct peers *peers)
{
    if (!peers->wanted) {
        peers->wanted = true;
        loop_wake(peers->loop);
    }
}

const char *
peers_own_id(const struct peers *peers)
{
    return peers->own_id;
}

const char *
peers_find(const struct peers *peers, int32_t partition)
{
    if (partition < 0 || (size_t)partition >= peers->count) {
        return NULL;
    }
    const char *address = peers->by_partition[partition].address;
    return address[0] == '\0' || strcmp(address, peers->own) == 0 ? NULL : address;
}

int64_t
peers_turn(struct peers *peers, int64_t now_ns)
{
    if (!peers->wanted || peers->asking) {
        return TIME_NEVER;
    }
    if (now_ns < peers->due_ns) {
        return peers->due_ns;
    }
    peers->wanted = false;
    peers->asking = true;
    peers->due_ns = now_ns + ASK_EVERY_NS;
    group_members_ask(peers->members);
    return TIME_NEVER;
}
