/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time at which a lane is free is not kept but folded from what is under way: each
 * batch starts when it is staged and the one before has ended, and takes what its model
 * says. The end of a batch, as it really was, is where the fold begins.
 */
#include "batcher/device.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Devices. */

struct device *
devices_find(struct devices *d, const char *name)
{
    struct device **link = &d->first;
    while (*link != NULL && strcmp((*link)->name, name) != 0) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        size_t size = strlen(name) + 1;
        *link = calloc(1, sizeof **link + size);
        if (*link == NULL) {
            return NULL;
        }
        memcpy((*link)->name, name, size);
        for (unsigned i = 0; i < DEVICE_LANES; i++) {
            (*link)->lanes[i].due_ns = TIME_NEVER;
        }
    }
    return *link;
}

void
devices_fini(struct devices *d)
{
    while (d->first != NULL) {
        struct device *next = d->first->next;
        free(d->first);
        d->first = next;
    }
}

void
device_join(struct device *d, struct lane_user *user)
{
    user->lane = &d->lanes[user->index];
    struct lane_user **link = &user->lane->users;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    user->next = NULL;
    *link = user;
}

void
device_leave(struct lane_user *user)
{
    struct lane_user **link = &user->lane->users;
    while (*link != user) {
        link = &(*link)->next;
    }
    *link = user->next;
    user->lane = NULL;
}

/* A lane. */

int64_t
device_lane_free_ns(const struct device_lane *lane, int64_t now_ns)
{
    int64_t free_ns = lane->ended_ns;
    for (unsigned i = 0; i < lane->count; i++) {
        const struct lane_batch *b = &lane->batches[i];
        /* What has not ended ends now at the earliest. */
        free_ns = later(later(b->staged_ns, free_ns) + b->run_ns, now_ns);
    }
    return free_ns;
}

/** Of those who would close now, the one who must start first; sooner: when the next
 * one would close. */
static const struct lane_user *
most_urgent(const struct device_lane *lane,
            const struct lane_state *state,
            int64_t *sooner_ns)
{
    const struct lane_user *best = NULL;
    int64_t earliest_ns = TIME_NEVER;
    *sooner_ns = TIME_NEVER;
    for (const struct lane_user *u = lane->users; u != NULL; u = u->next) {
        struct former_plan plan;
        u->ops->plan(u->arg, u->index, state, &plan);
        if (plan.close_ns > state->now_ns) {
            *sooner_ns = plan.close_ns < *sooner_ns ? plan.close_ns : *sooner_ns;
        } else if (best == NULL || plan.latest_start_ns < earliest_ns) {
            best = u;
            earliest_ns = plan.latest_start_ns;
        }
    }
    return best;
}

int64_t
device_lane_dispatch(struct device_lane *lane, int64_t now_ns)
{
    struct lane_state state = {.now_ns = now_ns};
    state.late_ns = lane->due_ns < now_ns ? now_ns - lane->due_ns : 0;
    lane->due_ns = TIME_NEVER;
    bool more = true;
    while (more && lane->count < FORMER_DEPTH) {
        state.free_ns = device_lane_free_ns(lane, now_ns);
        state.under_way = lane->count;
        const struct lane_user *u = most_urgent(lane, &state, &lane->due_ns);
        more = u != NULL && u->ops->close(u->arg, u->index, &state);
    }
    if (lane->count >= FORMER_DEPTH) {
        lane->due_ns = TIME_NEVER;
    }
    return lane->due_ns;
}

bool
device_lane_begin(struct lane_user *user, const struct lane_batch *b)
{
    struct device_lane *lane = user->lane;
    struct lane_batch *mine = &lane->batches[lane->count];
    *mine = *b;
    mine->user = user;
    mine->held = lane->count > 0 && (mine[-1].user != user || mine[-1].held);
    lane->count++;
    return !mine->held;
}

static struct lane_batch
lane_remove(struct device_lane *lane, const struct lane_user *user, unsigned slot)
{
    unsigned at = 0;
    while (at < lane->count &&
           (lane->batches[at].user != user || lane->batches[at].slot != slot)) {
        at++;
    }
    assert(at < lane->count && "what ends was begun");
    struct lane_batch removed = lane->batches[at];
    lane->count--;
    memmove(&lane->batches[at], &lane->batches[at + 1],
            (lane->count - at) * sizeof removed);
    return removed;
}

static void
hand_over_next(struct device_lane *lane, int64_t now_ns)
{
    const struct lane_user *user = lane->count > 0 ? lane->batches[0].user : NULL;
    for (unsigned i = 0; i < lane->count && lane->batches[i].user == user; i++) {
        struct lane_batch *b = &lane->batches[i];
        if (b->held) {
            b->held = false;
            user->ops->hand_over(user->arg, user->index, b->slot, now_ns);
        }
    }
}

static bool
work_waits(const struct device_lane *lane)
{
    const struct lane_user *u = lane->users;
    while (u != NULL && !u->ops->waits(u->arg)) {
        u = u->next;
    }
    return u != NULL;
}

struct lane_past
device_lane_end(const struct lane_user *user,
                unsigned slot,
                int64_t ended_ns,
                int64_t now_ns)
{
    struct device_lane *lane = user->lane;
    const struct lane_batch b = lane_remove(lane, user, slot);
    const struct lane_past past = {.ended_ns = lane->ended_ns,
                                   .work_waited = lane->work_waited ||
                                                  b.closed_ns < lane->ended_ns};
    lane->ended_ns = ended_ns;
    lane->work_waited = work_waits(lane);
    hand_over_next(lane, now_ns);
    return past;
}

void
device_lane_withdraw(const struct lane_user *user, unsigned slot, int64_t now_ns)
{
    struct device_lane *lane = user->lane;
    const struct lane_batch first = lane->batches[0];
    (void)lane_remove(lane, user, slot);
    if (first.user == user && first.slot == slot) {
        lane->ended_ns = now_ns;
        lane->work_waited = false;
    }
    hand_over_next(lane, now_ns);
}

/** The lane that is free first of those not done yet, or NULL. */
static struct device_lane *
next_free(struct device *d, const bool done[static DEVICE_LANES], int64_t now_ns)
{
    struct device_lane *first = NULL;
    int64_t first_ns = TIME_NEVER;
    for (unsigned i = 0; i < DEVICE_LANES; i++) {
        struct device_lane *lane = &d->lanes[i];
        if (done[i] || lane->users == NULL) {
            continue;
        }
        int64_t free_ns = lane->count == 0 ? 0 : device_lane_free_ns(lane, now_ns);
        if (free_ns < first_ns) {
            first = lane;
            first_ns = free_ns;
        }
    }
    return first;
}

/** What may be closed goes to the lane that can run it first. */
static int64_t
device_dispatch(struct device *d, int64_t now_ns)
{
    bool done[DEVICE_LANES] = {false};
    int64_t due_ns = TIME_NEVER;
    struct device_lane *lane = next_free(d, done, now_ns);
    while (lane != NULL) {
        int64_t lane_ns = device_lane_dispatch(lane, now_ns);
        due_ns = lane_ns < due_ns ? lane_ns : due_ns;
        done[lane - d->lanes] = true;
        lane = next_free(d, done, now_ns);
    }
    return due_ns;
}

int64_t
devices_dispatch(struct devices *devices, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    for (struct device *d = devices->first; d != NULL; d = d->next) {
        int64_t device_ns = device_dispatch(d, now_ns);
        due_ns = device_ns < due_ns ? device_ns : due_ns;
    }
    return due_ns;
}
