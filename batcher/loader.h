/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a model loaded: starts its runner, sends `load` for every instance, and when
 * the runner dies starts another after a while that grows up to 10 s. A model that
 * cannot be loaded the first time, or not within its load.timeout, is given up; one
 * that was loaded once is not.
 */
#ifndef BATCHER_LOADER_H
#define BATCHER_LOADER_H

#include "base/loop.h"
#include "base/span.h"
#include "base/status.h"
#include "batcher/instance.h"
#include "batcher/repository.h"
#include "batcher/runner_command.h"
#include "batcher/runner_memory.h"
#include "batcher/runner_process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loader_events {
    /** The first instance is loaded, for the first time: its tensors. An error gives
     * the model up. */
    enum status (*described)(void *arg, struct span message, struct fault *fault);
    /** An instance is loaded; first: of this runner. What it measured in its warm-up.
     */
    void (*measured)(void *arg, struct span message, bool first);
    /** Every instance is loaded. */
    void (*loaded)(void *arg);
    /** The runner died, whatever it ran is over; another one follows. */
    void (*died)(void *arg, const char *how);
    /** Another runner found too little memory on its device; tried again in a while. */
    void (*starved)(void *arg);
    /** It cannot be loaded, for good. @param[in] no_memory its device had too little */
    void (*failed)(void *arg, const char *reason, bool no_memory);
};

struct loader {
    struct loop *loop;
    struct runner_programs programs;
    const struct repository_model *source;
    const struct repository_version *files;
    struct instance *instances;
    unsigned instance_count;
    struct loader_events events;
    void *arg;
    struct runner_memory memory; /* bytes_max is set by the caller */
    struct runner_process *runner;
    unsigned loaded; /* instances of this runner */
    unsigned deaths; /* before the first load */
    bool was_loaded; /* once */
    bool given_up;
    bool ending;           /* loader_unload() */
    char kill_reason[120]; /* we killed it; "": we did not */
    int64_t start_at_ns;   /* of the next runner; TIME_NEVER = not */
    int64_t load_until_ns; /* TIME_NEVER = nothing loads */
    int64_t kill_at_ns;    /* if it has not ended by then; TIME_NEVER = not */
    int64_t backoff_ns;
};

/** Everything else in the struct is set by the caller before. */
void loader_init(struct loader *l);

/** Kills the runner without a word to anybody. */
void loader_stop(struct loader *l);

/** Has the runner end by itself, or kills it after a while; nothing is started any
 * more. No batch may be in it. */
void loader_unload(struct loader *l, int64_t now_ns);

/** There is no runner, and there will be none: after loader_unload(), or given up. */
bool loader_is_over(const struct loader *l);

/** Bytes that the runner has resident now; 0 if that is not known. */
int64_t loader_memory(const struct loader *l);

/** Does what is due. @return when it wants to be called next */
int64_t loader_turn(struct loader *l, int64_t now_ns);

/** Whether the runner keeps to its memory. */
enum memory_verdict loader_memory_verdict(struct loader *l, int64_t now_ns);

/** Kills the runner, for a reason of ours. */
void loader_kill(struct loader *l, const char *reason);

/** The runner does its work: the next death is followed by a start at once. */
void loader_praise(struct loader *l);

#endif
