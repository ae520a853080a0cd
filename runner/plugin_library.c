/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See plugin_library.h. RTLD_NOW, so that a symbol that is missing fails the load and
 * not a batch; RTLD_LOCAL, so that two plug-ins do not see each other.
 */
#include "runner/plugin_library.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

typedef const struct leat_plugin *(*get_fn)(void);

/* The symbol as a function; NULL if it is data, as calling that would end us. */
static get_fn
find_function(void *handle)
{
    void *address = dlsym(handle, LEAT_PLUGIN_SYMBOL);
    Dl_info info;
    void *extra = NULL;
    if (address == NULL || dladdr1(address, &info, &extra, RTLD_DL_SYMENT) == 0 ||
        extra == NULL) {
        return NULL;
    }
    const ElfW(Sym) *symbol = extra;
    if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC) {
        return NULL;
    }
    get_fn get = NULL;
    memcpy(&get, &address, sizeof get);
    return get;
}

/* What it says of itself, as far as its version and ours go together. */
static enum status
read_plugin(struct leat_plugin *out,
            const struct leat_plugin *told,
            const char *path,
            struct fault *fault)
{
    if (told == NULL) {
        return fault_set(fault, STATUS_INVALID,
                         "%s: " LEAT_PLUGIN_SYMBOL "() gave no plug-in", path);
    }
    if (told->major != LEAT_PLUGIN_MAJOR) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "%s was built for version %" PRIu32 ".%" PRIu32
                         " of leat/plugin.h, this runner has %d.%d",
                         path, told->major, told->minor, LEAT_PLUGIN_MAJOR,
                         LEAT_PLUGIN_MINOR);
    }
    size_t least = offsetof(struct leat_plugin, unload) + sizeof told->unload;
    if (told->size < least) {
        return fault_set(fault, STATUS_INVALID,
                         "%s: its struct leat_plugin says size %zu, at least %zu are "
                         "needed (begin it with LEAT_PLUGIN_HEAD)",
                         path, told->size, least);
    }
    memset(out, 0, sizeof *out);
    memcpy(out, told, told->size < sizeof *out ? told->size : sizeof *out);
    if (out->load == NULL || out->run == NULL) {
        return fault_set(fault, STATUS_INVALID, "%s has no %s()", path,
                         out->load == NULL ? "load" : "run");
    }
    return STATUS_OK;
}

static enum status
open_path(struct plugin_library *library, const char *path, struct fault *fault)
{
    if (access(path, R_OK) != 0) {
        return fault_set(fault, STATUS_NOT_FOUND,
                         "%s cannot be read (plugin.library names the shared object)",
                         path);
    }
    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        /* The text is of this thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
        const char *why = dlerror();
        return fault_set(fault, STATUS_INVALID, "it cannot be loaded: %s",
                         why == NULL ? path : why);
    }
    get_fn get = find_function(library->handle);
    if (get == NULL) {
        return fault_set(fault, STATUS_INVALID,
                         "%s exports no function " LEAT_PLUGIN_SYMBOL
                         "(): it is no plug-in of Leat",
                         path);
    }
    return read_plugin(&library->plugin, get(), path, fault);
}

enum status
plugin_library_open(struct plugin_library *out,
                    const char *directory,
                    const char *name,
                    struct fault *fault)
{
    char path[PATH_BYTES];
    bool absolute = name[0] == '/';
    int size = snprintf(path, sizeof path, "%s%s%s", absolute ? "" : directory,
                        absolute ? "" : "/", name);
    if (size < 0 || (size_t)size >= sizeof path) {
        return fault_set(fault, STATUS_INVALID, "plugin.library: the path is too long");
    }
    struct plugin_library library = {.handle = NULL};
    enum status status = open_path(&library, path, fault);
    if (status != STATUS_OK) {
        plugin_library_close(&library);
        return status;
    }
    *out = library;
    return STATUS_OK;
}

void
plugin_library_close(struct plugin_library *library)
{
    if (library->handle != NULL) {
        dlclose(library->handle);
        library->handle = NULL;
    }
}
