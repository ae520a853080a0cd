/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which program holds a model: leat-runner beside this program, or for platform=python
 * a Python with the script of runner/python. Both are found where they are built and
 * where they are installed, as their places relative to this program are the same.
 */
#ifndef BATCHER_RUNNER_COMMAND_H
#define BATCHER_RUNNER_COMMAND_H

#include "base/option.h"
#include "base/status.h"

enum { RUNNER_PATH_BYTES = 4096 };

/** What the options say; each NULL unless given. */
struct runner_programs {
    const char *runner;        /* runner.command */
    const char *python;        /* runner.python */
    const char *python_script; /* runner.python.script */
};

struct runner_command {
    const char *program; /* a path, or a name to be looked for in PATH */
    const char *script;  /* NULL: none */
    char path[RUNNER_PATH_BYTES];
};

/**
 * Finds the program for a model.
 *
 * @param[in]  properties of the model; python.command names its Python
 * @param[out] out        borrows texts from the others, and points into itself
 * @return STATUS_OK; STATUS_IO; STATUS_NOT_FOUND if the script is not where it should
 * be
 */
MUST_CHECK enum status runner_command_find(struct runner_command *out,
                                           const struct runner_programs *programs,
                                           const char *platform,
                                           const struct property_list *properties,
                                           struct fault *fault);

#endif
