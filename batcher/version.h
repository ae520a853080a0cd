/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One version of a model: its files, and while it is loaded its runner, its tensors and
 * the dispatcher with what waits for it. The runner is a process of the version's own,
 * so that a death is its doing and two versions stand side by side while one takes over
 * from the other.
 *
 * UNLOADED -> LOADING -> READY <-> UNAVAILABLE (the runner died, another one loads), or
 * FAILED when the first load fails. A version that leaves takes nothing new, finishes
 * what it has, ends its runner and is UNLOADED. So is one whose first load found no
 * memory on its device: it is `starved`, and whoever knows the others has it tried
 * again.
 */
#ifndef BATCHER_VERSION_H
#define BATCHER_VERSION_H

#include "base/arena.h"
#include "base/loop.h"
#include "base/status.h"
#include "batcher/batcher.h"
#include "batcher/device.h"
#include "batcher/dispatcher.h"
#include "batcher/loader.h"
#include "batcher/model_spec.h"
#include "batcher/outbox.h"
#include "batcher/source.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stdint.h>

/** What the versions of a model have in common. */
struct version_context {
    struct loop *loop;
    const struct batcher_config *config;
    struct devices *devices;
    const struct outbox *outbox;
    const struct dispatcher_events *items; /* their arg is the version */
    void (*changed)(void *arg);            /* some version's state is another now */
    void *arg;
};

struct version {
    struct version *next;
    struct version_context context;
    struct source *source;
    const struct repository_version *files;
    bool wanted;  /* by the repository, as it was read last */
    bool leaving; /* takes nothing new */
    enum model_state state;
    struct model_spec spec; /* tensors from the first load on */
    struct arena names;     /* of the spec */
    struct loader loader;
    struct dispatcher dispatcher;
    bool open;            /* it has a dispatcher and a loader */
    int64_t memory_bytes; /* of its runner, as measured last; 0 = never */
    int64_t device_bytes; /* of its device, as told last, or expected */
    int64_t told_bytes;   /* of its device, by the instances of this runner so far */
    bool starved;         /* the last load of a runner found no memory on the device */
    bool room_made;       /* since then: it may be tried again */
    bool had_device;      /* the load after room_made has it for itself */
    unsigned starvings;   /* loads in a row that ended so */
    int64_t loaded_ns;    /* when it became READY first since it was loaded */
    char reason[240];
};

/** Not loaded. @param[in] source one user is added @return NULL without memory */
struct version *version_create(const struct version_context *context,
                               struct source *source,
                               const struct repository_version *files);

/** Kills its runner and drops what is not answered. */
void version_stop(struct version *v);

/** After version_stop(), or UNLOADED or FAILED and not open. */
void version_destroy(struct version **version);

/** Begins to load what is UNLOADED or FAILED, and not open. */
void version_load(struct version *v);

/** Takes nothing new from now on; UNLOADED when all it has is answered. */
void version_leave(struct version *v);

/** Does what is due. @return when it wants to be called next */
int64_t version_turn(struct version *v, int64_t now_ns);

/** Requests may be given to it: it is loaded, or will be again at once. */
bool version_takes(const struct version *v);

/** Nothing of it waits or runs. */
bool version_is_empty(const struct version *v);

/** Same number, same files. */
bool version_is_of(const struct version *v, const struct repository_version *files);

/** Measures the memory of its runner. */
void version_measure(struct version *v);

/** The device whose memory it takes beside the host's; NULL = none. */
const char *version_device(const struct version *v);

/** Bytes that it takes of a memory (resident.h), or would if it were loaded. */
int64_t version_memory(const struct version *v, const char *where);

/** It is starved no more: it loads, or nobody asks for it. */
void version_sate(struct version *v);

/** FAILED, with the reason of its last load; not open. */
void version_give_up(struct version *v);

/** As announced; spans live until the version changes. */
struct model_info version_info(const struct version *v);

#endif
