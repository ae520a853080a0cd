/* SPDX-License-Identifier: Apache-2.0 */
/* See version_labels.h; few of them, so a walk finds one. */
#include "batcher/version_labels.h"

#include <ctype.h>
#include <string.h>

bool
version_label_is_name(const char *name)
{
    size_t size = strlen(name);
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_') {
            return false;
        }
    }
    return size < VERSION_LABEL_BYTES && strspn(name, "0123456789") < size;
}

enum status
version_labels_add(struct version_labels *labels,
                   const char *name,
                   uint32_t number,
                   unsigned line)
{
    if (labels->count == VERSION_LABELS_MAX) {
        return STATUS_FULL;
    }
    struct version_label *label = &labels->items[labels->count++];
    *label = (struct version_label){.number = number, .line = line};
    memcpy(label->name, name, strlen(name) + 1);
    return STATUS_OK;
}

const struct version_label *
version_labels_find(const struct version_labels *labels, struct span name)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (span_is_text(name, labels->items[i].name)) {
            return &labels->items[i];
        }
    }
    return NULL;
}

bool
version_labels_equal(const struct version_labels *a, const struct version_labels *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct version_label *other =
            version_labels_find(b, span_of_text(a->items[i].name));
        if (other == NULL || other->number != a->items[i].number) {
            return false;
        }
    }
    return a->count == b->count;
}

void
version_labels_replace(struct version_labels *labels, const struct version_labels *read)
{
    struct version_labels next = *read;
    for (size_t i = 0; i < next.count; i++) {
        struct version_label *label = &next.items[i];
        const struct version_label *old =
            version_labels_find(labels, span_of_text(label->name));
        uint32_t answers = 0;
        if (old != NULL) {
            answers = old->before != 0 ? old->before : old->number;
        }
        label->before = answers == label->number ? 0 : answers;
    }
    *labels = next;
}
