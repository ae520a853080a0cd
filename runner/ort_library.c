/* SPDX-License-Identifier: Apache-2.0 */
/* See ort_library.h: where the library is looked for, in which order. */
#include "runner/ort_library.h"

#include "runner/ort_outcome.h"

#include <onnxruntime_c_api.h>

#include <dlfcn.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LIBRARY "libonnxruntime.so.1"

enum { API_VERSION = 17, PATH_BYTES = 4096 };

/* RTLD_NODELETE: its threads and at-exit functions outlive any session. */
static void *
open_file(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
}

/* The newest of the files that match, in the order of their names. */
static void *
open_matching(const char *pattern)
{
    glob_t found;
    void *library = NULL;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): it reads no variable without a tilde */
    if (glob(pattern, GLOB_BRACE, NULL, &found) == 0) {
        for (size_t i = found.gl_pathc; i > 0 && library == NULL; i--) {
            library = open_file(found.gl_pathv[i - 1]);
        }
    }
    globfree(&found);
    return library;
}

static void *
open_named(const char *place)
{
    char path[PATH_BYTES];
    struct stat about;
    if (stat(place, &about) == 0 && S_ISDIR(about.st_mode)) {
        snprintf(path, sizeof path, "%s/" LIBRARY "*", place);
        return open_matching(path);
    }
    return open_file(place);
}

/* Below the folder that an environment variable names, if it is set. */
static void *
open_below(const char *variable, const char *rest)
{
    const char *folder = getenv(variable); /* NOLINT(concurrency-mt-unsafe) */
    char pattern[PATH_BYTES];
    if (folder == NULL || folder[0] == '\0') {
        return NULL;
    }
    snprintf(pattern, sizeof pattern, "%s/%s", folder, rest);
    return open_matching(pattern);
}

static void *
open_cached(const char *folders)
{
    static const struct {
        const char *variable;
        const char *below;
    } caches[] = {
        {"LEAT_CACHE", ""}, {"XDG_CACHE_HOME", "leat/"}, {"HOME", ".cache/leat/"}};
    void *library = NULL;
    for (size_t i = 0; i < sizeof caches / sizeof caches[0] && library == NULL; i++) {
        char rest[128];
        snprintf(rest, sizeof rest, "%s%s/lib/" LIBRARY, caches[i].below, folders);
        library = open_below(caches[i].variable, rest);
    }
    return library;
}

static void *
open_of_pip(void)
{
    static const char below[] =
        "lib/python3*/site-packages/onnxruntime/capi/" LIBRARY "*";
    void *library = open_below("VIRTUAL_ENV", below);
    if (library == NULL) {
        library = open_below(
            "HOME", ".local/lib/python3*/site-packages/onnxruntime/capi/" LIBRARY "*");
    }
    return library != NULL
               ? library
               : open_matching("/usr{/local,}/lib/python3*/{site,dist}-packages/"
                               "onnxruntime/capi/" LIBRARY "*");
}

static void *
search(bool gpu)
{
    void *library = gpu ? open_cached("onnxruntime-gpu-*") : NULL;
    library = library != NULL ? library : open_file(LIBRARY);
    library = library != NULL ? library : open_cached("onnxruntime-[0-9]*");
    library = library != NULL ? library : open_of_pip();
    return library;
}

static void *
find(bool gpu, struct fault *fault)
{
    const char *named = getenv("LEAT_ONNXRUNTIME"); /* NOLINT(concurrency-mt-unsafe) */
    if (named != NULL && named[0] != '\0') {
        void *library = open_named(named);
        if (library == NULL) {
            fault_set(fault, STATUS_UNSUPPORTED,
                      "LEAT_ONNXRUNTIME=%.100s: no " LIBRARY
                      " can be loaded from there",
                      named);
        }
        return library;
    }
    void *library = search(gpu);
    if (library == NULL) {
        fault_set(
            fault, STATUS_UNSUPPORTED,
            "ONNX Runtime is not here: no " LIBRARY
            " in LEAT_ONNXRUNTIME, the loader's path, ~/.cache/leat/onnxruntime-*/lib "
            "or pip's onnxruntime/capi; scripts/get-onnxruntime fetches it");
    }
    return library;
}

enum status
ort_library_open(bool gpu, const struct OrtApi **out, struct fault *fault)
{
    void *library = find(gpu, fault);
    if (library == NULL) {
        return STATUS_UNSUPPORTED;
    }
    const OrtApiBase *(*base)(void) = NULL;
    *(void **)&base = dlsym(library, "OrtGetApiBase");
    const OrtApi *api = base == NULL ? NULL : base()->GetApi(API_VERSION);
    if (api == NULL) {
        return fault_set(
            fault, STATUS_UNSUPPORTED,
            "ONNX Runtime %.40s is older than 1.%d, the oldest that Leat can use",
            base == NULL ? "without OrtGetApiBase" : base()->GetVersionString(),
            API_VERSION);
    }
    *out = api;
    return STATUS_OK;
}

enum status
ort_check(const struct OrtApi *api,
          struct OrtStatus *said,
          const char *what,
          struct fault *fault)
{
    if (said == NULL) {
        return STATUS_OK;
    }
    const char *message = api->GetErrorMessage(said);
    bool no_memory = ort_outcome(message) == SLOT_OUT_OF_MEMORY;
    enum status status = fault_set(fault, no_memory ? STATUS_NO_MEMORY : STATUS_INVALID,
                                   "%s: %s", what, ort_outcome_words(message));
    api->ReleaseStatus(said);
    return status;
}
