/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who presents wrong keys again and again, by address: after LOCKOUT_FAILURES in a
 * minute further ones are answered 429 until the minute is over. A right key always
 * passes: many callers may share an address. IPv6 counts by its /64. Bounded: the entry
 * an address would stand at is taken over when another's minute is over, or its
 * failures are fewer. Pure.
 */
#ifndef INGEST_LOCKOUT_H
#define INGEST_LOCKOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOCKOUT_FAILURES = 10,
    LOCKOUT_ENTRIES = 1024, /* a power of two */
    LOCKOUT_ADDRESS_BYTES = 16
};

struct lockout_entry {
    uint8_t address[LOCKOUT_ADDRESS_BYTES];
    int64_t began_ns; /* of the minute; 0 = none */
    unsigned failures;
};

struct lockout {
    struct lockout_entry entries[LOCKOUT_ENTRIES];
    uint64_t seed;
};

/** @param[in] seed so that nobody can choose who collides */
void lockout_init(struct lockout *l, uint64_t seed);

/**
 * Counts a failure.
 *
 * @return 0; over the limit the seconds until its minute is over
 */
int64_t lockout_fail(struct lockout *l,
                     const uint8_t address[static LOCKOUT_ADDRESS_BYTES],
                     int64_t now_ns);

#endif
