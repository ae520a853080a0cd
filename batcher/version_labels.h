/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for versions of a model: `version.label.stable=2` lets a request say `stable`
 * where it may say `2`. A label that is moved points at the version it had before until
 * the new one can answer, so moving it never makes a request wait or fail. Pure.
 */
#ifndef BATCHER_VERSION_LABELS_H
#define BATCHER_VERSION_LABELS_H

#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How the keys of model.properties begin. */
#define VERSION_LABEL_KEY "version.label."

enum { VERSION_LABELS_MAX = 32, VERSION_LABEL_BYTES = 64 };

struct version_label {
    char name[VERSION_LABEL_BYTES];
    unsigned line;   /* of model.properties */
    uint32_t number; /* of the version it points at */
    uint32_t before; /* that it points at until `number` can answer; 0 = none */
};

struct version_labels {
    struct version_label items[VERSION_LABELS_MAX];
    size_t count;
};

/** Letters, digits, - and _, under VERSION_LABEL_BYTES; no number, since that is a
 * version. */
bool version_label_is_name(const char *name);

/** @param[in] name one that version_label_is_name(), not yet there
 * @return STATUS_OK; STATUS_FULL over VERSION_LABELS_MAX */
MUST_CHECK enum status version_labels_add(struct version_labels *labels,
                                          const char *name,
                                          uint32_t number,
                                          unsigned line);

/** The label of that name, or NULL. */
const struct version_label *
version_labels_find(const struct version_labels *labels, struct span name);

/** The same names point at the same versions; where they did before does not count. */
bool
version_labels_equal(const struct version_labels *a, const struct version_labels *b);

/** What was read takes the place of what there is; a label that is moved by it
 * remembers where it pointed. */
void version_labels_replace(struct version_labels *labels,
                            const struct version_labels *read);

#endif
