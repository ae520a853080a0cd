/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform onnxruntime of a build that found no onnxruntime_c_api.h: it says what
 * to do about it.
 */
#include "runner/backend.h"

static enum status
refuse(void *state,
       const struct model_source *source,
       struct model *model,
       struct fault *fault)
{
    (void)state;
    (void)source;
    (void)model;
    return fault_set(fault, STATUS_UNSUPPORTED,
                     "this leat-runner was built without ONNX Runtime's header; "
                     "scripts/get-onnxruntime fetches it, then build again");
}

const struct backend_ops backend_onnxruntime_absent = {
    .platform = "onnxruntime",
    .load = refuse,
};
