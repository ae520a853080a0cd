/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A version is wanted while the repository has it with the files that it was made of.
 * One that is not wanted any more serves until its heir is ready: the wanted one of the
 * same number, else the newest.
 */
#include "batcher/model_versions.h"

#include "base/log.h"
#include "batcher/metrics.h"
#include "batcher/model_items.h"

static void
versions_changed(void *arg)
{
    struct model *m = arg;
    m->context.changed(m->context.arg);
}

static bool
goes_before(const struct version *a, const struct version *b)
{
    return a->files->number > b->files->number ||
           (a->files->number == b->files->number && a->wanted && !b->wanted);
}

static void
versions_insert(struct model *m, struct version *v)
{
    struct version **link = &m->versions;
    while (*link != NULL && !goes_before(v, *link)) {
        link = &(*link)->next;
    }
    v->next = *link;
    *link = v;
}

static struct version *
find_version(const struct model *m, const struct repository_version *files)
{
    struct version *v = m->versions;
    while (v != NULL && !version_is_of(v, files)) {
        v = v->next;
    }
    return v;
}

bool
model_is_as(const struct model *m, const struct repository_model *read)
{
    size_t wanted = 0;
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        wanted += v->wanted ? 1 : 0;
    }
    if (m->removed || wanted != read->version_count) {
        return false;
    }
    if (read->broken == NULL && !version_labels_equal(&m->labels, &read->labels)) {
        return false;
    }
    for (size_t i = 0; i < read->version_count; i++) {
        const struct version *v = find_version(m, &read->versions[i]);
        if (v == NULL || !v->wanted) {
            return false;
        }
    }
    return true;
}

/** Until it is measured it is taken to need what the version before it did, or its
 * files. */
static void
expect_memory(const struct model *m, struct version *v)
{
    int64_t bytes = source_bytes(v->files);
    v->memory_bytes =
        m->memory_bytes > 0 ? m->memory_bytes : bytes + SOURCE_RUNNER_BYTES;
    v->device_bytes = m->device_bytes > 0 ? m->device_bytes
                                          : bytes * (int64_t)v->source->model.instances;
}

enum status
model_take_versions(struct model *m, struct source *source)
{
    const struct version_context context = {.loop = m->context.loop,
                                            .config = m->context.config,
                                            .devices = m->context.devices,
                                            .outbox = m->context.replier->outbox,
                                            .items = &model_items_events,
                                            .changed = versions_changed,
                                            .arg = m};
    if (source->model.broken == NULL) {
        version_labels_replace(&m->labels, &source->model.labels);
    }
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        v->wanted = false;
    }
    for (size_t i = 0; i < source_versions(source); i++) {
        const struct repository_version *files = source_version(source, i);
        struct version *v = find_version(m, files);
        if (v == NULL) {
            v = version_create(&context, source, files);
            if (v == NULL) {
                return STATUS_NO_MEMORY;
            }
            v->wanted = true;
            expect_memory(m, v);
            versions_insert(m, v);
        }
        v->wanted = true;
    }
    return STATUS_OK;
}

/** The version of that number, if it takes requests. */
static struct version *
taking(const struct model *m, uint32_t number)
{
    struct version *v = m->versions;
    while (v != NULL && (!version_takes(v) || v->files->number != number)) {
        v = v->next;
    }
    return v;
}

struct version *
model_choose(const struct model *m, struct span named)
{
    const struct version_label *label = version_labels_find(&m->labels, named);
    if (label != NULL) {
        struct version *v = taking(m, label->number);
        return v == NULL && label->before != 0 ? taking(m, label->before) : v;
    }
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (version_takes(v) &&
            (named.size == 0 || span_equal(named, v->spec.version))) {
            return v;
        }
    }
    return NULL;
}

const struct version *
model_expected(const struct model *m, struct span named)
{
    const struct version_label *label = version_labels_find(&m->labels, named);
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        bool meant = label != NULL ? v->files->number == label->number
                                   : span_equal(named, v->spec.version);
        if (named.size == 0 || meant) {
            return v;
        }
    }
    return NULL;
}

static struct version *
find_heir(const struct model *m, const struct version *old)
{
    struct version *newest = NULL;
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (v->wanted && v->files->number == old->files->number) {
            return v;
        }
        newest = newest == NULL && v->wanted ? v : newest;
    }
    return newest;
}

struct version *
model_precursor(const struct model *m, const struct version *heir)
{
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (!v->wanted && v->open && find_heir(m, v) == heir) {
            return v;
        }
    }
    return NULL;
}

static bool
heir_is_ready(const struct model *m, const struct version *old)
{
    const struct version *heir = find_heir(m, old);
    return heir != NULL && heir->state == MODEL_READY && !heir->leaving;
}

/** Nobody will need it again, not even because its heir fails. */
static bool
may_be_forgotten(const struct model *m, const struct version *v)
{
    return !v->wanted && !v->open &&
           (m->removed || v->loaded_ns == 0 || heir_is_ready(m, v));
}

static bool
must_leave(const struct model *m, const struct version *v)
{
    if (!v->open || v->leaving) {
        return false;
    }
    if (m->removed || m->wish == WISH_UNLOADED) {
        return true;
    }
    /* One that loads for the first time is not waited for; one that does so again has
     * come back for an heir that failed. */
    bool is_new = v->state == MODEL_LOADING && v->loaded_ns == 0;
    return !v->wanted && (heir_is_ready(m, v) || is_new);
}

static void
take_over(struct model *m, struct version *old)
{
    struct version *heir = find_heir(m, old);
    if (heir != NULL && version_takes(heir)) {
        log_info("model_replaced", log_text("model", m->name),
                 log_text("old", old->files->name), log_text("new", heir->files->name));
        metric_add(&batcher_metrics[METRIC_REPLACED], 1);
        model_hand_over(m, old, heir);
    }
    version_leave(old);
}

/** Moves the labels whose new version can answer, with what waits under them. */
static void
move_labels(struct model *m)
{
    for (size_t i = 0; i < m->labels.count; i++) {
        struct version_label *label = &m->labels.items[i];
        struct version *to = label->before == 0 ? NULL : taking(m, label->number);
        if (to == NULL) {
            continue;
        }
        struct version *from = taking(m, label->before);
        log_info("label_moved", log_text("model", m->name),
                 log_text("label", label->name), log_int("old", label->before),
                 log_int("new", label->number));
        label->before = 0;
        if (from != NULL) {
            model_hand_over_label(m, from, to, label);
        }
        versions_changed(m);
    }
}

void
model_steer(struct model *m)
{
    move_labels(m);
    struct version **link = &m->versions;
    while (*link != NULL) {
        struct version *v = *link;
        if (must_leave(m, v)) {
            take_over(m, v);
        }
        if (may_be_forgotten(m, v)) {
            *link = v->next;
            version_destroy(&v);
            versions_changed(m);
        } else {
            link = &v->next;
        }
    }
    model_empty_lobby(m);
}

bool
model_is_open(const struct model *m)
{
    const struct version *v = m->versions;
    while (v != NULL && !v->open) {
        v = v->next;
    }
    return v != NULL;
}

bool
model_is_changing(const struct model *m)
{
    const struct version *v = m->versions;
    while (v != NULL && (!v->open || (version_takes(v) && v->state == MODEL_READY))) {
        v = v->next;
    }
    return v != NULL;
}

bool
model_is_loading(const struct model *m)
{
    const struct version *v = m->versions;
    while (v != NULL && (!v->open || v->state != MODEL_LOADING)) {
        v = v->next;
    }
    return v != NULL;
}
