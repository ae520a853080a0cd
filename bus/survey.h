/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that asks brokers where partitions begin, end and were at a time, because
 * librdkafka has only blocking calls for it. One question is three requests to each
 * leader however many partitions it is about. Answers come back on the loop. Private to
 * the room; struct survey is consumer.h's.
 */
#ifndef BUS_SURVEY_H
#define BUS_SURVEY_H

#include "base/loop.h"
#include "base/status.h"
#include "bus/consumer.h"

#include <librdkafka/rdkafka.h>

#include <stdbool.h>

struct surveyor;

/** Called on the loop with a survey that ended. */
typedef void (*survey_fn)(void *arg, struct survey *survey);

/** @param[in] has_times the broker can find offsets by time (the in-process one cannot)
 */
MUST_CHECK enum status surveyor_create(struct surveyor **out,
                                       struct loop *loop,
                                       rd_kafka_t *rk,
                                       bool has_times,
                                       survey_fn fn,
                                       void *arg);

/** Joins the thread; a survey under way is forgotten. @blocks up to 2 s */
void surveyor_destroy(struct surveyor **surveyor);

/** @return STATUS_OK: lent until fn is called with it; STATUS_FULL: one is under way */
MUST_CHECK enum status surveyor_ask(struct surveyor *surveyor, struct survey *survey);

#endif
