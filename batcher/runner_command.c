/* SPDX-License-Identifier: Apache-2.0 */
/* See runner_command.h. */
#include "batcher/runner_command.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const char runner_place[] = "leat-runner";
static const char script_place[] = "../share/leat/python/leat_runner.py";

/** Path of something relative to the directory of this program. */
static enum status
find_beside(const char *place, char path[static RUNNER_PATH_BYTES], struct fault *fault)
{
    size_t room = RUNNER_PATH_BYTES - sizeof script_place;
    ssize_t size = readlink("/proc/self/exe", path, room);
    if (size <= 0) {
        return fault_set(fault, STATUS_IO, "/proc/self/exe: %s",
                         strerrordesc_np(errno));
    }
    path[size] = '\0';
    memcpy(strrchr(path, '/') + 1, place, strlen(place) + 1);
    return STATUS_OK;
}

static const char *
property_of(const struct property_list *properties, const char *key)
{
    for (size_t i = 0; i < properties->count; i++) {
        if (strcmp(properties->items[i].key, key) == 0) {
            return properties->items[i].value;
        }
    }
    return NULL;
}

static enum status
find_python(struct runner_command *out,
            const struct runner_programs *programs,
            const struct property_list *properties,
            struct fault *fault)
{
    const char *own = property_of(properties, "python.command");
    out->program = own != NULL ? own : programs->python;
    out->script = programs->python_script;
    if (out->script == NULL) {
        enum status status = find_beside(script_place, out->path, fault);
        if (status != STATUS_OK) {
            return status;
        }
        out->script = out->path;
    }
    if (access(out->script, R_OK) != 0) {
        return fault_set(fault, STATUS_NOT_FOUND,
                         "the Python runner %s: %s (runner.python.script names it)",
                         out->script, strerrordesc_np(errno));
    }
    return STATUS_OK;
}

enum status
runner_command_find(struct runner_command *out,
                    const struct runner_programs *programs,
                    const char *platform,
                    const struct property_list *properties,
                    struct fault *fault)
{
    *out = (struct runner_command){.program = programs->runner};
    if (strcmp(platform, "python") == 0) {
        return find_python(out, programs, properties, fault);
    }
    if (out->program != NULL) {
        return STATUS_OK;
    }
    out->program = out->path;
    return find_beside(runner_place, out->path, fault);
}
