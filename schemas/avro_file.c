/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header or block is read from its beginning each time bytes came, and taken once it
 * is all there: its length stands in front, so nothing is scanned twice but a few
 * bytes.
 */
#include "schemas/avro_file.h"

#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum { HEADER_MAX = 1 << 20, ENTRIES_MAX = 64, MAGIC_BYTES = 4, LONG_BYTES_MAX = 10 };

/* Why reading stopped: too little is there, or it is wrong. */
enum cut { CUT_NOT, CUT_MORE, CUT_WRONG };

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    enum cut cut;
};

void
avro_file_init(struct avro_file *f, size_t block_max)
{
    *f = (struct avro_file){.block_max = block_max};
    buf_init(&f->bytes, SIZE_MAX / 2); /* a block, and what the caller feeds at once */
    buf_init(&f->schema, HEADER_MAX);
    buf_init(&f->unpacked, block_max);
}

void
avro_file_fini(struct avro_file *f)
{
    buf_fini(&f->bytes);
    buf_fini(&f->schema);
    buf_fini(&f->unpacked);
}

enum status
avro_file_feed(struct avro_file *f, struct span piece)
{
    if (f->at > 0) {
        f->bytes.size -= f->at;
        memmove(f->bytes.data, f->bytes.data + f->at, f->bytes.size);
        f->at = 0;
    }
    buf_append(&f->bytes, piece.data, piece.size);
    return f->bytes.status;
}

void
avro_file_end(struct avro_file *f)
{
    f->ended = true;
}

size_t
avro_file_waiting(const struct avro_file *f)
{
    return f->bytes.size - f->at;
}

static int64_t
read_long(struct cursor *c)
{
    uint64_t zigzag = 0;
    for (unsigned i = 0; c->cut == CUT_NOT && i < LONG_BYTES_MAX; i++) {
        if (c->at == c->end) {
            c->cut = CUT_MORE;
            return 0;
        }
        uint8_t byte = *c->at++;
        zigzag |= (uint64_t)(byte & 0x7F) << 7 * i;
        if (byte < 0x80) {
            return (int64_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
        }
    }
    c->cut = c->cut == CUT_NOT ? CUT_WRONG : c->cut;
    return 0;
}

static struct span
read_run(struct cursor *c, int64_t size, size_t max)
{
    if (c->cut == CUT_NOT && (size < 0 || (uint64_t)size > max)) {
        c->cut = CUT_WRONG;
    }
    if (c->cut == CUT_NOT && (size_t)size > (size_t)(c->end - c->at)) {
        c->cut = CUT_MORE;
    }
    if (c->cut != CUT_NOT) {
        return span_of(NULL, 0);
    }
    struct span run = span_of(c->at, (size_t)size);
    c->at += size;
    return run;
}

static struct span
read_bytes(struct cursor *c)
{
    int64_t size = read_long(c);
    return read_run(c, size, HEADER_MAX);
}

struct header {
    struct span schema;
    struct span codec;
    struct span sync;
};

/* The metadata: a map of bytes in blocks, as Avro writes maps. */
static void
read_entries(struct cursor *c, struct header *h)
{
    size_t entries = 0;
    for (int64_t count = read_long(c); c->cut == CUT_NOT && count != 0;
         count = read_long(c)) {
        if (count < 0) {
            (void)read_long(c); /* bytes of the block, which are not needed */
            count = count == INT64_MIN ? INT64_MAX : -count;
        }
        for (; c->cut == CUT_NOT && count > 0; count--) {
            struct span key = read_bytes(c);
            struct span value = read_bytes(c);
            if (span_is_text(key, "avro.schema")) {
                h->schema = value;
            } else if (span_is_text(key, "avro.codec")) {
                h->codec = value;
            }
            if (++entries > ENTRIES_MAX) {
                c->cut = CUT_WRONG;
            }
        }
    }
}

static enum avro_found
stopped(const struct avro_file *f, enum cut cut, const char *what, struct fault *fault)
{
    if (cut == CUT_MORE && !f->ended) {
        return AVRO_FOUND_NONE;
    }
    (void)fault_set(fault, STATUS_INVALID, "the .avro file %s %s",
                    cut == CUT_MORE ? "ends inside" : "has no sound", what);
    return AVRO_FOUND_FAULT;
}

static enum status
keep_header(struct avro_file *f, const struct header *h, struct fault *fault)
{
    if (h->codec.size == 0 || span_is_text(h->codec, "null")) {
        f->codec = AVRO_CODEC_NULL;
    } else if (span_is_text(h->codec, "deflate")) {
        f->codec = AVRO_CODEC_DEFLATE;
    } else {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "the .avro file has the codec %.*s; null and deflate are read",
                         h->codec.size < 32 ? (int)h->codec.size : 32,
                         (const char *)h->codec.data);
    }
    if (h->schema.size == 0) {
        return fault_set(fault, STATUS_INVALID, "the .avro file has no schema");
    }
    memcpy(f->sync, h->sync.data, AVRO_SYNC_BYTES);
    buf_append(&f->schema, h->schema.data, h->schema.size);
    return f->schema.status == STATUS_OK
               ? STATUS_OK
               : fault_set(fault, f->schema.status, "no memory for the schema");
}

static enum avro_found
take_header(struct avro_file *f, struct cursor *c, struct fault *fault)
{
    static const uint8_t magic[MAGIC_BYTES] = {'O', 'b', 'j', 1};
    struct header h = {0};
    struct span start = read_run(c, MAGIC_BYTES, MAGIC_BYTES);
    if (c->cut == CUT_NOT && memcmp(start.data, magic, MAGIC_BYTES) != 0) {
        c->cut = CUT_WRONG;
    }
    read_entries(c, &h);
    h.sync = read_run(c, AVRO_SYNC_BYTES, AVRO_SYNC_BYTES);
    if (c->cut == CUT_MORE && avro_file_waiting(f) > HEADER_MAX) {
        c->cut = CUT_WRONG;
    }
    if (c->cut != CUT_NOT) {
        return stopped(f, c->cut, "header", fault);
    }
    if (keep_header(f, &h, fault) != STATUS_OK) {
        return AVRO_FOUND_FAULT;
    }
    f->has_header = true;
    f->at = (size_t)(c->at - f->bytes.data);
    return AVRO_FOUND_HEADER;
}

/* Raw deflate (RFC 1951), into memory that grows up to block_max. */
static enum status
inflate_block(struct avro_file *f, struct span packed, struct fault *fault)
{
    enum { STEP = 64 * 1024 };
    z_stream z = {0};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to unpack");
    }
    z.next_in = packed.data;
    z.avail_in = (uInt)packed.size;
    buf_reset(&f->unpacked);
    int rc = Z_OK;
    while (rc == Z_OK) {
        size_t left = f->block_max - f->unpacked.size;
        size_t step = left < STEP ? left : STEP;
        uint8_t *out = step == 0 ? NULL : buf_reserve(&f->unpacked, step);
        if (out == NULL) {
            break;
        }
        z.next_out = out;
        z.avail_out = (uInt)step;
        rc = inflate(&z, Z_NO_FLUSH);
        f->unpacked.size -= z.avail_out;
    }
    bool whole = rc == Z_STREAM_END;
    inflateEnd(&z);
    if (whole) {
        return STATUS_OK;
    }
    return rc == Z_OK
               ? fault_set(fault, STATUS_TOO_LARGE,
                           "a block of the .avro file has over %zu bytes unpacked",
                           f->block_max)
               : fault_set(fault, STATUS_INVALID,
                           "a block of the .avro file cannot be unpacked");
}

/* What comes next may move the bytes while rows are still taken from the block. */
static enum status
copy_block(struct avro_file *f, struct span data, struct fault *fault)
{
    buf_reset(&f->unpacked);
    buf_append(&f->unpacked, data.data, data.size);
    return f->unpacked.status == STATUS_OK
               ? STATUS_OK
               : fault_set(fault, f->unpacked.status, "no memory for the block");
}

static enum avro_found
take_block(struct avro_file *f,
           struct cursor *c,
           struct avro_block *block,
           struct fault *fault)
{
    int64_t count = read_long(c);
    int64_t size = read_long(c);
    if (c->cut == CUT_NOT && size > 0 && (uint64_t)size > f->block_max) {
        (void)fault_set(fault, STATUS_TOO_LARGE,
                        "a block of the .avro file has over %zu bytes", f->block_max);
        return AVRO_FOUND_FAULT;
    }
    struct span data = read_run(c, size, f->block_max);
    struct span sync = read_run(c, AVRO_SYNC_BYTES, AVRO_SYNC_BYTES);
    bool sound = c->cut == CUT_NOT && count >= 0 &&
                 memcmp(sync.data, f->sync, AVRO_SYNC_BYTES) == 0;
    if (!sound) {
        return stopped(f, c->cut == CUT_NOT ? CUT_WRONG : c->cut, "block", fault);
    }
    enum status status = f->codec == AVRO_CODEC_DEFLATE ? inflate_block(f, data, fault)
                                                        : copy_block(f, data, fault);
    if (status != STATUS_OK) {
        return AVRO_FOUND_FAULT;
    }
    f->at = (size_t)(c->at - f->bytes.data);
    *block = (struct avro_block){.count = count, .data = buf_span(&f->unpacked)};
    return AVRO_FOUND_BLOCK;
}

enum avro_found
avro_file_next(struct avro_file *f, struct avro_block *block, struct fault *fault)
{
    if (avro_file_waiting(f) == 0 && (!f->ended || f->has_header)) {
        return AVRO_FOUND_NONE;
    }
    static const uint8_t nothing[1];
    const uint8_t *data = f->bytes.size > 0 ? f->bytes.data : nothing;
    struct cursor c = {.at = data + f->at, .end = data + f->bytes.size};
    return f->has_header ? take_block(f, &c, block, fault) : take_header(f, &c, fault);
}
