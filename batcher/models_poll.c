/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository that cannot be read, or holds nothing at all, unloads nothing: a disk
 * that is not there now is likelier than somebody who wants no model any more.
 */
#include "batcher/models_poll.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

static struct repository_model *
find_in(const struct repository *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->models[i].name, name) == 0) {
            return &r->models[i];
        }
    }
    return NULL;
}

/** @param[in] a,b may be NULL: it is not there */
static bool
is_alike(const struct repository_model *a, const struct repository_model *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (a->terms != b->terms || a->version_count != b->version_count ||
        !version_labels_equal(&a->labels, &b->labels)) {
        return false;
    }
    for (size_t i = 0; i < a->version_count; i++) {
        if (a->versions[i].number != b->versions[i].number ||
            a->versions[i].fingerprint != b->versions[i].fingerprint) {
            return false;
        }
    }
    return true;
}

static bool
look(struct models *ms, struct repository *out)
{
    const struct batcher_config *config = ms->context.config;
    struct fault fault = {.text = ""};
    enum status status =
        repository_open(out, config->models, config->models_load, &fault);
    if (status != STATUS_OK && !ms->look_failed) {
        log_warn("repository_unreadable", log_text("reason", fault.text));
    }
    ms->look_failed = status != STATUS_OK;
    if (out->count == 0) {
        repository_close(out);
        return false;
    }
    return true;
}

/** @param[in] concerns NULL: it is there in both looks alike */
static void
take_alike(struct models *ms, struct repository *now, const struct repository *before)
{
    for (size_t i = 0; i < ms->count; i++) {
        const char *name = model_name(ms->items[i]);
        if (find_in(now, name) == NULL &&
            (before == NULL || find_in(before, name) == NULL)) {
            model_remove(ms->items[i]);
        }
    }
    for (size_t i = 0; i < now->count; i++) {
        struct repository_model *m = &now->models[i];
        struct fault fault = {.text = ""};
        if (before != NULL && !is_alike(m, find_in(before, m->name))) {
            continue;
        }
        if (models_take(ms, m, &fault) != STATUS_OK) {
            log_error("model_not_taken", log_text("model", m->name),
                      log_text("reason", fault.text));
        }
    }
}

void
models_look(struct models *ms, struct span name)
{
    struct repository now;
    if (!look(ms, &now)) {
        return;
    }
    if (name.size == 0) {
        take_alike(ms, &now, NULL);
    }
    for (size_t i = 0; i < now.count && name.size > 0; i++) {
        struct fault fault = {.text = ""};
        if (span_is_text(name, now.models[i].name) &&
            models_take(ms, &now.models[i], &fault) != STATUS_OK) {
            log_error("model_not_taken", log_span("model", name),
                      log_text("reason", fault.text));
        }
    }
    repository_close(&now);
}

int64_t
models_poll(struct models *ms, int64_t now_ns)
{
    if (now_ns < ms->look_at_ns) {
        return ms->look_at_ns;
    }
    ms->look_at_ns = now_ns + ms->context.config->models_poll_ns;
    struct repository now;
    if (look(ms, &now)) {
        take_alike(ms, &now, &ms->seen);
        repository_close(&ms->seen);
        ms->seen = now;
    }
    return ms->look_at_ns;
}
