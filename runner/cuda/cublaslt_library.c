/* SPDX-License-Identifier: Apache-2.0 */
/* See cublaslt_library.h. */
#include "runner/cuda/cublaslt_library.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME  "libcublasLt.so.13"
#define IN_PACKAGE "/nvidia/cu13/lib/" FILE_NAME

enum { PLACE_BYTES = 4096 };

static const struct {
    const char *environment; /* variable whose value goes in front; NULL: none */
    const char *pattern;
} places[] = {
    {NULL, FILE_NAME},
    {NULL, "/usr/local/cuda/lib64/" FILE_NAME},
    {NULL, "/usr/local/cuda-13*/lib64/" FILE_NAME},
    {"VIRTUAL_ENV", "/lib/python3*/site-packages" IN_PACKAGE},
    {"HOME", "/.local/lib/python3*/site-packages" IN_PACKAGE},
    {NULL, "/usr/local/lib/python3*/dist-packages" IN_PACKAGE},
    {NULL, "/usr/local/lib/python3*/site-packages" IN_PACKAGE},
    {NULL, "/usr/lib/python3*/site-packages" IN_PACKAGE},
};

/* The environment of a runner does not change. */
static const char *
environment(const char *name)
{
    return getenv(name); /* NOLINT(concurrency-mt-unsafe) */
}

bool
cublaslt_library_place(size_t index, char *out, size_t size)
{
    if (index >= sizeof places / sizeof places[0]) {
        return false;
    }
    const char *variable = places[index].environment;
    const char *front = variable == NULL ? "" : environment(variable);
    int length = -1;
    if (front != NULL) {
        length = snprintf(out, size, "%s%s", front, places[index].pattern);
    }
    if (length < 0 || (size_t)length >= size) {
        out[0] = '\0';
    }
    return true;
}

static void *
open_matching(const char *pattern)
{
    if (strchr(pattern, '/') == NULL) {
        return dlopen(pattern, RTLD_NOW | RTLD_LOCAL);
    }
    glob_t found = {.gl_pathc = 0};
    void *handle = NULL;
    /* Without a tilde it asks for no user. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && handle == NULL; i++) {
            handle = dlopen(found.gl_pathv[i], RTLD_NOW | RTLD_LOCAL);
        }
    }
    globfree(&found);
    return handle;
}

static enum status
find(void **handle, struct fault *fault)
{
    const char *named = environment("LEAT_CUBLASLT");
    if (named != NULL && strcmp(named, "none") != 0) {
        *handle = dlopen(named, RTLD_NOW | RTLD_LOCAL);
        /* Of this thread. NOLINTNEXTLINE(concurrency-mt-unsafe) */
        const char *reason = *handle == NULL ? dlerror() : NULL;
        return *handle != NULL ? STATUS_OK
                               : fault_set(fault, STATUS_INVALID, "LEAT_CUBLASLT: %s",
                                           reason != NULL ? reason : named);
    }
    char pattern[PLACE_BYTES];
    for (size_t i = 0; named == NULL && *handle == NULL &&
                       cublaslt_library_place(i, pattern, sizeof pattern);
         i++) {
        *handle = pattern[0] == '\0' ? NULL : open_matching(pattern);
    }
    return *handle != NULL ? STATUS_OK
                           : fault_set(fault, STATUS_NOT_FOUND, "no " FILE_NAME);
}

static enum status
resolve(struct cublaslt_library *l, struct fault *fault)
{
    const struct {
        const char *name;
        void *to; /* the place of the function's pointer */
    } functions[] = {
        {"cublasLtGetVersion", &l->get_version},
        {"cublasLtCreate", &l->create},
        {"cublasLtDestroy", &l->destroy},
        {"cublasLtGetStatusString", &l->status_string},
        {"cublasLtMatmul", &l->matmul},
        {"cublasLtMatmulAlgoGetHeuristic", &l->get_heuristic},
        {"cublasLtMatmulDescCreate", &l->desc_create},
        {"cublasLtMatmulDescDestroy", &l->desc_destroy},
        {"cublasLtMatmulDescSetAttribute", &l->desc_set},
        {"cublasLtMatmulPreferenceCreate", &l->preference_create},
        {"cublasLtMatmulPreferenceDestroy", &l->preference_destroy},
        {"cublasLtMatmulPreferenceSetAttribute", &l->preference_set},
        {"cublasLtMatrixLayoutCreate", &l->layout_create},
        {"cublasLtMatrixLayoutDestroy", &l->layout_destroy},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *function = dlsym(l->handle, functions[i].name);
        if (function == NULL) {
            return fault_set(fault, STATUS_INVALID, FILE_NAME ": it has no %s",
                             functions[i].name);
        }
        memcpy(functions[i].to, &function, sizeof function);
    }
    return STATUS_OK;
}

enum status
cublaslt_library_open(struct cublaslt_library *library, struct fault *fault)
{
    struct cublaslt_library l = {.handle = NULL};
    enum status status = find(&l.handle, fault);
    if (l.handle == NULL) {
        return status;
    }
    status = resolve(&l, fault);
    if (status != STATUS_OK) {
        dlclose(l.handle);
        return status;
    }
    *library = l;
    return STATUS_OK;
}

void
cublaslt_library_close(struct cublaslt_library *library)
{
    dlclose(library->handle);
}
