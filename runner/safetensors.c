/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See safetensors.h. The header is scanned once; each entry is checked by itself, then
 * all together: sorted by name for duplicates, by place for gaps and overlaps.
 */
#include "runner/safetensors.h"

#include "runner/json_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LENGTH_BYTES = 8, NAME_SHOWN = 80 };

/* The members that an entry has to have, each once. */
enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4, HAS_ALL = 7 };

struct header {
    struct json_scan scan;
    struct span data; /* behind the header */
    struct fault *fault;
};

static int
shown(struct span text)
{
    return (int)(text.size < NAME_SHOWN ? text.size : NAME_SHOWN);
}

static enum status
malformed(const struct header *h, const char *expected)
{
    return fault_set(h->fault, STATUS_INVALID,
                     "safetensors header: expected %s at byte %zu", expected,
                     h->scan.at);
}

static enum status
read_dtype(struct header *h, struct safetensor *t)
{
    static const struct {
        const char *name;
        enum datatype datatype;
    } dtypes[] = {
        {"F32", DATATYPE_FP32},   {"F16", DATATYPE_FP16},   {"BF16", DATATYPE_BF16},
        {"F64", DATATYPE_FP64},   {"I64", DATATYPE_INT64},  {"I32", DATATYPE_INT32},
        {"I16", DATATYPE_INT16},  {"I8", DATATYPE_INT8},    {"U64", DATATYPE_UINT64},
        {"U32", DATATYPE_UINT32}, {"U16", DATATYPE_UINT16}, {"U8", DATATYPE_UINT8},
        {"BOOL", DATATYPE_BOOL}};
    struct span name;
    if (!json_scan_string(&h->scan, &name)) {
        return malformed(h, "a dtype");
    }
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (span_is_text(name, dtypes[i].name)) {
            t->datatype = dtypes[i].datatype;
            return STATUS_OK;
        }
    }
    return fault_set(h->fault, STATUS_UNSUPPORTED,
                     "safetensors: dtype '%.*s' is not supported", shown(name),
                     (const char *)name.data);
}

static enum status
read_shape(struct header *h, struct safetensor *t)
{
    if (!json_scan_take(&h->scan, '[')) {
        return malformed(h, "a shape");
    }
    bool first = true;
    bool ok = true;
    t->rank = 0;
    while (json_scan_more(&h->scan, ']', &first, &ok)) {
        uint64_t dimension = 0;
        if (t->rank == SAFETENSORS_RANK_MAX) {
            return fault_set(h->fault, STATUS_UNSUPPORTED,
                             "safetensors: over %d dimensions", SAFETENSORS_RANK_MAX);
        }
        if (!json_scan_whole(&h->scan, &dimension)) {
            return malformed(h, "a dimension");
        }
        t->shape[t->rank++] = (int64_t)dimension;
    }
    return ok ? STATUS_OK : malformed(h, "',' or ']' in a shape");
}

static enum status
read_offsets(struct header *h, struct safetensor *t)
{
    uint64_t begin = 0;
    uint64_t end = 0;
    struct json_scan *scan = &h->scan;
    if (!json_scan_take(scan, '[') || !json_scan_whole(scan, &begin) ||
        !json_scan_take(scan, ',') || !json_scan_whole(scan, &end) ||
        !json_scan_take(scan, ']')) {
        return malformed(h, "two data_offsets");
    }
    if (begin > end || end > h->data.size) {
        return fault_set(h->fault, STATUS_INVALID,
                         "safetensors: data_offsets %" PRIu64 " to %" PRIu64
                         " of %zu bytes of data",
                         begin, end, h->data.size);
    }
    t->data = span_of(h->data.data + begin, end - begin);
    return STATUS_OK;
}

static enum status
read_member(struct header *h, struct safetensor *t, unsigned *has)
{
    struct span key;
    if (!json_scan_string(&h->scan, &key) || !json_scan_take(&h->scan, ':')) {
        return malformed(h, "a member of a tensor");
    }
    unsigned bit = span_is_text(key, "dtype")          ? HAS_DTYPE
                   : span_is_text(key, "shape")        ? HAS_SHAPE
                   : span_is_text(key, "data_offsets") ? HAS_OFFSETS
                                                       : 0;
    if (bit == 0 || (*has & bit) != 0) {
        return malformed(h, "dtype, shape and data_offsets once each before");
    }
    *has |= bit;
    if (bit == HAS_DTYPE) {
        return read_dtype(h, t);
    }
    return bit == HAS_SHAPE ? read_shape(h, t) : read_offsets(h, t);
}

static enum status
check_size(const struct header *h, const struct safetensor *t)
{
    uint64_t size = datatype_size(t->datatype);
    bool fits = true;
    for (uint32_t i = 0; fits && i < t->rank; i++) {
        fits = !__builtin_mul_overflow(size, (uint64_t)t->shape[i], &size);
    }
    if (!fits || size != t->data.size) {
        return fault_set(h->fault, STATUS_INVALID,
                         "safetensors: tensor '%.*s' has %zu bytes, not those of its "
                         "shape",
                         shown(t->name), (const char *)t->name.data, t->data.size);
    }
    return STATUS_OK;
}

static enum status
read_tensor(struct header *h, struct safetensor *t)
{
    if (memchr(t->name.data, '\\', t->name.size) != NULL) {
        return fault_set(h->fault, STATUS_UNSUPPORTED,
                         "safetensors: a name with escapes");
    }
    if (!json_scan_take(&h->scan, '{')) {
        return malformed(h, "a tensor's object");
    }
    bool first = true;
    bool ok = true;
    unsigned has = 0;
    while (json_scan_more(&h->scan, '}', &first, &ok)) {
        enum status status = read_member(h, t, &has);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (!ok || has != HAS_ALL) {
        return malformed(h, "dtype, shape and data_offsets before");
    }
    return check_size(h, t);
}

/* __metadata__ is a flat map of strings, of no use to us. */
static enum status
skip_metadata(struct header *h)
{
    if (!json_scan_take(&h->scan, '{')) {
        return malformed(h, "the object of __metadata__");
    }
    bool first = true;
    bool ok = true;
    while (json_scan_more(&h->scan, '}', &first, &ok)) {
        struct span ignored;
        if (!json_scan_string(&h->scan, &ignored) || !json_scan_take(&h->scan, ':') ||
            !json_scan_string(&h->scan, &ignored)) {
            return malformed(h, "texts in __metadata__");
        }
    }
    return ok ? STATUS_OK : malformed(h, "',' or '}' in __metadata__");
}

/* Room for one more; doubles, so that a small file takes little. */
static struct safetensor *
append(struct safetensors *s)
{
    static const size_t least = 16;
    bool is_power = (s->count & (s->count - 1)) == 0;
    if (s->count == 0 || (s->count >= least && is_power)) {
        size_t capacity = s->count < least ? least : s->count * 2;
        struct safetensor *more = realloc(s->tensors, capacity * sizeof *more);
        if (more == NULL) {
            return NULL;
        }
        s->tensors = more;
    }
    struct safetensor *t = &s->tensors[s->count++];
    *t = (struct safetensor){.rank = 0};
    return t;
}

static enum status
read_entry(struct header *h, struct safetensors *s)
{
    struct span name;
    if (!json_scan_string(&h->scan, &name) || !json_scan_take(&h->scan, ':')) {
        return malformed(h, "a tensor's name");
    }
    if (span_is_text(name, "__metadata__")) {
        return skip_metadata(h);
    }
    if (s->count == SAFETENSORS_COUNT_MAX) {
        return fault_set(h->fault, STATUS_TOO_LARGE, "safetensors: over %d tensors",
                         SAFETENSORS_COUNT_MAX);
    }
    struct safetensor *t = append(s);
    if (t == NULL) {
        return fault_set(h->fault, STATUS_NO_MEMORY, "safetensors: no memory");
    }
    t->name = name;
    return read_tensor(h, t);
}

static enum status
read_entries(struct header *h, struct safetensors *s)
{
    if (h->scan.text.size == 0 || h->scan.text.data[0] != '{' ||
        !json_scan_take(&h->scan, '{')) {
        return malformed(h, "'{'");
    }
    bool first = true;
    bool ok = true;
    while (json_scan_more(&h->scan, '}', &first, &ok)) {
        enum status status = read_entry(h, s);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return ok && json_scan_ended(&h->scan) ? STATUS_OK : malformed(h, "',' or the end");
}

static int
by_name(const void *left, const void *right)
{
    const struct safetensor *a = left;
    const struct safetensor *b = right;
    size_t size = a->name.size < b->name.size ? a->name.size : b->name.size;
    int order = memcmp(a->name.data, b->name.data, size);
    return order != 0 ? order
                      : (a->name.size > b->name.size) - (a->name.size < b->name.size);
}

static int
by_place(const void *left, const void *right)
{
    const struct safetensor *a = left;
    const struct safetensor *b = right;
    if (a->data.data != b->data.data) {
        return a->data.data < b->data.data ? -1 : 1;
    }
    return (a->data.size > b->data.size) - (a->data.size < b->data.size);
}

static enum status
check_names(const struct header *h, struct safetensors *s)
{
    qsort(s->tensors, s->count, sizeof *s->tensors, by_name);
    for (size_t i = 1; i < s->count; i++) {
        if (span_equal(s->tensors[i - 1].name, s->tensors[i].name)) {
            return fault_set(
                h->fault, STATUS_INVALID, "safetensors: tensor '%.*s' stands twice",
                shown(s->tensors[i].name), (const char *)s->tensors[i].name.data);
        }
    }
    return STATUS_OK;
}

static enum status
check_places(const struct header *h, struct safetensors *s)
{
    qsort(s->tensors, s->count, sizeof *s->tensors, by_place);
    const uint8_t *expected = h->data.data;
    for (size_t i = 0; i < s->count; i++) {
        const struct safetensor *t = &s->tensors[i];
        if (t->data.data != expected) {
            return fault_set(h->fault, STATUS_INVALID,
                             "safetensors: tensor '%.*s' overlaps another or leaves a "
                             "gap",
                             shown(t->name), (const char *)t->name.data);
        }
        expected += t->data.size;
    }
    if (expected != h->data.data + h->data.size) {
        return fault_set(h->fault, STATUS_INVALID, "safetensors: data of no tensor");
    }
    return STATUS_OK;
}

static enum status
check_all(const struct header *h, struct safetensors *s)
{
    if (s->count == 0) {
        return fault_set(h->fault, STATUS_INVALID, "safetensors: no tensor inside");
    }
    enum status status = check_names(h, s);
    return status == STATUS_OK ? check_places(h, s) : status;
}

enum status
safetensors_parse(struct safetensors *out, struct span file, struct fault *fault)
{
    uint64_t length = 0;
    for (size_t i = 0; i < LENGTH_BYTES && file.size >= LENGTH_BYTES; i++) {
        length |= (uint64_t)file.data[i] << (8 * i);
    }
    if (file.size < LENGTH_BYTES || length > file.size - LENGTH_BYTES) {
        return fault_set(fault, STATUS_INVALID,
                         "safetensors: the file ends within its header");
    }
    if (length > SAFETENSORS_HEADER_MAX) {
        return fault_set(fault, STATUS_TOO_LARGE,
                         "safetensors: a header of %" PRIu64 " bytes", length);
    }
    size_t data_at = LENGTH_BYTES + (size_t)length;
    struct header h = {
        .scan = {.text = span_of(file.data + LENGTH_BYTES, length)},
        .data = span_of(file.data + data_at, file.size - data_at),
        .fault = fault,
    };
    struct safetensors s = {.count = 0};
    enum status status = read_entries(&h, &s);
    if (status == STATUS_OK) {
        status = check_all(&h, &s);
    }
    if (status != STATUS_OK) {
        free(s.tensors);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

static enum status
map_file(struct safetensors *out, const char *path, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0) {
        enum status status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
        return fault_set(fault, status, "%s: %s", path, strerrordesc_np(errno));
    }
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size == 0) {
        close(fd);
        return fault_set(fault, STATUS_INVALID, "%s: empty, or no file", path);
    }
    size_t size = (size_t)about.st_size;
    void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED) {
        return fault_set(fault, STATUS_IO, "%s: mmap: %s", path,
                         strerrordesc_np(errno));
    }
    out->mapping = data;
    out->mapping_size = size;
    return STATUS_OK;
}

enum status
safetensors_open(struct safetensors *out, const char *path, struct fault *fault)
{
    struct safetensors s = {.count = 0};
    enum status status = map_file(&s, path, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = safetensors_parse(out, span_of(s.mapping, s.mapping_size), fault);
    if (status != STATUS_OK) {
        munmap(s.mapping, s.mapping_size);
        return status;
    }
    out->mapping = s.mapping;
    out->mapping_size = s.mapping_size;
    return STATUS_OK;
}

void
safetensors_close(struct safetensors *s)
{
    free(s->tensors);
    if (s->mapping != NULL) {
        munmap(s->mapping, s->mapping_size);
    }
    *s = (struct safetensors){.count = 0};
}

const struct safetensor *
safetensors_find(const struct safetensors *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++) {
        if (span_is_text(s->tensors[i].name, name)) {
            return &s->tensors[i];
        }
    }
    return NULL;
}
