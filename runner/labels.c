/* SPDX-License-Identifier: Apache-2.0 */
/* See labels.h. Lines are cut where they stand. */
#include "runner/labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 16 * 1024 * 1024 };

/* The whole file; NULL with the fault set. */
static char *
read_whole(const char *path, size_t *size, struct fault *fault)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fault_set(fault, STATUS_NOT_FOUND, "labels: %.160s: %s", path,
                  strerrordesc_np(errno));
        return NULL;
    }
    char *text = malloc(FILE_BYTES_MAX + 1);
    if (text == NULL) {
        fault_set(fault, STATUS_NO_MEMORY, "labels: no memory");
    } else {
        *size = fread(text, 1, FILE_BYTES_MAX + 1, file);
    }
    if (text != NULL && (ferror(file) || *size > FILE_BYTES_MAX)) {
        fault_set(fault, ferror(file) ? STATUS_IO : STATUS_TOO_LARGE,
                  "labels: %.160s cannot be read or is over %d bytes", path,
                  FILE_BYTES_MAX);
        free(text);
        text = NULL;
    }
    fclose(file);
    return text;
}

static size_t
count_lines(const char *text, size_t size)
{
    size_t count = size > 0 && text[size - 1] != '\n' ? 1 : 0;
    for (size_t i = 0; i < size; i++) {
        count += text[i] == '\n';
    }
    return count;
}

static void
cut_lines(struct labels *labels)
{
    const char *at = labels->text;
    for (size_t i = 0; i < labels->count; i++) {
        size_t length = strcspn(at, "\n");
        size_t shown = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
        labels->lines[i] = span_of(at, shown);
        at += length + 1;
    }
}

enum status
labels_read(struct labels *out, const char *path, struct fault *fault)
{
    size_t size = 0;
    struct fault why = {.status = STATUS_OK};
    struct labels labels = {.text = read_whole(path, &size, &why)};
    if (labels.text == NULL) {
        *fault = why;
        return why.status;
    }
    labels.text[size] = '\0';
    if (memchr(labels.text, '\0', size) != NULL) {
        labels_fini(&labels);
        return fault_set(fault, STATUS_INVALID, "labels: %.160s is no text", path);
    }
    labels.count = count_lines(labels.text, size);
    labels.lines = calloc(labels.count + 1, sizeof *labels.lines);
    if (labels.lines == NULL) {
        labels_fini(&labels);
        return fault_set(fault, STATUS_NO_MEMORY, "labels: no memory");
    }
    cut_lines(&labels);
    *out = labels;
    return STATUS_OK;
}

void
labels_fini(struct labels *labels)
{
    free(labels->text);
    free(labels->lines);
    *labels = (struct labels){.count = 0};
}
