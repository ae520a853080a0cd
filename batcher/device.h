/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices that models share. A device has lanes: instance i of every model that
 * names the device runs on its lane i, one batch at a time. A lane knows the batches
 * under way on it, over all models, and when it is expected to be free; whenever a
 * batch may be closed it asks its users and closes that of the earliest latest start.
 *
 * A batch behind one of another user is staged and held: it is handed over when that
 * one has ended. Behind its own user's it is handed over at once, so that the runner
 * may prepare it while the other runs. Pure: told the time, does nothing itself.
 */
#ifndef BATCHER_DEVICE_H
#define BATCHER_DEVICE_H

#include "base/clock.h"
#include "base/status.h"
#include "batcher/former.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEVICE_LANES = 8 };

struct device_lane;

/** The lane as its users see it when they are asked. */
struct lane_state {
    int64_t now_ns;
    int64_t free_ns;    /* when it is expected to be free; <= now: it is idle */
    unsigned under_way; /* batches staged or running on it */
    int64_t late_ns;    /* how late the loop came to what was due; 0 for an event */
};

/** What a user of a lane does; @param[in] arg and index those of the user. */
struct lane_ops {
    /** When it would close its next batch, and how urgent that is. Changes nothing. */
    void (*plan)(void *arg,
                 unsigned index,
                 const struct lane_state *state,
                 struct former_plan *plan);
    /** Closes a batch: device_lane_begin(). @return false: there was nothing */
    bool (*close)(void *arg, unsigned index, const struct lane_state *state);
    /** The batch in that slot, held so far, may run. */
    void (*hand_over)(void *arg, unsigned index, unsigned slot, int64_t now_ns);
    /** Work waits that could run. */
    bool (*waits)(const void *arg);
};

/** An instance of a model on its lane; embedded in its owner. */
struct lane_user {
    const struct lane_ops *ops;
    void *arg;
    unsigned index; /* of the instance */
    struct device_lane *lane;
    struct lane_user *next;
};

/** A batch under way. */
struct lane_batch {
    const struct lane_user *user;
    unsigned slot;
    int64_t closed_ns;
    int64_t staged_ns; /* when it could begin */
    int64_t run_ns;    /* expected */
    bool held;         /* not handed over yet */
};

struct device_lane {
    struct lane_user *users;
    struct lane_batch batches[FORMER_DEPTH]; /* in the order in which they run */
    unsigned count;
    int64_t ended_ns; /* of the last batch on it; 0 = none yet */
    bool work_waited; /* at that moment */
    int64_t due_ns;   /* when it asked to be called; TIME_NEVER = not */
};

struct device {
    struct device *next;
    struct device_lane lanes[DEVICE_LANES];
    char name[];
};

/** All devices of a batcher. */
struct devices {
    struct device *first;
};

/** The device of that name, new if need be; NULL without memory. */
struct device *devices_find(struct devices *d, const char *name);
void devices_fini(struct devices *d);

/** Closes what may be closed on every lane. @return when it wants to be called next */
int64_t devices_dispatch(struct devices *d, int64_t now_ns);

/** A user joins lane `index` of a device, and leaves it when nothing of it is there. */
void device_join(struct device *d, struct lane_user *user);
void device_leave(struct lane_user *user);

/** When the lane is expected to be free of all that is under way. */
int64_t device_lane_free_ns(const struct device_lane *lane, int64_t now_ns);

/** Closes what may be closed now. @return when it wants to be called next */
int64_t device_lane_dispatch(struct device_lane *lane, int64_t now_ns);

/**
 * A batch was closed for the lane, which has under FORMER_DEPTH.
 *
 * @param[in] b slot, closed_ns, staged_ns and run_ns
 * @return true: hand it over now; false: hand_over() says when
 */
bool device_lane_begin(struct lane_user *user, const struct lane_batch *b);

/** What was before a batch on its lane. */
struct lane_past {
    int64_t ended_ns; /* of the batch before; 0 = there was none */
    bool work_waited; /* then, for the lane: idle time since is time lost */
};

/** A batch ended; the one behind it is handed over if it was held. @param[in] ended_ns
 * not after now_ns */
struct lane_past device_lane_end(const struct lane_user *user,
                                 unsigned slot,
                                 int64_t ended_ns,
                                 int64_t now_ns);

/** A batch will not run, or its runner died: its place is free. */
void device_lane_withdraw(const struct lane_user *user, unsigned slot, int64_t now_ns);

#endif
