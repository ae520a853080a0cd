/* SPDX-License-Identifier: Apache-2.0 */
/* How answers look on HTTP. Each call answers the exchange: x is the server's again. */
#ifndef INGEST_ANSWER_H
#define INGEST_ANSWER_H

#include "base/buf.h"
#include "base/http_server.h"
#include "base/uuid.h"
#include "results/results.h"
#include "schemas/message.h"
#include "schemas/oip.h"

#include <stdbool.h>
#include <stddef.h>

/** 200: the reply as a record, for another instance. */
void answer_record(struct http_exchange *x, const struct reply *reply);

/**
 * The answer of an infer call: 200 with outputs, or the problem that the reply tells.
 *
 * @param[in] reply      terminal
 * @param[in] preference for Preference-Applied; "" = none
 */
void answer_reply(struct http_exchange *x,
                  const struct reply *reply,
                  const struct oip_answer *wanted,
                  const char *preference);

/** 202: stored, read it at its Location. */
void
answer_accepted(struct http_exchange *x, const struct uuid *id, const char *preference);

/** 200: the job document of a job that has no record yet but is under way.
 *
 * @param[in] status as in job_unended_status() */
void
answer_unrecorded(struct http_exchange *x, const struct uuid *id, const char *status);

/** Appends that document. */
void
answer_write_unrecorded(const struct uuid *id, const char *status, struct buf *body);

/** 200: a job document. @owner the content of the document is taken */
void answer_job(struct http_exchange *x, bool terminal, struct buf *document);

/** A JSON document. @owner the content of body is taken */
void answer_json(struct http_exchange *x, int http_code, struct buf *body);

/** Bytes that live as long as the program. */
void answer_static(struct http_exchange *x,
                   const char *content_type,
                   const void *bytes,
                   size_t size);

enum { ANSWER_BYTES_MAX = 256 * 1024 * 1024 };

#endif
