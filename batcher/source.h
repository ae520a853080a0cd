/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read of a model's folder at one time; the versions that came of it share it
 * and the last of them closes it.
 */
#ifndef BATCHER_SOURCE_H
#define BATCHER_SOURCE_H

#include "batcher/repository.h"

#include <stddef.h>
#include <stdint.h>

struct source {
    struct repository_model model;
    struct repository_version placeholder; /* of a broken model without versions */
    size_t users;
};

/** Takes the model over, with one user. @return NULL without memory: it stays the
 * caller's */
struct source *source_create(struct repository_model *m);

/** One user more. */
struct source *source_share(struct source *s);

/** One less; NULL is accepted. */
void source_drop(struct source **source);

/** Versions to be served, at least one: a broken model has one that fails. */
size_t source_versions(const struct source *s);
const struct repository_version *source_version(const struct source *s, size_t i);

/** Bytes that a runner may be expected to take in memory beside its model. */
enum { SOURCE_RUNNER_BYTES = 16 * 1024 * 1024 };

/** Bytes of a version's files: what an instance of it may be expected to take before it
 * was ever measured. @blocks for the disk */
int64_t source_bytes(const struct repository_version *files);

#endif
