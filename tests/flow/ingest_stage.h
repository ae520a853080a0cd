/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ingest on the in-process broker with a batcher played by the test: it reads the
 * requests of the model `echo` (x FP32 [-1,2] -> y, the same numbers, batches of 4;
 * version 1, labels stable and blue) and answers them as told. Both run on one loop in
 * a thread of their own; the test asks over HTTP from outside.
 */
#ifndef TESTS_FLOW_INGEST_STAGE_H
#define TESTS_FLOW_INGEST_STAGE_H

#include "ingest/ingest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ingest_stage;

enum play {
    PLAY_ANSWER, /* y = x */
    PLAY_FAIL,   /* FAILED, model_failed, "x is cursed" */
    PLAY_EXPIRE, /* EXPIRED */
    PLAY_CANCEL, /* CANCELED */
    PLAY_HOLD    /* nothing until another play, then as that says; or until an order to
                    cancel it comes, then CANCELED */
};

struct stage_options {
    int64_t infer_timeout_ns;   /* 0 = 5 s */
    int64_t inflight_max;       /* 0 = 1000 */
    int64_t inflight_bytes_max; /* 0 = 1 MiB */
    int64_t body_bytes_max;     /* 0 = 64 KiB */
    int64_t drain_timeout_ns;   /* 0 = 5 s */
    const char *keys_file;      /* NULL = no keys */
    const char *orders_tenant;  /* whose cancels are expected; NULL = default */
    bool cancel_on_disconnect;
};

/** Ready, with the model known, when it returns. */
struct ingest_stage *stage_open(const struct stage_options *options);

/** Drains the ingest, joins and frees all. */
void stage_close(struct ingest_stage *stage);

/** Begins the drain and returns at once. */
void stage_drain(struct ingest_stage *stage);

void stage_play(struct ingest_stage *stage, enum play play);

/** Announces that the requests which are held run now, or that none do. */
void stage_say_running(struct ingest_stage *stage, bool held);

/** Takes the broker away or brings it back. */
void stage_broker(struct ingest_stage *stage, bool up);

/** Waits until the played batcher has read this many requests in all. */
void stage_await_requests(struct ingest_stage *stage, int count);

/** Waits until this many orders have been read from the control topic in all. */
void stage_await_orders(struct ingest_stage *stage, int count);

/** Orders read from the control topic so far. */
int stage_orders(const struct ingest_stage *stage);

/** From the submission to the deadline of the request answered last; 0: it had none. */
int64_t stage_timeout_ms(const struct ingest_stage *stage);

struct stage_answer {
    int code; /* 0: the connection ended without an answer */
    char head[4096];
    char body[16384];
};

/** Of the HTTP listener. */
const char *stage_address(const struct ingest_stage *stage);

/** A connection with a request sent on it; -1 if it cannot be made. */
int stage_send(const struct ingest_stage *stage,
               const char *request_line,
               const char *headers,
               const char *body);
/** Reads the answer and closes. */
void stage_receive(int connection, struct stage_answer *answer);

/** Both in one; `headers` each ended by CRLF. */
void stage_ask(const struct ingest_stage *stage,
               const char *request_line,
               const char *headers,
               const char *body,
               struct stage_answer *answer);

/** Value of a header of the answer into `value`; empty if absent. */
void stage_header(const struct stage_answer *answer,
                  const char *name,
                  char *value,
                  size_t size);

#define STAGE_INFER "POST /v2/models/echo/infer"
#define STAGE_BODY                                                                     \
    "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"datatype\":\"FP32\","              \
    "\"data\":[1.5,-2]}]}"

#endif
