/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See layer_names.h. Only names are looked for in the header, by their quotes: whether
 * the file is whole is for the runner to say. The format is 8 bytes of length, little-
 * endian, and then so many of JSON (github.com/huggingface/safetensors, "Format").
 */
#include "cli/layer_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 1 << 20, NAME_MAX_BYTES = 128 };

static bool
has_tensor(struct span header, struct span name, const char *part)
{
    char quoted[NAME_MAX_BYTES + 16];
    int size = snprintf(quoted, sizeof quoted, "\"%.*s.%s\"", (int)name.size,
                        (const char *)name.data, part);
    return memmem(header.data, header.size, quoted, (size_t)size) != NULL;
}

/* The name that ends at `end`, or an empty one. */
static struct span
name_before(const uint8_t *begin, const uint8_t *end)
{
    const uint8_t *quote = memrchr(begin, '"', (size_t)(end - begin));
    if (quote == NULL || end - quote - 1 > NAME_MAX_BYTES) {
        return span_of(NULL, 0);
    }
    struct span name = span_of(quote + 1, (size_t)(end - quote - 1));
    bool plain = name.size > 0 && memchr(name.data, '\\', name.size) == NULL &&
                 memchr(name.data, ',', name.size) == NULL &&
                 memchr(name.data, ' ', name.size) == NULL;
    return plain ? name : span_of(NULL, 0);
}

void
layer_names_write(struct span header, struct buf *out)
{
    static const char suffix[] = ".weight\":";
    struct span rest = header;
    bool first = true;
    for (;;) {
        const uint8_t *end =
            rest.size == 0 ? NULL : memmem(rest.data, rest.size, suffix, 9);
        if (end == NULL) {
            break;
        }
        struct span name = name_before(rest.data, end);
        size_t taken = (size_t)(end - rest.data) + 9;
        rest = span_of(rest.data + taken, rest.size - taken);
        if (name.size > 0 && has_tensor(header, name, "bias")) {
            buf_append_format(out, "%s%.*s", first ? "" : " relu,", (int)name.size,
                              (const char *)name.data);
            first = false;
        }
    }
    buf_append_text(out, first ? "" : " none");
}

/* Of the JSON; no more than is read of it. */
static size_t
header_size(const uint8_t length[static 8])
{
    uint64_t size = 0;
    for (unsigned i = 8; i > 0; i--) {
        size = size << 8 | length[i - 1];
    }
    return size < HEADER_MAX ? (size_t)size : HEADER_MAX;
}

void
layer_names_read(const char *path, struct buf *out)
{
    uint8_t length[8];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    uint8_t *header = malloc(HEADER_MAX);
    if (header != NULL && fread(length, 1, sizeof length, file) == sizeof length) {
        size_t size = fread(header, 1, header_size(length), file);
        layer_names_write(span_of(header, size), out);
    }
    free(header);
    fclose(file);
}
