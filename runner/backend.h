/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way to run models: one `const struct backend_ops` per platform, chosen by the
 * `platform` of a load. The instance allocates the backend's private state (zeroed,
 * state_size bytes) and frees it after unload(). It calls load(), run(), unload() and
 * the warm-up's prepare() from one thread; between load() and unload(), of a staged
 * model prepare() from a second one, for the next batch while run() computes this one.
 */
#ifndef RUNNER_BACKEND_H
#define RUNNER_BACKEND_H

#include "base/status.h"
#include "runner/batch.h"
#include "runner/model.h"
#include "runner/properties.h"

#include <stddef.h>
#include <stdint.h>

/* What a load is given; borrowed during load() only. */
struct model_source {
    const char *platform;  /* one that backend_find() knows */
    const char *directory; /* of the version: its files */
    const struct properties
        *properties;    /* of model.properties, keys as written there */
    const char *device; /* "cpu" */
    int control_fd;     /* for control_log(), valid for as long as the model */
    uint32_t instance;  /* likewise */
    void *slab;         /* the slots' memory, mapped until after unload() */
    size_t slab_bytes;
};

struct backend_ops {
    const char *platform; /* "dense" */
    size_t state_size;

    /**
     * Reads the model and says its tensors.
     *
     * @param[in,out] model max_batch_size is set, and inputs and outputs are those of
     *                the properties, maybe none; complete and checked on STATUS_OK.
     *                Sets `staged` if this model gains by prepare()
     * @return STATUS_OK, or why not in words; then unload() is called all the same
     */
    enum status (*load)(void *state,
                        const struct model_source *source,
                        struct model *model,
                        struct fault *fault);

    /** Releases what load() took, also half of it. (optional: nothing to release) */
    void (*unload)(void *state);

    /**
     * Decodes or uploads the inputs: the stage before run(), called where load() set
     * `staged`, in the order in which the batches run. The same batch, at the same
     * address, comes to run() later; two batches live at a time. (optional: then no
     * model is staged)
     *
     * @return SLOT_SUCCEEDED, or as run(): then run() is not called
     * @thread the preparer of the instance; run() may be in another batch meanwhile
     */
    enum slot_outcome (*prepare)(void *state, struct batch *b);

    /**
     * Computes every output by batch_output(). Rows that fail by themselves are told
     * by batch_fail_row(). b->slot->started_ns is the moment of the call.
     *
     * @return SLOT_SUCCEEDED, or another outcome with its reason by batch_fail()
     */
    enum slot_outcome (*run)(void *state, struct batch *b);
};

extern const struct backend_ops backend_dense;
extern const struct backend_ops backend_echo;
extern const struct backend_ops backend_onnxruntime;        /* with its header */
extern const struct backend_ops backend_onnxruntime_absent; /* without */
extern const struct backend_ops backend_plugin;
extern const struct backend_ops backend_sim;

/* Around another one: where the properties have `steps`. No platform of its own. */
extern const struct backend_ops backend_steps;

/** The backend of that platform, or NULL. */
const struct backend_ops *backend_find(const char *platform);

/** "dense,sim,echo,...": what this build has. */
void backend_list(struct buf *out);

#endif
