/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the backends of this build: a new one is one file and one line here. */
#include "runner/backend.h"

#include <string.h>

#ifdef LEAT_WITH_ONNXRUNTIME
#define ONNXRUNTIME &backend_onnxruntime
#else
#define ONNXRUNTIME &backend_onnxruntime_absent
#endif

static const struct backend_ops *const backends[] = {
    &backend_dense, &backend_sim, &backend_echo, ONNXRUNTIME, &backend_plugin,
};
enum { BACKEND_COUNT = sizeof backends / sizeof backends[0] };

const struct backend_ops *
backend_find(const char *platform)
{
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        if (strcmp(backends[i]->platform, platform) == 0) {
            return backends[i];
        }
    }
    return NULL;
}

void
backend_list(struct buf *out)
{
    for (size_t i = 0; i < BACKEND_COUNT; i++) {
        buf_append_text(out, i == 0 ? "" : ",");
        buf_append_text(out, backends[i]->platform);
    }
}
