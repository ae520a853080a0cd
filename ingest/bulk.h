/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bulk routes share: a producer of their own, so that a long upload and the
 * requests that somebody waits for do not queue behind each other, and the lists of
 * uploads and of streams of results, each of which gets a slice of every turn.
 */
#ifndef INGEST_BULK_H
#define INGEST_BULK_H

#include "base/buf.h"
#include "base/status.h"
#include "base/uuid.h"
#include "bus/producer.h"
#include "ingest/catalogue.h"

#include <stddef.h>
#include <stdint.h>

struct bulk;
struct bulk_record;
struct ingest;
struct upload;
struct results_stream;

typedef void (*bulk_reported_fn)(struct bulk_record *record, const struct delivery *d);

/** One record until its report, which comes exactly once if it was sent. */
struct bulk_record {
    struct bulk_record *next; /* of its upload, oldest first */
    struct bulk_record *previous;
    bulk_reported_fn reported;
    void *owner;    /* the reporter's */
    uint32_t line;  /* 0: none */
    size_t charged; /* bytes the owner counts for it */
    struct buf bytes;
};

/** Members of the lists, moved on by their own files. */
struct bulk_lists {
    struct upload *uploads;
    size_t upload_count;
    struct results_stream *streams;
};

MUST_CHECK enum status
bulk_open(struct bulk **out, struct ingest *ingest, struct fault *fault);

/**
 * Ends streams, answers uploads whose body is complete and reports everything that is
 * lent. The uploads that are left break when the server goes. Accepts NULL.
 */
void bulk_stop(struct bulk *bulk);

/** After the server is gone. Accepts NULL inside. */
void bulk_close(struct bulk **bulk);

struct bulk_lists *bulk_lists(struct bulk *bulk);

/** @return NULL without memory */
struct bulk_record *
bulk_record_make(bulk_reported_fn reported, void *owner, uint32_t line);
void bulk_record_free(struct bulk_record *record);

/*
 * Each sends record->bytes under the id as key. STATUS_OK: its report will come; else
 * as producer_send(), and the record stays the caller's.
 */
MUST_CHECK enum status bulk_send_request(struct bulk *bulk,
                                         struct bulk_record *record,
                                         const struct catalogue_model *model,
                                         const struct model_info *info,
                                         const struct uuid *id);
MUST_CHECK enum status
bulk_send_reply(struct bulk *bulk, struct bulk_record *record, const struct uuid *id);
MUST_CHECK enum status bulk_send_order(struct bulk *bulk, struct bulk_record *record);

/** @return when it wants to be called next, monotonic ns */
int64_t bulk_turn(struct ingest *ingest, int64_t now_ns);

#endif
