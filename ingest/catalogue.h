/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which models there are: the states that batchers publish to the models topic, one per
 * model/version@instance. A model once known stays known while its record stands, also
 * when nobody serves it at the moment: its requests wait in Kafka. It is ready while an
 * instance that serves it, or loads it when it is asked, was heard of within 15 s. What
 * another instance of the same version said a minute before the newest word is
 * forgotten. A label that nobody says any more still leads where it led for 5 s. Pure:
 * records and times come in as arguments.
 */
#ifndef INGEST_CATALOGUE_H
#define INGEST_CATALOGUE_H

#include "base/span.h"
#include "base/status.h"
#include "schemas/message.h"
#include "schemas/oip.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CATALOGUE_MODELS_MAX = 1024,
    CATALOGUE_ENTRIES_MAX = 4096,
    CATALOGUE_LABELS_MAX = 64 /* that are shown of a model */
};

struct catalogue;
struct catalogue_entry;

/** One model in all versions; the pointer stays valid as long as the catalogue. */
struct catalogue_model {
    struct span name;
    size_t number; /* 0, 1, 2... in the order of becoming known */
    struct catalogue_entry **entries;
    size_t entry_count; /* 0: not known any more */
    size_t entry_capacity;
};

MUST_CHECK enum status catalogue_create(struct catalogue **out);
void catalogue_destroy(struct catalogue **catalogue);

/**
 * Takes a record of the models topic; bytes are copied.
 *
 * @param[in]  key   model/version@instance
 * @param[in]  value a ModelState record; empty: the instance serves it no more
 * @param[in]  heard_us wall time it counts as heard; 0 = when it was published
 * @param[out] model  the model concerned; NULL if a tombstone names none
 * @return STATUS_OK; STATUS_FULL; STATUS_NO_MEMORY; otherwise what the codec said
 */
MUST_CHECK enum status catalogue_apply(struct catalogue *catalogue,
                                       struct span key,
                                       struct span value,
                                       int64_t heard_us,
                                       struct catalogue_model **model,
                                       struct fault *fault);

/** NULL if the model is not known. */
struct catalogue_model *
catalogue_find(const struct catalogue *catalogue, struct span name);

/** Models ever known, by number; some may have no entry any more. */
size_t catalogue_count(const struct catalogue *catalogue);
struct catalogue_model *catalogue_at(const struct catalogue *catalogue, size_t number);

/**
 * What is known of a version.
 *
 * @param[in]  version its number or a label; empty: the newest one that is ready, else
 *                     the newest. Where batchers differ of a label, the newest as well
 * @param[out] ready   may be NULL
 * @return NULL if the version is not known; valid until the next catalogue_apply()
 */
const struct model_info *catalogue_version(const struct catalogue_model *model,
                                           struct span version,
                                           int64_t now_us,
                                           bool *ready);

/**
 * Whether the instances that were heard of lately have obeyed an order.
 *
 * @param[out] failed one that could not be loaded by then, else NULL
 * @return false while one has not, or there is none
 */
bool catalogue_obeyed(const struct catalogue_model *model,
                      int64_t issued_us,
                      int64_t now_us,
                      const struct model_info **failed);

/** Instances, of any version, that are ready. */
size_t catalogue_serving(const struct catalogue_model *model, int64_t now_us);

/** Writes the versions known, oldest first. @return how many, at most max */
size_t catalogue_versions(const struct catalogue_model *model,
                          struct span *versions,
                          size_t max);

/** Writes the labels known, by name, with the version that each leads to. @return how
 * many, at most max */
size_t catalogue_labels(const struct catalogue_model *model,
                        int64_t now_us,
                        struct oip_label *labels,
                        size_t max);

#endif
