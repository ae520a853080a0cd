/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which request partition is the current one of a model. Records of a short quantum go
 * to one partition, because the cost of a record on Kafka is the cost of its produce
 * batch. The quantum ends after as many records as the model takes in one batch, or 10
 * ms after its first record: a burst over HTTP arrives over milliseconds, and a quantum
 * cut short leaves one batcher with a batch more than its neighbour. The next partition
 * is taken in bit-reversed order, in which neighbours belong to different batchers
 * under range assignment. Correctness never depends on it. Pure.
 */
#ifndef INGEST_STICKY_H
#define INGEST_STICKY_H

#include <stdbool.h>
#include <stdint.h>

struct sticky {
    int32_t partition; /* the current one; -1 before the first record */
    uint32_t turn;     /* position in the bit-reversed order */
    int32_t records;   /* given to the current quantum */
    int64_t began_ns;  /* when its first record was */
};

void sticky_init(struct sticky *s);

/**
 * Counts a record and says where it goes.
 *
 * @param[in]  partition_count of the topic, at least 1
 * @param[in]  quantum_records records of one quantum, at least 1
 * @param[out] turned          true if a new quantum begins with this record
 */
int32_t sticky_take(struct sticky *s,
                    int32_t partition_count,
                    int32_t quantum_records,
                    int64_t now_ns,
                    bool *turned);

#endif
