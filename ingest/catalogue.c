/* SPDX-License-Identifier: Apache-2.0 */
/* Few models, few instances, looked up for every request: plain arrays, walked. */
#include "ingest/catalogue.h"

#include "ingest/catalogue_entry.h"

#include <stdlib.h>
#include <string.h>

enum { SILENT_S = 60, US_PER_S = 1000000 };

struct catalogue {
    struct catalogue_model *models[CATALOGUE_MODELS_MAX];
    size_t model_count;
    size_t entry_count;
};

enum status
catalogue_create(struct catalogue **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static void
model_destroy(struct catalogue_model *model)
{
    for (size_t i = 0; i < model->entry_count; i++) {
        catalogue_entry_destroy(model->entries[i]);
    }
    free(model->entries);
    free(model);
}

void
catalogue_destroy(struct catalogue **catalogue)
{
    struct catalogue *c = *catalogue;
    *catalogue = NULL;
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < c->model_count; i++) {
        model_destroy(c->models[i]);
    }
    free(c);
}

struct catalogue_model *
catalogue_find(const struct catalogue *catalogue, struct span name)
{
    for (size_t i = 0; i < catalogue->model_count; i++) {
        struct catalogue_model *model = catalogue->models[i];
        if (span_equal(model->name, name)) {
            return model->entry_count > 0 ? model : NULL;
        }
    }
    return NULL;
}

size_t
catalogue_count(const struct catalogue *catalogue)
{
    return catalogue->model_count;
}

struct catalogue_model *
catalogue_at(const struct catalogue *catalogue, size_t number)
{
    return catalogue->models[number];
}

/* The model of that name, made if it is new; its name stands behind the struct. */
static enum status
model_take(struct catalogue *c, struct span name, struct catalogue_model **out)
{
    for (size_t i = 0; i < c->model_count; i++) {
        if (span_equal(c->models[i]->name, name)) {
            *out = c->models[i];
            return STATUS_OK;
        }
    }
    if (c->model_count == CATALOGUE_MODELS_MAX) {
        return STATUS_FULL;
    }
    struct catalogue_model *model = calloc(1, sizeof(*model) + name.size + 1);
    if (model == NULL) {
        return STATUS_NO_MEMORY;
    }
    char *own_name = (char *)(model + 1);
    memcpy(own_name, name.data, name.size);
    model->name = span_of(own_name, name.size);
    model->number = c->model_count;
    c->models[c->model_count++] = model;
    *out = model;
    return STATUS_OK;
}

static enum status
model_add(struct catalogue *c,
          struct catalogue_model *model,
          struct catalogue_entry *entry)
{
    if (c->entry_count == CATALOGUE_ENTRIES_MAX) {
        return STATUS_FULL;
    }
    if (model->entry_count == model->entry_capacity) {
        size_t capacity = model->entry_capacity == 0 ? 4 : model->entry_capacity * 2;
        struct catalogue_entry **entries =
            realloc(model->entries, capacity * sizeof(struct catalogue_entry *));
        if (entries == NULL) {
            return STATUS_NO_MEMORY;
        }
        model->entries = entries;
        model->entry_capacity = capacity;
    }
    model->entries[model->entry_count++] = entry;
    c->entry_count++;
    return STATUS_OK;
}

static void
model_remove(struct catalogue *c, struct catalogue_model *model, size_t i)
{
    catalogue_entry_destroy(model->entries[i]);
    model->entries[i] = model->entries[--model->entry_count];
    c->entry_count--;
}

/* Takes out the entry of a key, for another one that may be NULL; the model it stood
 * under, or NULL. */
static struct catalogue_model *
key_remove(struct catalogue *c, struct span key, struct catalogue_entry *heir)
{
    for (size_t i = 0; i < c->model_count; i++) {
        struct catalogue_model *model = c->models[i];
        for (size_t j = 0; j < model->entry_count; j++) {
            if (!span_equal(model->entries[j]->key, key)) {
                continue;
            }
            if (heir != NULL) {
                catalogue_entry_remember(heir, model->entries[j]);
            }
            model_remove(c, model, j);
            return model;
        }
    }
    return NULL;
}

/* Batchers that died left their last words in the topic. Where another instance of the
 * version was heard of much later they say nothing any more; keeping them would fill
 * the catalogue with every batcher there ever was. */
static void
silent_remove(struct catalogue *c,
              struct catalogue_model *model,
              const struct catalogue_entry *heard)
{
    for (size_t i = model->entry_count; i > 0; i--) {
        const struct catalogue_entry *entry = model->entries[i - 1];
        if (heard->heard_us - entry->heard_us > (int64_t)SILENT_S * US_PER_S &&
            span_equal(entry->info.version, heard->info.version)) {
            model_remove(c, model, i - 1);
        }
    }
}

enum status
catalogue_apply(struct catalogue *catalogue,
                struct span key,
                struct span value,
                int64_t heard_us,
                struct catalogue_model **model,
                struct fault *fault)
{
    if (value.size == 0) {
        *model = key_remove(catalogue, key, NULL);
        return STATUS_OK;
    }
    struct catalogue_entry *entry = NULL;
    enum status status = catalogue_entry_create(&entry, key, value, fault);
    if (status != STATUS_OK) {
        return status;
    }
    entry->heard_us = heard_us != 0 ? heard_us : entry->info.published_us;
    key_remove(catalogue, key, entry);
    status = model_take(catalogue, entry->info.model, model);
    if (status == STATUS_OK) {
        silent_remove(catalogue, *model, entry);
        status = model_add(catalogue, *model, entry);
    }
    if (status != STATUS_OK) {
        catalogue_entry_destroy(entry);
        return fault_set(fault, status, "the catalogue of models is full");
    }
    return STATUS_OK;
}

static bool
is_digits(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size > 0;
}

/* Numbers by value, so that 10 comes after 9; other names by their bytes, before them.
 */
static int
version_compare(struct span a, struct span b)
{
    bool a_digits = is_digits(a);
    bool b_digits = is_digits(b);
    if (a_digits != b_digits) {
        return a_digits ? 1 : -1;
    }
    if (a_digits && a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order == 0 && a.size != b.size) {
        return a.size < b.size ? -1 : 1;
    }
    return order;
}

/* @param[in] lost by a label that it had a while ago */
static const struct catalogue_entry *
find_best(const struct catalogue_model *model,
          struct span version,
          bool lost,
          int64_t now_us,
          bool *ready)
{
    const struct catalogue_entry *best = NULL;
    bool best_ready = false;
    for (size_t i = 0; i < model->entry_count; i++) {
        const struct catalogue_entry *entry = model->entries[i];
        bool meant =
            lost ? catalogue_entry_was_named(entry, version, now_us)
                 : version.size == 0 || catalogue_entry_is_named(entry, version);
        if (!meant) {
            continue;
        }
        bool entry_ready = catalogue_entry_is_ready(entry, now_us);
        bool better = best == NULL || (entry_ready && !best_ready);
        if (!better && entry_ready == best_ready) {
            int order = version_compare(entry->info.version, best->info.version);
            /* An instance that never loaded it does not know its tensors. */
            better = order > 0 || (order == 0 && best->info.input_count == 0);
        }
        if (better) {
            best = entry;
            best_ready = entry_ready;
        }
    }
    *ready = best_ready;
    return best;
}

const struct model_info *
catalogue_version(const struct catalogue_model *model,
                  struct span version,
                  int64_t now_us,
                  bool *ready)
{
    bool best_ready = false;
    const struct catalogue_entry *best =
        find_best(model, version, false, now_us, &best_ready);
    if (best == NULL) {
        best = find_best(model, version, true, now_us, &best_ready);
    }
    if (ready != NULL) {
        *ready = best_ready;
    }
    return best == NULL ? NULL : &best->info;
}

bool
catalogue_obeyed(const struct catalogue_model *model,
                 int64_t issued_us,
                 int64_t now_us,
                 const struct model_info **failed)
{
    bool any = false;
    *failed = NULL;
    for (size_t i = 0; i < model->entry_count; i++) {
        const struct catalogue_entry *entry = model->entries[i];
        if (!catalogue_entry_is_fresh(entry, now_us)) {
            continue;
        }
        if (entry->info.obeyed_us < issued_us) {
            return false;
        }
        any = true;
        /* What is ready has a reason if newer files of it are not. */
        bool bad = entry->info.state == MODEL_FAILED ||
                   (entry->info.state == MODEL_READY && entry->info.reason.size > 0);
        *failed = bad ? &entry->info : *failed;
    }
    return any;
}

size_t
catalogue_serving(const struct catalogue_model *model, int64_t now_us)
{
    size_t count = 0;
    for (size_t i = 0; i < model->entry_count; i++) {
        count += catalogue_entry_is_ready(model->entries[i], now_us) ? 1 : 0;
    }
    return count;
}

size_t
catalogue_versions(const struct catalogue_model *model,
                   struct span *versions,
                   size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < model->entry_count; i++) {
        struct span version = model->entries[i]->info.version;
        size_t at = 0;
        while (at < count && version_compare(versions[at], version) < 0) {
            at++;
        }
        bool known = at < count && span_equal(versions[at], version);
        if (known || count == max) {
            continue;
        }
        memmove(&versions[at + 1], &versions[at], (count - at) * sizeof(versions[0]));
        versions[at] = version;
        count++;
    }
    return count;
}

/* In its place among those known, once. */
static size_t
label_insert(struct oip_label *labels, size_t count, struct span name)
{
    size_t at = 0;
    while (at < count && version_compare(labels[at].name, name) < 0) {
        at++;
    }
    if (at < count && span_equal(labels[at].name, name)) {
        return count;
    }
    memmove(&labels[at + 1], &labels[at], (count - at) * sizeof(labels[0]));
    labels[at] = (struct oip_label){.name = name};
    return count + 1;
}

size_t
catalogue_labels(const struct catalogue_model *model,
                 int64_t now_us,
                 struct oip_label *labels,
                 size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < model->entry_count; i++) {
        const struct model_info *info = &model->entries[i]->info;
        for (size_t j = 0; j < info->label_count && count < max; j++) {
            count = label_insert(labels, count, info->labels[j]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct model_info *info =
            catalogue_version(model, labels[i].name, now_us, NULL);
        if (info != NULL) {
            labels[i].version = info->version;
        }
    }
    return count;
}
