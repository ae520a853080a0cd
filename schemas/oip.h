/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open Inference Protocol V2 bodies: JSON, and JSON followed by binary tensors. Read by
 * a cursor of our own (json_read.h) straight into structs and tensor bytes: no tree is
 * built, so a hostile body costs no more than its length.
 */
#ifndef SCHEMAS_OIP_H
#define SCHEMAS_OIP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "base/status.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>

enum { OIP_JSON_ONLY = -1 };

/** An infer body, or the body of POST /v1/jobs (the same with model, webhook, ...). */
struct oip_request {
    struct span id;            /* the caller's own, to be echoed; size 0 = none */
    struct span model;         /* jobs only; size 0 = none */
    struct span model_version; /* jobs only */
    const struct tensor *inputs;
    size_t input_count;
    const struct span *outputs;
    size_t output_count;
    const bool *output_binary; /* per output asked for: as raw bytes */
    bool binary_all;           /* parameters.binary_data_output */
    const struct parameter *parameters;
    size_t parameter_count;
    struct webhook_target webhook; /* jobs only */
    int64_t deadline_ms;           /* jobs only: from now; 0 = none */
    int64_t timeout_us;            /* parameters.timeout; 0 = none */
    int32_t priority;              /* parameters.priority or jobs' priority */
    bool raw; /* the body is one tensor; oip_fit_raw() must name and shape it */
};

/**
 * Reads and checks a body against what the model wants.
 *
 * An infer body may have members that are not ours (real clients send some); a job body
 * may not. `data` may be nested or flat; FP16 and BF16 come as binary only.
 *
 * @param[in]  body        borrowed; the result points into it or into the arena
 * @param[in]  json_length value of Inference-Header-Content-Length, or OIP_JSON_ONLY;
 *                         0: a raw body, the bytes of the model's only input
 * @param[in]  job         true: the members of POST /v1/jobs are allowed, none needed
 * @param[out] fault       names the member or tensor and, for JSON, line and column
 * @return STATUS_OK; STATUS_INVALID; STATUS_TOO_LARGE; STATUS_UNSUPPORTED;
 * STATUS_NO_MEMORY
 */
MUST_CHECK enum status oip_read_request(struct span body,
                                        int64_t json_length,
                                        bool job,
                                        struct arena *arena,
                                        struct oip_request *out,
                                        struct fault *fault);

/**
 * Gives the tensor of a raw request the name, datatype and shape of the model's only
 * input: one row; a single variable dimension follows from the size of the body. Does
 * nothing to a request that is not raw. Call it before oip_check_model().
 *
 * @return STATUS_OK; STATUS_INVALID if the model has several inputs or the size does
 * not fit; STATUS_NO_MEMORY
 */
MUST_CHECK enum status oip_fit_raw(struct oip_request *request,
                                   const struct model_info *model,
                                   struct arena *arena,
                                   struct fault *fault);

/**
 * Checks a request against a model: unknown, missing or doubled input, wrong datatype,
 * wrong rank or dimension, rows over the maximum, unknown output; the fault names it.
 *
 * @param[out] rows of the request: the common first dimension, 1 if it does not batch
 * @return STATUS_OK; STATUS_INVALID
 */
MUST_CHECK enum status oip_check_model(const struct oip_request *request,
                                       const struct model_info *model,
                                       int64_t *rows,
                                       struct fault *fault);

/** What the answer to an infer call shows. */
struct oip_answer {
    struct span client_id;     /* echoed as "id"; if empty the job's id is shown */
    bool all_binary;           /* every output as raw bytes */
    const struct span *binary; /* names of the outputs wanted as raw bytes */
    size_t binary_count;
};

/**
 * Appends the answer of a succeeded infer call. Numbers are the shortest that read back
 * the same; FP16 and BF16 are written as numbers, nan and infinity, which JSON does not
 * have, as null: who needs them asks for binary.
 *
 * @param[out] json_length bytes of JSON when binary tensors follow, else OIP_JSON_ONLY
 */
void oip_write_answer(const struct reply *reply,
                      const struct oip_answer *answer,
                      struct buf *b,
                      int64_t *json_length);

/**
 * Appends the job document of GET /v1/jobs/{id}.
 *
 * @param[in] status       as it stands in it: reply_status_name(), or "running", which
 *                         no reply says
 * @param[in] with_outputs adds the tensors
 */
void oip_write_job(const struct reply *reply,
                   const char *status,
                   bool with_outputs,
                   struct buf *b);

/* Lines of GET /v1/batches/{id}/results, each with its LF. */

/** The answer of a line. @param[in] own_id the caller's; size 0: none */
void oip_write_batch_line(const struct reply *reply,
                          uint32_t line,
                          struct span own_id,
                          struct buf *b);
/** A line that ended, and whose answer is not kept any more. */
void oip_write_batch_gone(uint32_t line, struct buf *b);
/** Why the stream ends although there is more. */
void oip_write_batch_break(enum status status, struct buf *b);

/** A name for a version. */
struct oip_label {
    struct span name;
    struct span version;
};

/** Appends them as an object: the version by its label. */
void oip_write_labels(const struct oip_label *labels, size_t count, struct buf *b);

/** By which a model's versions can be asked for. */
struct oip_names {
    const struct span *versions;
    size_t version_count;
    const struct oip_label *labels;
    size_t label_count;
};

/** Appends the metadata document of GET /v2/models/{m}; `labels` is in it where there
 * are any. */
void oip_write_model(const struct model_info *model,
                     const struct oip_names *names,
                     struct buf *b);

/** Appends the document of GET /v2/models/{m}/config. */
void oip_write_config(const struct model_info *model, struct buf *b);

/**
 * Appends an RFC 9457 problem document with the additional `error` member that the
 * clients of the Open Inference Protocol read, and `id` when a job is concerned.
 *
 * @param[in] id NULL if no job is concerned
 */
void oip_write_problem(enum status status,
                       int http_code,
                       const char *detail,
                       const struct uuid *id,
                       struct buf *b);

/** Appends text as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void oip_write_text(struct span text, struct buf *b);

#endif
