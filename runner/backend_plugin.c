/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend of models that are shared objects (include/leat/plugin.h): opens the one
 * that plugin.library names and hands it every batch as it lies in the slot. Nothing of
 * a plug-in is believed: plugin_library.h checks what it is, plugin_load.h what it
 * tells, plugin_batch.h what it answers.
 */
#include "runner/backend.h"
#include "runner/control.h"
#include "runner/device_memory.h"
#include "runner/plugin_batch.h"
#include "runner/plugin_library.h"
#include "runner/plugin_load.h"

#include <stdlib.h>

enum { BATCHES = 2 }; /* of a pipeline: one runs, one is prepared */

struct plugin {
    struct leat_log log; /* first: the plug-in comes back with its address */
    int control_fd;
    uint32_t instance;
    struct plugin_library library;
    bool loaded;
    void *state; /* the plug-in's */
    const struct batch *first;
    struct plugin_batch views[BATCHES];
};

static void
plugin_log(const struct leat_log *log, int level, const char *text)
{
    static const char *const levels[] = {
        [LEAT_INFO] = "info", [LEAT_WARN] = "warn", [LEAT_ERROR] = "error"};
    const struct plugin *p = (const struct plugin *)(const void *)log;
    bool known = level >= LEAT_INFO && level <= LEAT_ERROR;
    control_log(p->control_fd, levels[known ? level : LEAT_ERROR], p->instance, "%s",
                text);
}

static enum status
call_load(struct plugin *p,
          const struct model_source *source,
          struct model *model,
          struct fault *fault)
{
    struct plugin_load *load = malloc(sizeof *load);
    if (load == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory to load the plug-in");
    }
    plugin_load_init(load, source, model, &p->log);
    int outcome = p->library.plugin.load(&load->lent, &p->state);
    p->loaded = outcome == LEAT_OK;
    enum status status = plugin_load_end(load, outcome, model, fault);
    free(load);
    return status;
}

static enum status
plugin_load(void *state,
            const struct model_source *source,
            struct model *model,
            struct fault *fault)
{
    struct plugin *p = state;
    const char *name = properties_text(source->properties, "plugin.library");
    p->log = (struct leat_log){.size = sizeof p->log, .write = plugin_log};
    p->control_fd = source->control_fd;
    p->instance = source->instance;
    enum status status = plugin_library_open(&p->library, source->directory,
                                             name == NULL ? "model.so" : name, fault);
    if (status == STATUS_OK) {
        device_memory_begin(source->device);
        status = call_load(p, source, model, fault);
    }
    model->staged = status == STATUS_OK && p->library.plugin.prepare != NULL;
    return status;
}

static void
plugin_unload(void *state)
{
    struct plugin *p = state;
    if (p->loaded && p->library.plugin.unload != NULL) {
        p->library.plugin.unload(p->state);
    }
    plugin_library_close(&p->library);
}

/* Of the two batches the first one settles the places. It is told by the thread that
 * prepares it, before the other thread is given any. */
static struct plugin_batch *
view_for(struct plugin *p, const struct batch *b)
{
    if (p->first == NULL) {
        p->first = b;
    }
    return &p->views[b == p->first ? 0 : 1];
}

static enum slot_outcome
plugin_prepare(void *state, struct batch *b)
{
    struct plugin *p = state;
    struct plugin_batch *view = view_for(p, b);
    plugin_batch_open(view, b);
    return plugin_batch_end(view, p->library.plugin.prepare(p->state, &view->lent));
}

static enum slot_outcome
plugin_run(void *state, struct batch *b)
{
    struct plugin *p = state;
    struct plugin_batch *view = view_for(p, b);
    if (p->library.plugin.prepare == NULL) {
        plugin_batch_open(view, b);
    }
    plugin_batch_run(view);
    return plugin_batch_end(view, p->library.plugin.run(p->state, &view->lent));
}

const struct backend_ops backend_plugin = {
    .platform = "plugin",
    .state_size = sizeof(struct plugin),
    .load = plugin_load,
    .unload = plugin_unload,
    .prepare = plugin_prepare,
    .run = plugin_run,
};
