/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an Avro object container file (.avro) that comes in pieces of any size: the
 * header with the writer's schema, then block after block. Holds one block and one
 * piece at most; everything a hostile length could ask for is bounded. Codecs: null and
 * deflate. Does no I/O.
 *
 * @source Apache Avro 1.11 specification, "Object Container Files"
 */
#ifndef SCHEMAS_AVRO_FILE_H
#define SCHEMAS_AVRO_FILE_H

#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AVRO_SYNC_BYTES = 16 };

enum avro_codec { AVRO_CODEC_NULL, AVRO_CODEC_DEFLATE };

struct avro_file {
    struct buf bytes; /* not yet taken, from `at` */
    size_t at;
    size_t block_max; /* bytes of a block, packed and unpacked */
    bool ended;       /* no piece will come */
    bool has_header;
    enum avro_codec codec;
    uint8_t sync[AVRO_SYNC_BYTES];
    struct buf schema;   /* the writer's, as JSON, once there is a header */
    struct buf unpacked; /* the block given last */
};

enum avro_found {
    AVRO_FOUND_NONE, /* more bytes are needed; after avro_file_end(): the file is over
                      */
    AVRO_FOUND_HEADER,
    AVRO_FOUND_BLOCK,
    AVRO_FOUND_FAULT /* not such a file, and nothing behind it can be believed */
};

/** Records of a block, one behind the other. */
struct avro_block {
    int64_t count;
    struct span data; /* valid until the next avro_file_next() */
};

void avro_file_init(struct avro_file *f, size_t block_max);
void avro_file_fini(struct avro_file *f);

/** Takes a piece in, copied. @return STATUS_OK; STATUS_NO_MEMORY */
MUST_CHECK enum status avro_file_feed(struct avro_file *f, struct span piece);

/** No piece will come: what is left is a fault. */
void avro_file_end(struct avro_file *f);

/**
 * The header once, then each block.
 *
 * @param[out] block set on AVRO_FOUND_BLOCK
 * @param[out] fault set on AVRO_FOUND_FAULT: STATUS_INVALID, STATUS_TOO_LARGE,
 *                   STATUS_UNSUPPORTED (another codec), STATUS_NO_MEMORY
 */
enum avro_found
avro_file_next(struct avro_file *f, struct avro_block *block, struct fault *fault);

/** Bytes held that were not taken yet. */
size_t avro_file_waiting(const struct avro_file *f);

#endif
