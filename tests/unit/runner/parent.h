/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batcher for the tests of the runner: starts the built leat-runner with a real
 * socket pair, loads models with real memfds and eventfds and fills slots. Failures of
 * the system itself end the test.
 */
#ifndef TESTS_RUNNER_PARENT_H
#define TESTS_RUNNER_PARENT_H

#include "base/datatype.h"
#include "runner/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct parent {
    int control; /* our end */
    pid_t child;
    char message[CONTROL_BYTES + 1]; /* the last one received */
};

struct loaded {
    unsigned instance;
    void *slab;
    uint64_t slot_bytes;
    int slab_fd;
    int submit;
    int complete;
    uint64_t sequence;
};

/** Starts the runner and takes its hello. */
void parent_start(struct parent *p);

/** Waits for the child's end. @return its exit status, or 1000 + the signal */
int parent_wait_exit(struct parent *p);

/** Sends `stop`, expects exit 0. */
void parent_stop(struct parent *p);

void parent_send(struct parent *p, const char *text);

/** Receives the next message but `log`. @return its type is that */
bool parent_expect(struct parent *p, const char *type);

/** Whether the last message has this line. */
bool parent_said(const struct parent *p, const char *line);

/**
 * Makes a slab and sends a `load` of these lines, which hold all keys but type,
 * instance and slot_bytes.
 */
void parent_load(struct parent *p,
                 struct loaded *l,
                 unsigned instance,
                 uint64_t slot_bytes,
                 const char *lines);
void loaded_close(struct loaded *l);

struct slot_head *loaded_slot(const struct loaded *l, unsigned index);

/** Empties the slot for `rows` rows, and clears its times. */
void slot_begin(struct slot_head *slot, uint32_t rows);

/** Fills in up to 8 rows of `x UINT8 -1,4`: one of first_bytes, 0, 0, its number. */
void fill_bytes(struct slot_head *slot, uint32_t rows, const char *first_bytes);

/** Adds an input; the data is copied. */
void slot_add(struct slot_head *slot,
              const char *name,
              enum datatype datatype,
              const int64_t *shape,
              uint32_t rank,
              const void *data,
              size_t size);

/** Why a row failed; NULL where the slot tells none. */
const char *row_error(struct slot_head *slot, uint32_t row);

/** Marks it FILLED and rings. */
void loaded_submit(struct loaded *l, struct slot_head *slot);

/** Takes a FILLED slot back. @return false if the child has it */
bool loaded_withdraw(struct slot_head *slot);

/** Waits up to 30 s for that many rings of `complete`. */
bool loaded_wait(const struct loaded *l, uint64_t rings);

/** Submits one slot and waits for it. @return whether it came to be DONE */
bool loaded_run(struct loaded *l, struct slot_head *slot);

#endif
