/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RssAnon of /proc/PID/status: resident pages that are of no file, and so neither the
 * slabs nor the weights that a model maps.
 */
#include "batcher/runner_memory.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_NS (250 * NS_PER_MS)

enum { PATH_BYTES = 64, LINE_BYTES = 256, KIB = 1024 };

/* 0 for a process that is gone. */
static int64_t
process_bytes(pid_t pid)
{
    static const char key[] = "RssAnon:";
    char path[PATH_BYTES];
    char line[LINE_BYTES];
    int64_t bytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    while (file != NULL && bytes == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, sizeof key - 1) == 0) {
            bytes = strtoll(line + sizeof key - 1, NULL, 10) * KIB;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

/* With the processes that its main thread has started. */
static int64_t
runner_bytes(pid_t runner)
{
    char path[PATH_BYTES];
    char line[LINE_BYTES];
    int64_t bytes = process_bytes(runner);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)runner, (int)runner);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return bytes;
    }
    char *at = fgets(line, sizeof line, file);
    fclose(file);
    while (at != NULL && *at != '\0') {
        char *end = NULL;
        long child = strtol(at, &end, 10);
        bytes += end != at ? process_bytes((pid_t)child) : 0;
        at = end != at ? end + strspn(end, " \n") : NULL;
    }
    return bytes;
}

void
runner_memory_reset(struct runner_memory *m, int64_t now_ns)
{
    m->verdict = MEMORY_FINE;
    m->look_at_ns = m->bytes_max > 0 ? now_ns + LOOK_EVERY_NS : TIME_NEVER;
}

enum memory_verdict
runner_memory_look(struct runner_memory *m, pid_t runner, int64_t now_ns)
{
    if (now_ns < m->look_at_ns) {
        return m->verdict;
    }
    m->look_at_ns = now_ns + LOOK_EVERY_NS;
    int64_t bytes = runner_bytes(runner);
    if (bytes > m->bytes_max + m->bytes_max / 2) {
        m->verdict = MEMORY_BROKEN;
    } else if (bytes > m->bytes_max && m->verdict == MEMORY_FINE) {
        m->verdict = MEMORY_OVER;
    }
    return m->verdict;
}
