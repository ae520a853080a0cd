/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See runner.h. Only this thread touches the table of instances; one that has ended
 * stays in it until the next message.
 */
#include "runner/runner.h"

#include "runner/backend.h"
#include "runner/control.h"
#include "runner/instance.h"
#include "runner/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct runner {
    int control_fd;
    bool stopping;
    struct instance *instances[RUNNER_INSTANCES_MAX]; /* NULL = free */
};

/* The place of that instance, or NULL. */
static struct instance **
find(struct runner *runner, uint32_t id)
{
    for (size_t i = 0; i < RUNNER_INSTANCES_MAX; i++) {
        struct instance *in = runner->instances[i];
        if (in != NULL && instance_id(in) == id) {
            return &runner->instances[i];
        }
    }
    return NULL;
}

static struct instance **
find_free(struct runner *runner)
{
    for (size_t i = 0; i < RUNNER_INSTANCES_MAX; i++) {
        if (runner->instances[i] == NULL) {
            return &runner->instances[i];
        }
    }
    return NULL;
}

static void
reap_ended(struct runner *runner)
{
    for (size_t i = 0; i < RUNNER_INSTANCES_MAX; i++) {
        struct instance *in = runner->instances[i];
        if (in != NULL && instance_ended(in)) {
            instance_destroy(&runner->instances[i]);
        }
    }
}

static void
answer(const struct runner *runner, const char *type, uint32_t id, const char *reason)
{
    struct buf message;
    control_begin(&message, type);
    control_add_number(&message, "instance", id);
    if (reason != NULL) {
        control_add(&message, "reason", reason);
    }
    control_send(runner->control_fd, &message);
}

static void
on_load(struct runner *runner, uint32_t id, struct control_message *m)
{
    struct fault fault;
    struct instance **place = find_free(runner);
    if (find(runner, id) != NULL) {
        answer(runner, "failed", id, "an instance of this number is loaded");
    } else if (place == NULL) {
        answer(runner, "failed", id, "too many instances in this runner");
    } else if (instance_start(place, id, runner->control_fd, m, &fault) != STATUS_OK) {
        answer(runner, "failed", id, fault.text);
    }
}

static void
on_unload(struct runner *runner, uint32_t id, struct control_message *m)
{
    (void)m;
    struct instance **place = find(runner, id);
    if (place == NULL) {
        answer(runner, "unloaded", id, NULL);
    } else {
        instance_stop(*place);
    }
}

static void
on_stop(struct runner *runner, uint32_t id, struct control_message *m)
{
    (void)id;
    (void)m;
    for (size_t i = 0; i < RUNNER_INSTANCES_MAX; i++) {
        if (runner->instances[i] != NULL) {
            instance_stop(runner->instances[i]);
        }
    }
    for (size_t i = 0; i < RUNNER_INSTANCES_MAX; i++) {
        if (runner->instances[i] != NULL) {
            instance_destroy(&runner->instances[i]);
        }
    }
    runner->stopping = true;
}

static void
on_message(struct runner *runner, struct control_message *m)
{
    static const struct {
        const char *type;
        void (*fn)(struct runner *runner, uint32_t id, struct control_message *m);
    } types[] = {{"load", on_load}, {"unload", on_unload}, {"stop", on_stop}};
    static const int64_t ids[] = {0, UINT32_MAX};
    int64_t id = 0;
    struct fault fault;
    if (properties_int(&m->fields, "instance", ids, &id, &fault) != STATUS_OK) {
        control_log(runner->control_fd, "error", 0, "%s", fault.text);
        return;
    }
    const char *type = properties_text(&m->fields, "type");
    for (size_t i = 0; type != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].type, type) == 0) {
            types[i].fn(runner, (uint32_t)id, m);
        }
    }
}

static void
say_hello(int control_fd)
{
    struct buf names;
    buf_init(&names, CONTROL_BYTES);
    backend_list(&names);
    buf_append_byte(&names, '\0');
    struct buf message;
    control_begin(&message, "hello");
    control_add_number(&message, "version", RUNNER_PROTOCOL_VERSION);
    control_add_number(&message, "pid", (uint64_t)getpid());
    control_add(&message, "backends", (const char *)names.data);
    control_send(control_fd, &message);
    buf_fini(&names);
}

int
runner_serve(int control_fd)
{
    struct runner runner = {.control_fd = control_fd};
    struct control_message m;
    struct fault fault;
    say_hello(control_fd);
    while (!runner.stopping) {
        enum status status = control_receive(control_fd, &m, &fault);
        if (status == STATUS_CLOSED || status == STATUS_IO) {
            return 1;
        }
        reap_ended(&runner);
        if (status != STATUS_OK) {
            control_log(control_fd, "error", 0, "%s", fault.text);
            continue;
        }
        on_message(&runner, &m);
        control_message_fini(&m);
    }
    return 0;
}
