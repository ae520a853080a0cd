/* SPDX-License-Identifier: Apache-2.0 */
/* What a model asks of the memory that it shares with the others, and how it is told.
 */
#include "base/log.h"
#include "batcher/model_items.h"
#include "batcher/model_versions.h"

#include <stdio.h>
#include <string.h>

/* Loading. */

static bool
is_asked_for(const struct model *m, const struct version *v)
{
    return m->wish == WISH_LOADED ||
           (m->wish == WISH_ON_DEMAND &&
            (lobby_count(&m->lobby) > 0 || model_precursor(m, v) != NULL));
}

/** It went for a version that turned out to be broken. */
static bool
must_come_back(const struct model *m, const struct version *v)
{
    return !v->wanted && v->loaded_ns != 0 && v->state == MODEL_UNLOADED &&
           !model_is_open(m) && m->versions->state == MODEL_FAILED;
}

struct version *
model_wants(const struct model *m)
{
    if (m->removed || m->draining || m->wish == WISH_UNLOADED) {
        return NULL;
    }
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        bool idle = v->state == MODEL_UNLOADED && !v->open;
        if (idle && is_asked_for(m, v) && (v->wanted || must_come_back(m, v))) {
            return v;
        }
    }
    return NULL;
}

struct version *
model_starving(const struct model *m)
{
    struct version *v = m->versions;
    while (v != NULL && (!v->starved || !v->open || version_is_empty(v))) {
        v = v->next;
    }
    return v;
}

bool
model_insists(const struct model *m)
{
    return m->insists || lobby_count(&m->lobby) > 0;
}

int64_t
model_wanting_since(const struct model *m)
{
    return m->wanting_ns;
}

bool
model_load(struct model *m, struct version *v, bool beside)
{
    struct version *before = model_precursor(m, v);
    if (before != NULL && !beside) {
        if (!before->leaving) {
            model_vacate(m, before);
        }
        return false;
    }
    version_load(v);
    return true;
}

void
model_wait_for_demand(struct model *m)
{
    m->wish = WISH_ON_DEMAND;
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        version_sate(v);
    }
}

void
model_evict(struct model *m, const char *where)
{
    m->wish = WISH_ON_DEMAND;
    log_info("model_evicted", log_text("model", m->name), log_text("from", where),
             log_int("bytes", model_resident(m, where).memory_bytes));
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        version_leave(v);
    }
}

struct resident
model_resident(const struct model *m, const char *where)
{
    struct resident r = {.asked_ns = m->asked_ns, .busy = lobby_count(&m->lobby) > 0};
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        if (v->open) {
            r.memory_bytes += version_memory(v, where);
            r.loaded = r.loaded || version_takes(v);
            r.busy = r.busy || !version_is_empty(v);
            r.loaded_ns = v->loaded_ns > r.loaded_ns ? v->loaded_ns : r.loaded_ns;
        }
    }
    return r;
}

void
model_measure(struct model *m)
{
    for (struct version *v = m->versions; v != NULL; v = v->next) {
        if (v->open && v->state == MODEL_READY) {
            version_measure(v);
            m->memory_bytes = v->memory_bytes;
            m->device_bytes = v->device_bytes;
        }
    }
}

/** Of all versions of a number, as two while new files take over are one to who asks.
 */
static int64_t
memory_of_number(const struct version *first, const char *where)
{
    int64_t bytes = 0;
    for (const struct version *v = first;
         v != NULL && v->files->number == first->files->number; v = v->next) {
        bytes += v->open ? version_memory(v, where) : 0;
    }
    return bytes;
}

static void
write_memory(const struct version *v, const char *where, struct buf *out)
{
    int64_t bytes = memory_of_number(v, where);
    if (bytes > 0) {
        buf_append_format(out,
                          "leat_batcher_model_memory_bytes{model=\"%s\",version=\"%s\","
                          "where=\"%s\"} %lld\n",
                          v->source->model.name, v->files->name, where,
                          (long long)bytes);
    }
}

void
model_write_memory(struct model *m, struct buf *out)
{
    const struct version *before = NULL;
    model_measure(m);
    for (const struct version *v = m->versions; v != NULL; before = v, v = v->next) {
        bool first = before == NULL || before->files->number != v->files->number;
        const char *device = version_device(v);
        if (first) {
            write_memory(v, RESIDENT_HOST, out);
        }
        if (device != NULL && (first || version_device(before) == NULL ||
                               strcmp(version_device(before), device) != 0)) {
            write_memory(v, device, out);
        }
    }
}

bool
model_is_ready(const struct model *m)
{
    const struct version *v = m->versions;
    while (v != NULL && v->state != MODEL_READY) {
        v = v->next;
    }
    return v != NULL;
}

/* What is announced. */

/** What an unloaded version waits for; a reason that it has already says more. */
static void
explain_unloaded(const struct model *m, struct model_info *info)
{
    bool said = info->reason.size > 0;
    if (m->wish == WISH_UNLOADED) {
        info->state = MODEL_UNAVAILABLE;
        info->reason = span_of_text("unloaded by order");
    } else if (m->wish == WISH_ON_DEMAND && lobby_count(&m->lobby) == 0) {
        info->reason =
            said ? info->reason : span_of_text("it is loaded when it is asked");
    } else {
        info->state = MODEL_LOADING;
        info->reason = said ? info->reason : span_of_text("it waits for memory");
    }
}

/** The other one of the same number, if its failure is to be told, too. */
static const struct version *
failed_twin(const struct version *v)
{
    const struct version *twin = v->next;
    bool is_twin = twin != NULL && twin->files->number == v->files->number;
    return is_twin && (v->state == MODEL_FAILED || twin->state == MODEL_FAILED) ? twin
                                                                                : NULL;
}

/** Two of one number while new files take over: that which serves is told, and why the
 * other does not. */
static const struct version *
info_of_pair(const struct version *v, struct model_info *info, char *text, size_t size)
{
    const struct version *twin = failed_twin(v);
    const struct version *next = v->next;
    const struct version *serving = v;
    if (next != NULL && next->files->number == v->files->number &&
        version_takes(next) && !version_takes(v)) {
        serving = next;
    }
    *info = version_info(serving);
    if (twin != NULL && version_takes(serving)) {
        const struct version *failed = serving == v ? twin : v;
        snprintf(text, size, "the new files of this version were not loaded: %s",
                 failed->reason);
        info->reason = span_of_text(text);
    }
    while (next != NULL && next->files->number == v->files->number) {
        next = next->next;
    }
    return next;
}

/** The labels that lead to it, or will when it is loaded. */
static size_t
labels_of(const struct model *m, struct span version, struct span *labels)
{
    size_t count = 0;
    for (size_t i = 0; i < m->labels.count; i++) {
        struct span name = span_of_text(m->labels.items[i].name);
        const struct version *v = model_choose(m, name);
        v = v != NULL ? v : model_expected(m, name);
        if (v != NULL && span_equal(v->spec.version, version)) {
            labels[count++] = name;
        }
    }
    return count;
}

void
model_each_info(struct model *m, model_info_fn fn, void *arg)
{
    char text[320];
    struct span labels[VERSION_LABELS_MAX];
    for (const struct version *v = m->versions; v != NULL;) {
        struct model_info info;
        v = info_of_pair(v, &info, text, sizeof text);
        if (info.state == MODEL_UNLOADED) {
            explain_unloaded(m, &info);
        }
        if (m->trouble[0] != '\0') {
            info.state = MODEL_FAILED;
            info.reason = span_of_text(m->trouble);
        }
        info.obeyed_us = m->obeyed_us;
        info.labels = labels;
        info.label_count = labels_of(m, info.version, labels);
        fn(arg, &info);
    }
}
