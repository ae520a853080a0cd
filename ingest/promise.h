/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was refused and told when to come back, by model and by what he asked: who asks
 * the same again is taken for the same. Those due about now are kept room for, so that
 * others who come by chance do not take it; who does not come loses it a moment later.
 * Pure, bounded; a promise beyond the bound is not remembered.
 */
#ifndef INGEST_PROMISE_H
#define INGEST_PROMISE_H

#include "base/uuid.h"
#include "ingest/catalogue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROMISES_MAX = 65536, PROMISE_BUCKETS = 8192 };

struct promise;

/** Of one model, by the instant. */
struct promise_line {
    struct promise *first;
    struct promise *last;
    struct promise *edge; /* the first that is not due about now */
    int64_t near;         /* those before it */
};

struct promises {
    struct promise_line lines[CATALOGUE_MODELS_MAX];
    struct promise *buckets[PROMISE_BUCKETS];
    size_t count;
};

/** All zero is an empty one. */
void promises_fini(struct promises *p);

/** How many of a model are due about now and have not come. */
int64_t promises_near(struct promises *p, size_t model, int64_t now_ns);

/** @param[in] due_ns not before that of the model's last one */
void
promises_make(struct promises *p, size_t model, const struct uuid *key, int64_t due_ns);

/** Whether this one is due; then it is over. */
bool promises_claim(struct promises *p,
                    size_t model,
                    const struct uuid *key,
                    int64_t now_ns);

#endif
