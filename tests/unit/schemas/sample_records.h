/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records for tests: generated ones, the same for the same seed, whose fields take
 * empty, usual and extreme values; and one fixed request with every field set.
 */
#ifndef TESTS_SAMPLE_RECORDS_H
#define TESTS_SAMPLE_RECORDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "schemas/message.h"

#include <stdint.h>

struct sample {
    uint64_t state;
    struct arena *arena;
};

/** A number from 0 to below - 1. */
uint64_t sample_below(struct sample *s, uint64_t below);

struct request sample_request(struct sample *s);
struct reply sample_reply(struct sample *s);
struct model_info sample_model_info(struct sample *s);
struct running sample_running(struct sample *s);
struct control sample_control(struct sample *s);
struct webhook_record sample_webhook_record(struct sample *s);

/** One FP32 input [2][3], every optional field present. */
struct request full_request(void);

/** A whole file of this directory's parents, path relative to the source tree. */
struct span file_read(const char *path, struct arena *arena);

/** Fails the test unless both encode to the same bytes. */
void expect_same_request(const struct request *a, const struct request *b);
void expect_same_reply(const struct reply *a, const struct reply *b);
void expect_same_model_info(const struct model_info *a, const struct model_info *b);
void expect_same_running(const struct running *a, const struct running *b);
void expect_same_control(const struct control *a, const struct control *b);
void expect_same_webhook_record(const struct webhook_record *a,
                                const struct webhook_record *b);

#endif
