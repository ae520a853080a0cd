/* SPDX-License-Identifier: Apache-2.0 */
/* See stage_runner.h. */
#include "tests/flow/stage_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

pid_t
stage_runner_pid(void)
{
    char path[64];
    char text[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    return (pid_t)strtol(text, NULL, 10);
}
