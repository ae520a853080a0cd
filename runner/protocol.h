/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a batcher and the process that holds the models (docs/runner-protocol.md
 * tells the same for other languages). Three things are shared:
 *
 * 1. A control socket: AF_UNIX SOCK_SEQPACKET, inherited as the descriptor named in
 *    the environment variable LEAT_RUNNER_FD. One packet is one message: lines of
 *    `key=value\n`, the first `type=...`. Parent: load, unload, stop. Child: hello,
 *    loaded (metadata), failed (reason), log.
 * 2. Per loaded instance one memfd (the slab), passed with `load`: SLOTS_PER_INSTANCE
 *    slots of `slot_bytes` each; a slot is a struct slot_head and then its tensors.
 * 3. Per loaded instance two eventfds, passed with `load` behind the slab: `submit`
 *    (parent writes 1 per slot it filled) and `complete` (child writes 1 per slot it
 *    finished).
 *
 * A slot is FREE, then FILLED by the parent (release store, then submit), RUNNING when
 * the child took it (compare-and-swap), DONE by the child (release store, then
 * complete), FREE again by the parent. The parent may withdraw a FILLED slot: a
 * compare-and-swap to FREE; of the two sides one wins. The child runs slots in the
 * order of `sequence`. Only the owner of the state writes the slot. If the child dies,
 * whatever is not DONE has not been answered.
 */
#ifndef RUNNER_PROTOCOL_H
#define RUNNER_PROTOCOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RUNNER_PROTOCOL_VERSION 1
#define RUNNER_FD_ENVIRONMENT   "LEAT_RUNNER_FD"

enum {
    SLOTS_PER_INSTANCE = 3,
    SLOT_TENSORS_MAX = 32,
    SLOT_ROWS_MAX = 4096,
    SLOT_RANK_MAX = 8,
    SLOT_NAME_BYTES = 64,
    SLOT_ERROR_BYTES = 256,
    SLOT_ROW_ERROR_BYTES = 256,
    SLOT_ALIGN = 64,       /* of every tensor's offset in the slot */
    CONTROL_BYTES = 65536, /* largest control message */
};

enum slot_state { SLOT_FREE, SLOT_FILLED, SLOT_RUNNING, SLOT_DONE };

/* What became of a row by itself. */
enum slot_row {
    SLOT_ROW_FINE,
    SLOT_ROW_FAILED,  /* the model failed on it */
    SLOT_ROW_REFUSED, /* the row is at fault: the same row never succeeds */
};

/* What a finished batch came to. */
enum slot_outcome {
    SLOT_SUCCEEDED,     /* outputs are valid for every row whose row_failed is 0 */
    SLOT_FAILED,        /* the batch failed; which row is to blame is not known */
    SLOT_OUT_OF_MEMORY, /* device memory; half the rows may work */
    SLOT_DEVICE_LOST,   /* the runner exits after this */
};

/* Datatypes are numbered as enum datatype of schemas/tensor.h. */
struct slot_tensor {
    char name[SLOT_NAME_BYTES]; /* NUL-terminated */
    uint32_t datatype;
    uint32_t rank;
    int64_t shape[SLOT_RANK_MAX]; /* first dimension = rows where the model batches */
    uint64_t offset;              /* bytes from the start of the slot */
    uint64_t size;                /* bytes */
};

struct slot_head {
    _Atomic uint32_t state;    /* enum slot_state */
    uint32_t outcome;          /* enum slot_outcome; child */
    _Atomic uint64_t sequence; /* parent; grows from batch to batch of the instance */
    uint32_t rows;             /* parent */
    uint32_t input_count;      /* parent */
    uint32_t output_count;     /* child */
    uint32_t row_errors; /* child: place of the rows' texts / SLOT_ALIGN; 0 = none */
    uint64_t inputs_end; /* parent: first byte free for outputs */
    int64_t taken_ns;    /* child: it took the slot; CLOCK_MONOTONIC */
    _Atomic int64_t prepared_ns;       /* child: the stage before the run ended */
    _Atomic int64_t started_ns;        /* child: the run began */
    int64_t completed_ns;              /* child: the run ended */
    char error[SLOT_ERROR_BYTES];      /* child; NUL-terminated, "" when fine */
    uint8_t row_failed[SLOT_ROWS_MAX]; /* child: enum slot_row */
    struct slot_tensor inputs[SLOT_TENSORS_MAX];
    struct slot_tensor outputs[SLOT_TENSORS_MAX];
};

/* Tensors of a slot start here. */
#define SLOT_DATA_OFFSET                                                               \
    ((sizeof(struct slot_head) + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN)

static inline struct slot_head *
slot_at(void *slab, uint64_t slot_bytes, unsigned index)
{
    return (struct slot_head *)(void *)((uint8_t *)slab + slot_bytes * index);
}

static inline void *
slot_bytes_at(struct slot_head *slot, uint64_t offset)
{
    return (uint8_t *)slot + offset;
}

/*
 * A slot in detail. The parent writes sequence (1 for the first batch of an instance;
 * gaps are fine), rows (1 where the model does not batch), input_count, inputs and
 * inputs_end, and clears the four times; inputs may stand in any order, each tensor of
 * `loaded` once. The child clears output_count, row_errors, error and
 * row_failed[0..rows) when it takes the slot, writes every output of `loaded` in its
 * order from inputs_end on, and checks all it was given: what does not fit the model or
 * the slot is SLOT_FAILED with the reason in `error`. Why rows failed it may tell by
 * row_errors: at that multiple of SLOT_ALIGN, behind inputs_end and apart from the
 * outputs, stand `rows` texts of SLOT_ROW_ERROR_BYTES each, NUL-terminated, "" for rows
 * that are fine. The slots are the child's from `load` to `loaded`: it warms the model
 * up in them.
 *
 * A backend with two stages prepares one batch (decodes, uploads) while the one before
 * runs; then two slots may be RUNNING at once. The child does not take a third before
 * the prepared one runs, and slots become DONE in the order of `sequence`. taken_ns ≤
 * prepared_ns ≤ started_ns ≤ completed_ns; with one stage prepared_ns = taken_ns. The
 * parent may read prepared_ns and started_ns while the slot is RUNNING. What they say
 * of a RUNNING slot whose child died: prepared_ns = 0, it was being prepared;
 * started_ns = 0, it waited between the stages and harmed nobody; else it ran.
 *
 * Control messages, by `type`:
 *
 *   hello    child   version=1 pid=N backends=dense,sim,echo,...
 *   load     parent  instance=N model=NAME version=V dir=PATH platform=P slot_bytes=N
 *                    max_batch_size=N device=cpu  + every other key of model.properties
 *                    (batch.buckets too) as property.KEY=VALUE;  3 descriptors: slab,
 *                    submit, complete. slot_bytes is a multiple of SLOT_ALIGN; instance
 *                    is the parent's choice, free again after failed or unloaded
 *   loaded   child   instance=N platform=P and per tensor one line, in order:
 *                    input=NAME DATATYPE d0,d1,...   output=NAME DATATYPE d0,d1,...
 *                    (-1 = variable; the first is -1 where the model batches); maybe
 *                    cost=ROWS PREPARE_NS RUN_NS per size measured in the warm-up,
 *                    ascending: what a batch of so many rows takes in each stage;
 *                    maybe memory=BYTES that the instance holds on its device
 *   failed   child   instance=N reason=TEXT      (the load failed; nothing is kept);
 *                    maybe cause=out_of_memory: the device had none, and may have when
 *                    another model has left it
 *   unload   parent  instance=N    -> what is FILLED is run, then unloaded instance=N
 *   unloaded child   instance=N    (also of every instance after stop)
 *   log      child   level=info|warn|error instance=N text=TEXT
 *   stop     parent  -> the child runs what is FILLED, unloads and exits 0
 *
 * A value holds no newline. Unknown keys are ignored, unknown types answered by
 * nothing. When the socket closes the child exits at once; it ignores SIGINT and
 * SIGTERM, which reach the whole group of processes and are the parent's to answer.
 * The parent starts it from a thread that lives as long as the child (the kernel's
 * parent death signal watches the thread).
 */

#endif
