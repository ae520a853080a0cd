/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load generator without coordinated omission: requests are due on a schedule that does
 * not wait for answers, latency counts from the due instant, and each answer is
 * compared with what its own request must get. With rate 0 it is a closed loop: every
 * connection sends as soon as it is answered.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAYLOAD_BYTES_MAX = 1 << 20 };

/* The body of one request and the answer it must get; rewritten for each request. */
struct payload {
    const char *model;
    size_t bytes;  /* of the UINT8 tensor */
    bool json;     /* tensor as JSON numbers instead of binary */
    uint8_t *data; /* the tensor */
    struct buf head;
};

/** @return false without memory */
bool payload_init(struct payload *p, const char *model, size_t bytes, bool json);
void payload_fini(struct payload *p);

/** Makes the tensor that of a request. @return the answer's hash, as payload_write() */
uint64_t payload_number(struct payload *p, uint64_t number);

/**
 * Writes request number `number` in full (head and body) and says the answer's hash.
 *
 * @return FNV-1a 64 of the tensor, the answer of the sim backend
 */
uint64_t payload_write(struct payload *p, uint64_t number, struct buf *out);

/** How one request ended. */
enum ending { ENDING_RIGHT, ENDING_WRONG, ENDING_REFUSED, ENDING_FAILED, ENDING_COUNT };

/** Latencies and endings of a run. */
struct tally {
    uint32_t *latencies_us;
    size_t count;
    size_t capacity;
    uint64_t endings[ENDING_COUNT];
    int last_code; /* of the last answer that was not right */
};

bool tally_init(struct tally *t, size_t capacity);
void tally_fini(struct tally *t);
void tally_add(struct tally *t, enum ending ending, int64_t latency_ns, int code);

/** One line of JSON: counts, rate and quantiles in ms. */
void tally_print(struct tally *t, double seconds);

struct plan {
    const char *address; /* host:port, IPv4 */
    int64_t connections;
    double rate;         /* per second; 0 = closed loop */
    bool poisson;        /* exponential gaps instead of equal ones */
    int64_t duration_ns; /* counted */
    int64_t warm_up_ns;  /* before, not counted */
    int64_t requests;    /* stop after so many; 0 = by time */
    int64_t burst;       /* so many at once and no more; 0 = none */
};

/**
 * Runs the plan to its end, at most 60 s past it for late answers.
 *
 * @return false if no connection could be made
 */
bool fleet_run(const struct plan *plan,
               struct payload *payload,
               struct tally *tally,
               double *seconds);

#endif
