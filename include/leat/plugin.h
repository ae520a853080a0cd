/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of Leat as a shared object (`platform=plugin`): what it exports, and what it
 * is called with. This header is all that a plug-in needs; it includes only standard
 * headers and is C99, C11 and C++. Everything runs in leat-runner, a process that holds
 * one model: a plug-in that crashes or hangs fails the item that made it do so, and no
 * other.
 *
 * The two sides may be built against different versions of this header. The first two
 * words of struct leat_plugin are read in every version: another major is refused, a
 * newer minor on either side is not. Structs that begin with `size` grow at their end
 * with the minor, so look by LEAT_HAS() whether `size` reaches a member that came later
 * than 1.0; the others stay as they are for the whole major.
 *
 * Threads. Of one instance of the model, load(), run() and unload() are called from one
 * thread, prepare() from a second one while run() computes the batch before. Several
 * instances are several states, each with threads of its own, beside each other in one
 * process: what is global in the plug-in is theirs together. Threads of the plug-in's
 * own are welcome; none may be left when unload() returns, the object is unmapped then.
 *
 * Errors. Functions that return int give an enum leat_outcome. Say why first, by
 * fail(), fail_row() or refuse_row(): that text is what the caller of the model reads,
 * cut at 200 bytes. An exception of C++ must not leave the plug-in: it would end the
 * process.
 */
#ifndef LEAT_PLUGIN_H
#define LEAT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define LEAT_PLUGIN_MAJOR 1
#define LEAT_PLUGIN_MINOR 1

/* Whether the other side's struct has a member: LEAT_HAS(load, memory). */
#define LEAT_HAS(struct_pointer, member)                                               \
    ((const char *)&(struct_pointer)->member - (const char *)(struct_pointer) <        \
     (ptrdiff_t)(struct_pointer)->size)

/* The head of a struct leat_plugin, as its initialiser begins. */
#define LEAT_PLUGIN_HEAD                                                               \
    LEAT_PLUGIN_MAJOR, LEAT_PLUGIN_MINOR, sizeof(struct leat_plugin)

#ifdef __cplusplus
#define LEAT_PLUGIN_EXPORT extern "C" __attribute__((visibility("default")))
extern "C" {
#else
#define LEAT_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

enum {
    LEAT_NAME_BYTES = 64, /* of a tensor's name, its NUL included */
    LEAT_RANK_MAX = 8,
    LEAT_TENSORS_MAX = 32 /* inputs of a model, and as many outputs */
};

/* As the Open Inference Protocol names them. An element of LEAT_BYTES is its length,
 * 32 bits little-endian, and its bytes; all else is what its name says, little-endian;
 * LEAT_BOOL is one byte, 0 or 1. */
enum leat_datatype {
    LEAT_BOOL,
    LEAT_UINT8,
    LEAT_UINT16,
    LEAT_UINT32,
    LEAT_UINT64,
    LEAT_INT8,
    LEAT_INT16,
    LEAT_INT32,
    LEAT_INT64,
    LEAT_FP16,
    LEAT_BF16,
    LEAT_FP32,
    LEAT_FP64,
    LEAT_BYTES
};

/* What came of a call. */
enum leat_outcome {
    LEAT_OK,
    LEAT_FAILED,        /* which row is to blame is not known: the batch is halved and
                           run again until the bad item stands alone */
    LEAT_OUT_OF_MEMORY, /* of the device; fewer rows may fit: halved, and later batches
                           are smaller */
    LEAT_DEVICE_LOST /* the runner exits and is started again; the batch runs again */
};

enum leat_level { LEAT_INFO, LEAT_WARN, LEAT_ERROR };

/* A tensor of the model. Frozen in major 1. */
struct leat_tensor {
    char name[LEAT_NAME_BYTES];
    uint32_t datatype;            /* enum leat_datatype */
    uint32_t rank;                /* at most LEAT_RANK_MAX */
    int64_t shape[LEAT_RANK_MAX]; /* -1 = variable; where the model batches the first
                                     is the batch dimension and -1 */
};

/* Lines for the batcher's log. Lives from load() to the end of unload(). */
struct leat_log {
    size_t size;
    /**
     * Writes a line; dropped where the log cannot take it now.
     *
     * @param level enum leat_level
     * @param text  one line, cut at 500 bytes
     * Threads: any. Does not block.
     */
    void (*write)(const struct leat_log *log, int level, const char *text);
};

/* What load() is given. Valid during load() only, but for `log`. */
struct leat_load {
    size_t size;
    uint32_t minor;          /* LEAT_PLUGIN_MINOR of the runner */
    uint32_t max_batch_size; /* most rows of a batch; 0: the model does not batch, its
                                tensors have no batch dimension, a batch is one item */
    const char *directory;   /* of the version; absolute path, no slash at its end */
    const char *device;      /* "cpu", "cuda:0" and so on, as model.properties says */
    uint32_t input_count;    /* of input.0, input.1, ... in model.properties */
    uint32_t output_count;
    const struct leat_tensor *inputs;
    const struct leat_tensor *outputs;
    const struct leat_log *log;

    /** The value of a key of model.properties, or NULL. Keys that Leat uses for itself
     * (platform, instances, deadlines, ...) are not there. */
    const char *(*property)(const struct leat_load *load, const char *key);

    /**
     * Tells the next input or output of the model. A model whose tensors are told need
     * none in model.properties; those that are there must be the same.
     *
     * @return LEAT_OK; LEAT_FAILED, the load has failed then and says why
     */
    int (*add_input)(struct leat_load *load, const struct leat_tensor *tensor);
    int (*add_output)(struct leat_load *load, const struct leat_tensor *tensor);

    /** Says why the load fails. @return LEAT_FAILED, for `return load->fail(...)` */
    int (*fail)(struct leat_load *load, const char *why);

    /**
     * Since 1.1. Tells how many bytes of the device this instance holds, which is what
     * the batcher counts. On a CUDA device of which nothing is told it is measured
     * around the load, which is an estimate; of other devices it is not known then.
     */
    void (*memory)(struct leat_load *load, uint64_t bytes);
};

/* An input of a batch. Frozen in major 1. */
struct leat_input {
    const void *data; /* row-major, no padding, at a multiple of 64 bytes; BYTES too
                         are whole elements, as many as the shape says */
    size_t size;      /* bytes */
    uint32_t rank;
    uint32_t reserved;
    int64_t shape[LEAT_RANK_MAX]; /* [rows][...] where the model batches */
};

/*
 * A batch. Inputs and outputs lie in memory that Leat shares with the runner: they are
 * read and written in place. All of it is Leat's, valid until the call returns, but for
 * what `prepared` points to.
 */
struct leat_batch {
    size_t size;
    uint32_t rows;        /* 1 to max_batch_size; 1 where the model does not batch */
    uint32_t padded_rows; /* the bucket of batch.buckets that it is padded up to;
                             `rows` where there are none. A hint: inputs and outputs
                             have `rows` */
    uint32_t warm_up;     /* 1: of Leat's own making, before the model is ready */
    uint32_t input_count;
    const struct leat_input *inputs; /* in the model's order */
    void *prepared; /* the plug-in's own: what prepare() left for run(); else NULL */

    /**
     * Takes room for the next output, in the model's order, each once; run() only.
     *
     * @param index of the output: 0, then 1, ...
     * @param shape as many dimensions as the output has; fixed ones as the model told
     *              them, the first `rows` where the model batches
     * @param size  bytes; what datatype and shape ask for, BYTES as the elements need
     * @return where to write, at a multiple of 64 bytes; NULL where there is no room or
     *         the arguments do not fit: the batch has failed then and says why
     */
    void *(*output)(struct leat_batch *batch,
                    uint32_t index,
                    const int64_t *shape,
                    size_t size);

    /** Says why the batch fails. @return LEAT_FAILED, for `return batch->fail(...)` */
    int (*fail)(struct leat_batch *batch, const char *why);

    /**
     * Fails one row: its item alone is FAILED, whatever the outputs hold there. Of a
     * row's reasons the first is kept. refuse_row() says that the caller is to blame
     * (400 over HTTP, else 500): the same row never succeeds.
     */
    void (*fail_row)(struct leat_batch *batch, uint32_t row, const char *why);
    void (*refuse_row)(struct leat_batch *batch, uint32_t row, const char *why);
};

/* What a plug-in is; static, it outlives unload(). */
struct leat_plugin {
    uint32_t major; /* LEAT_PLUGIN_MAJOR; the first two words in every version */
    uint32_t minor; /* LEAT_PLUGIN_MINOR */
    size_t size;    /* sizeof(struct leat_plugin) */

    /**
     * Loads the model.
     *
     * @param state set on LEAT_OK; handed to the other functions, NULL is fine
     * @return LEAT_OK; else nothing is kept, unload() is not called
     * Blocks: with the warm-up up to load.timeout of model.properties (5 min), then
     * the runner is killed.
     */
    int (*load)(struct leat_load *load, void **state);

    /**
     * The stage before run(), such as decoding: called for the next batch while run()
     * computes one. What it left in `prepared` comes to run() with the same batch;
     * every batch that was prepared without an error is run. (optional: NULL)
     *
     * @return as run()
     */
    int (*prepare)(void *state, struct leat_batch *batch);

    /**
     * Computes the batch: takes every output and writes it, or fails rows or all of it.
     *
     * @return an enum leat_outcome
     * Blocks: up to the batcher's option batcher.run.timeout, then the runner is killed
     * and the batch counts as having killed it.
     */
    int (*run)(void *state, struct leat_batch *batch);

    /** Releases what load() took. (optional: NULL) */
    void (*unload)(void *state);
};

/** The one symbol that is looked for; defined by the plug-in. Threads: any. */
#define LEAT_PLUGIN_SYMBOL "leat_plugin_get"
LEAT_PLUGIN_EXPORT const struct leat_plugin *leat_plugin_get(void);

#ifdef __cplusplus
}
#endif

#endif
