/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model repository: models/<name>/model.properties and one folder per version,
 * named by its number; version.policy says which are served. A model that cannot be
 * read is listed with the reason, so that it can be announced as FAILED. Each model
 * stands for itself, so that one can be read anew while the others are served.
 */
#ifndef BATCHER_REPOSITORY_H
#define BATCHER_REPOSITORY_H

#include "base/arena.h"
#include "base/option.h"
#include "base/status.h"
#include "batcher/batching.h"
#include "batcher/mistakes.h"
#include "batcher/version_labels.h"
#include "batcher/version_policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_INSTANCES_MAX = 8 };

/** A version that the policy selects. */
struct repository_version {
    const char *name; /* "3" */
    uint32_t number;
    const char *path; /* of its folder; absolute */
    /* Of its files, the files beside them and model.properties (comments,
     * version.policy and labels aside): while it is the same, what was loaded is what
     * is there. That of a model that is broken is another one.
     * Whoever polls loads what stayed the same for two looks: before, it may be half
     * copied. */
    uint64_t fingerprint;
};

/** One model of the repository; moved by a copy of the struct. */
struct repository_model {
    struct arena arena; /* of every text below */
    const char *name;
    const char *file;    /* its model.properties */
    const char *version; /* of the newest that is served; "1" if there is no folder */
    const char *path;    /* of its folder, or of the model's own */
    struct repository_version *versions; /* newest first */
    size_t version_count;                /* 0 only where `broken` is set */
    struct version_policy policy;        /* version.policy */
    unsigned policy_line;                /* of the file; 0: it says nothing */
    struct version_labels labels;        /* version.label.NAME */
    uint64_t terms;          /* a hash of what the versions are loaded with */
    const char *platform;    /* platform */
    const char *device;      /* device; "cpu" by default */
    uint32_t max_batch_size; /* max.batch.size; 0 = does not batch */
    uint32_t instances;      /* instances */
    bool allow_nan;          /* outputs.nan=allow */
    bool lazy;               /* lazy=true: loaded when it is asked */
    int64_t memory_max;      /* memory.max; 0 = no limit, -1 = runner.memory.max */
    int64_t load_timeout_ns; /* load.timeout */
    struct batching batching;
    struct property_list properties; /* for the runner */
    unsigned *property_lines;        /* of each, in model.properties */
    struct mistakes mistakes;        /* all that is wrong with it */
    const char *broken; /* why it cannot be loaded, the first mistake; or NULL */
};

struct repository {
    struct repository_model *models; /* by name */
    size_t count;
};

/**
 * Reads the repository.
 *
 * @param[in]  load "*" or the names wanted, comma-separated
 * @param[out] out to be closed also on error
 * @return STATUS_OK; STATUS_NOT_FOUND for a folder or a wanted model that is not there;
 *         STATUS_INVALID; STATUS_IO; STATUS_NO_MEMORY, with the reason
 * @blocks for the disk
 */
MUST_CHECK enum status repository_open(struct repository *out,
                                       const char *path,
                                       const char *load,
                                       struct fault *fault);
void repository_close(struct repository *r);

/**
 * Reads one model, for the first time or anew.
 *
 * @param[in]  repository the folder of the models
 * @param[out] out to be closed by repository_model_close() on STATUS_OK; what is wrong
 *             with it is told in `mistakes` and `broken`
 * @return STATUS_OK; STATUS_NOT_FOUND: there is no such folder; STATUS_NO_MEMORY
 * @blocks for the disk
 */
MUST_CHECK enum status repository_read_model(struct repository_model *out,
                                             const char *repository,
                                             const char *name);
void repository_model_close(struct repository_model *m);

/** The line of model.properties that a reason of the runner's begins with the key of;
 * 0: it does not. */
unsigned repository_model_line_of(const struct repository_model *m, const char *reason);

/** The highest number among the version folders of a model's folder; 0: there is none.
 * @blocks for the disk */
uint32_t repository_newest_version(const char *folder);

/** The device that it takes memory on beside the host's, or NULL: a cpu has no other.
 */
const char *repository_model_accelerator(const struct repository_model *m);

/** Letters, digits, dots, dashes and underscores, up to 200; no dot in front. */
bool repository_is_model_name(const char *name);

#endif
