/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records on Kafka as C structs, field for field what request.avsc, reply.avsc,
 * model_state.avsc, running.avsc, control.avsc and webhook.avsc say. Texts and tensor
 * data are spans into the bytes they were decoded from (or whatever the writer of the
 * struct lent); arrays come from an arena.
 */
#ifndef SCHEMAS_MESSAGE_H
#define SCHEMAS_MESSAGE_H

#include "base/span.h"
#include "base/uuid.h"
#include "schemas/tensor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_MAX_BYTES = 200, ROUTE_MAX = 16, TENSORS_MAX = 64, PARAMETERS_MAX = 256 };
enum {
    TOPIC_MAX_BYTES = 249,
    URL_MAX_BYTES = 2048,
    EVENTS_MAX = 16,
    HASH_MAX_BYTES = 64
};

enum parameter_kind { PARAMETER_TEXT, PARAMETER_INT, PARAMETER_REAL, PARAMETER_BOOL };

struct parameter {
    struct span name;
    enum parameter_kind kind;
    struct span text;
    int64_t number;
    double real;
    bool flag;
};

struct reply_to {
    struct span topic; /* size 0: no reply_to, the answer goes to the replies topic */
    int32_t partition; /* -1: by key */
};

struct webhook_target {
    struct span url;           /* size 0: none */
    const struct span *events; /* empty: all */
    size_t event_count;
};

struct request {
    struct uuid id;
    struct span model;
    struct span model_version; /* size 0: any */
    const struct tensor *inputs;
    size_t input_count;
    const struct span *outputs; /* names wanted; none = all */
    size_t output_count;
    const struct parameter *parameters;
    size_t parameter_count;
    struct reply_to reply_to;
    const struct span *route; /* remaining steps */
    size_t route_count;
    struct webhook_target webhook;
    struct span tenant;
    struct span batch_id; /* size 0: none */
    int32_t priority;     /* 0 default, 1 highest, larger = less urgent */
    int64_t submitted_us; /* wall */
    int64_t deadline_ms;  /* wall; 0 = none */
    int32_t attempt;
};

enum reply_status {
    REPLY_QUEUED,
    REPLY_SUCCEEDED,
    REPLY_FAILED,
    REPLY_CANCELED,
    REPLY_EXPIRED,
    REPLY_STATUS_COUNT
};

struct reply_error {
    struct span code; /* size 0: no error; else a status_name() or a model's own code */
    struct span message;
    struct span stage; /* "decode", "admit", "run", "reply" */
};

/** Wall times in microseconds, 0 = did not happen. */
struct reply_timing {
    int64_t submitted_us;
    int64_t received_us; /* by the batcher */
    int64_t started_us;
    int64_t completed_us;
};

struct request_offset {
    struct span topic; /* size 0: none */
    int32_t partition;
    int64_t offset;
};

struct reply {
    struct uuid id;
    struct span model;
    struct span model_version;
    enum reply_status status;
    const struct tensor *outputs;
    size_t output_count;
    struct reply_error error;
    struct reply_timing timing;
    int32_t batch_size; /* rows of the batch it ran in; 0 = did not run */
    int32_t attempt;
    struct span tenant;
    struct webhook_target webhook;
    struct span batch_id;
    struct request_offset request_offset;
    struct span request_hash; /* size 0: none */
};

/** "queued", "succeeded", "failed", "canceled", "expired". */
const char *reply_status_name(enum reply_status status);

/** Everything but QUEUED. */
bool reply_is_terminal(const struct reply *r);

enum model_state {
    MODEL_LOADING,
    MODEL_READY,
    MODEL_UNAVAILABLE, /* known, but not served by this instance now */
    MODEL_FAILED,      /* could not be loaded; reason says why */
    MODEL_UNLOADED,    /* is loaded when it is asked */
    MODEL_STATE_COUNT
};

struct model_info {
    struct span model;
    struct span version;
    struct span instance; /* of the batcher; unique in the group */
    enum model_state state;
    struct span reason;
    struct span platform; /* "dense", "sim", ... */
    const struct tensor_spec *inputs;
    size_t input_count;
    const struct tensor_spec *outputs;
    size_t output_count;
    int32_t max_batch_size;    /* rows; 0 = the model does not batch */
    int32_t replicas;          /* instances of the model in this batcher */
    int64_t published_us;      /* wall; republished every 5 s while alive */
    int64_t batch_us;          /* that a full batch is expected to run; 0 = not known */
    int64_t memory_bytes;      /* that it takes while loaded; 0 = not known */
    int64_t obeyed_us;         /* issue of the last order that this is the outcome of */
    const struct span *labels; /* names beside its number */
    size_t label_count;
};

const char *model_state_name(enum model_state state);

enum { RUNNING_IDS_MAX = 1024 };

/** Which requests a batcher has had with a model's runner for long. */
struct running {
    struct span model;
    struct span instance; /* of the batcher */
    int64_t published_us; /* wall */
    const struct uuid *ids;
    size_t id_count;
};

enum control_type { CONTROL_CANCEL, CONTROL_LOAD, CONTROL_UNLOAD, CONTROL_TYPE_COUNT };

/** An order to every batcher. */
struct control {
    enum control_type type;
    struct uuid id;      /* of the request; all zero: none */
    struct span model;   /* size 0: none, or not known */
    struct span version; /* size 0: any */
    struct span tenant;
    int64_t issued_us; /* wall; 0 = not known */
};

enum webhook_state {
    WEBHOOK_PENDING,   /* attempts are left */
    WEBHOOK_DELIVERED, /* answered 2xx */
    WEBHOOK_EXHAUSTED, /* no attempts are left, or the address is refused */
    WEBHOOK_STOPPED,   /* the receiver answered 410 */
    WEBHOOK_STATE_COUNT
};

enum { WEBHOOK_BODY_MAX = 256 * 1024, WEBHOOK_REASON_MAX = 64 };

/** How one delivery stands; of the records of an id the highest revision counts. */
struct webhook_record {
    struct uuid id; /* of the job */
    struct span tenant;
    enum webhook_state state;
    int64_t revision;
    int32_t attempts;   /* calls made since begun_us */
    struct span reason; /* class of the last failure; size 0: none */
    int64_t begun_us;   /* wall */
    int64_t due_us;     /* wall: of the next attempt, or of the end */
    struct span url;    /* while pending */
    struct span body;   /* while pending */
};

/** "pending", "delivered", "exhausted", "stopped". */
const char *webhook_state_name(enum webhook_state state);

#endif
