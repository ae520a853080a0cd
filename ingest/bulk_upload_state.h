/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of an upload, shared by the files that make one: bulk_head.c (from the
 * head of the request), bulk_upload.c (the body, moving on), bulk_lent.c (lines on
 * their way to Kafka) and nobody else.
 */
#ifndef INGEST_BULK_UPLOAD_STATE_H
#define INGEST_BULK_UPLOAD_STATE_H

#include "base/http_server.h"
#include "base/http_server_body.h"
#include "ingest/bulk.h"
#include "ingest/bulk_line.h"
#include "ingest/bulk_source.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum upload_state {
    UPLOAD_OPENING, /* the batch's record is on its way */
    UPLOAD_TAKING,  /* lines are taken */
    UPLOAD_CLOSING, /* every line is stored, the record that says so is on its way */
    UPLOAD_FAILED,  /* the rest of the body is passed over */
    UPLOAD_BROKEN,  /* the body will not be complete */
    UPLOAD_OVER     /* answered; waits for reports */
};

struct upload {
    struct upload *next;
    struct upload *previous;
    struct ingest *ingest;
    struct http_exchange *x; /* NULL: answered or gone */
    enum upload_state state;
    struct bulk_terms terms;
    struct bulk_source source;
    bool complete; /* the whole body is here */
    bool paused;   /* the body waits for http_body_resume() */
    uint32_t line; /* taken last */
    uint32_t told; /* lines stored, as last noted in Kafka */
    int64_t told_ns;
    int64_t retry_ns;          /* nothing is sent before */
    struct bulk_record *first; /* lines lent, oldest first */
    struct bulk_record *last;
    size_t lent;       /* of them */
    size_t lent_bytes; /* of them */
    size_t lent_own;   /* records of the batch itself */
    struct fault fault;
    char model[NAME_MAX_BYTES]; /* what terms point to */
    char version[NAME_MAX_BYTES];
};

/** Lines below which everything is acknowledged. */
uint32_t upload_stored(const struct upload *u);

/** The upload cannot go on; the first reason stays. */
void upload_fail(struct upload *u, enum status status, const char *detail);

/**
 * Sends a record of the batch itself, which tells the lines stored so far.
 *
 * @param[in] status QUEUED: the upload goes on; SUCCEEDED: it is complete
 * @return STATUS_OK; else as producer_send()
 */
MUST_CHECK enum status upload_send_own(struct upload *u, enum reply_status status);

/**
 * Takes the next line or row and sends what becomes of it.
 *
 * @return STATUS_OK: on its way; else it was not taken, and why
 */
MUST_CHECK enum status upload_take_line(struct upload *u, const struct bulk_item *item);

/** The events of the body. */
extern const struct http_body_events upload_body_events;

/** Joins the list, with nothing lent. @param[in] from its first line @return NULL
 * without memory */
struct upload *
upload_make(struct ingest *ingest, struct http_exchange *x, uint32_t from);
void upload_free(struct upload *u);

#endif
