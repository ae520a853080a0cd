/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the batcher room: requests from Kafka, micro-batches to runners, replies
 * to Kafka, offsets committed behind them. One batcher is one loop and its runner
 * children.
 */
#ifndef BATCHER_BATCHER_H
#define BATCHER_BATCHER_H

#include "base/buf.h"
#include "base/loop.h"
#include "base/option.h"
#include "base/status.h"
#include "bus/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batcher;

struct batcher_config {
    const char *models;               /* models: the repository */
    const char *models_load;          /* models.load: "*" or names, comma-separated */
    bool models_lazy;                 /* models.lazy: loaded when they are asked */
    int64_t models_poll_ns;           /* models.poll.interval; 0 = never */
    int64_t models_memory_max;        /* models.memory.max; 0 = no limit */
    int64_t models_device_memory_max; /* models.device.memory.max, of each; 0 = none */
    const char *models_swap;          /* models.swap: beside, unload_first */
    const char *admin_listen;         /* admin.listen; NULL = off */
    const char
        *runner_command; /* runner.command; NULL: leat-runner beside the program */
    const char *runner_python;        /* runner.python: for platform=python */
    const char *runner_python_script; /* runner.python.script; NULL: where installed */
    int64_t runner_memory_max;        /* runner.memory.max; 0 = no limit */
    const char *group_instance;       /* group.instance.id; NULL = dynamic member */
    const char *reply_allow; /* reply.topics.allow: names or prefix*, comma-separated */
    const char *dead_letter_headers; /* dead.letters.headers */
    int64_t
        queue_requests_max; /* batcher.queue.requests: decoded and waiting, per model */
    int64_t queue_bytes_max; /* batcher.queue.bytes */
    int64_t run_timeout_ns;  /* batcher.run.timeout: a batch longer than this is dead */
    int64_t slot_bytes;      /* batcher.slot.bytes: slab of one batch */
    int64_t commit_interval_ns;      /* batcher.commit.interval */
    int64_t rebalance_timeout_ns;    /* rebalance.timeout: for what runs when partitions
                                        go */
    int64_t drain_timeout_ns;        /* drain.timeout */
    const char *guarantee;           /* processing.guarantee */
    int64_t transaction_interval_ns; /* transaction.interval */
    int64_t transaction_timeout_ns;  /* transaction.timeout */
};

extern const struct option batcher_options[];
extern const size_t batcher_option_count;

MUST_CHECK enum status batcher_create(struct batcher **out,
                                      struct loop *loop,
                                      const struct bus_config *bus,
                                      const struct batcher_config *config,
                                      struct fault *fault);

/** Models loaded and partitions assigned; otherwise `waiting_for` says what for. */
bool batcher_ready(const struct batcher *batcher, const char **waiting_for);

/** Models loaded, and partitions assigned, now: for the ready line. */
size_t batcher_models(const struct batcher *batcher);
size_t batcher_partitions(const struct batcher *batcher);

/** Address of the admin listener, NULL if off. */
const char *batcher_admin_address(const struct batcher *batcher);

/** SIGHUP: looks at the repository again. @blocks for the disk */
void batcher_reload(struct batcher *batcher);

/** All that is counted, and the memory of each model, in Prometheus' text format. */
void batcher_write_metrics(struct batcher *batcher, struct buf *out);

/** SIGTERM: finish what runs, give back the rest, commit, then stop the loop. */
void batcher_drain(struct batcher *batcher);

/**
 * 0; 1: a drain that could not finish in time, or transactions that Kafka refuses; 75:
 * the device is gone; 78: fenced by a twin.
 */
int batcher_exit_status(const struct batcher *batcher);

void batcher_destroy(struct batcher **batcher);

#endif
