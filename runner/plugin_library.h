/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared object of a plug-in: found, opened, and checked to speak our version of
 * leat/plugin.h before anything of it is called but the function that says so. The
 * only place that opens plug-ins.
 */
#ifndef RUNNER_PLUGIN_LIBRARY_H
#define RUNNER_PLUGIN_LIBRARY_H

#include "base/status.h"

#include <leat/plugin.h>

struct plugin_library {
    void *handle;
    struct leat_plugin plugin; /* a copy; what its version did not know is NULL */
};

/**
 * Opens the shared object.
 *
 * @param[in]  directory of the version
 * @param[in]  name      of the file in it, or an absolute path
 * @param[out] out       set only on STATUS_OK; released by plugin_library_close()
 * @return STATUS_OK; STATUS_NOT_FOUND; STATUS_INVALID for what is no plug-in;
 *         STATUS_UNSUPPORTED for one of another major version
 * @blocks for the constructors of the object
 */
MUST_CHECK enum status plugin_library_open(struct plugin_library *out,
                                           const char *directory,
                                           const char *name,
                                           struct fault *fault);

/** Unmaps it. Also of a zeroed struct. */
void plugin_library_close(struct plugin_library *library);

#endif
