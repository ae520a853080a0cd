/* SPDX-License-Identifier: Apache-2.0 */
/* See ort_session.h. */
#include "runner/ort_session.h"

#include "runner/device_memory.h"
#include "runner/ort_library.h"
#include "runner/ort_options.h"
#include "runner/ort_tensor.h"

#include <onnxruntime_c_api.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum status
open_model(struct ort_session *s,
           const struct model_source *source,
           const struct ort_place *place,
           struct fault *fault)
{
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/model.onnx", source->directory);
    if (size < 0 || (size_t)size >= sizeof path) {
        return fault_set(fault, STATUS_INVALID, "onnxruntime: the path is too long");
    }
    if (access(path, R_OK) != 0) {
        return fault_set(fault, STATUS_NOT_FOUND, "%.200s: there is no such file",
                         path);
    }
    OrtSessionOptions *options = NULL;
    enum status status =
        ort_options_make(&options, s->api, place, source->properties, fault);
    if (status == STATUS_OK) {
        status =
            ort_check(s->api, s->api->CreateSession(s->env, path, options, &s->session),
                      "model.onnx", fault);
    }
    if (options != NULL) {
        s->api->ReleaseSessionOptions(options);
    }
    return status;
}

/* One side of the session: how its tensors are asked for. */
struct questions {
    OrtStatusPtr (*count)(const OrtSession *session, size_t *out);
    OrtStatusPtr (*name)(const OrtSession *session,
                         size_t index,
                         OrtAllocator *allocator,
                         char **out);
    OrtStatusPtr (*type)(const OrtSession *session, size_t index, OrtTypeInfo **out);
};

static enum status
read_name(const struct ort_session *s,
          const struct questions *ask,
          size_t index,
          struct ort_declared *out,
          struct fault *fault)
{
    OrtAllocator *allocator = NULL;
    char *name = NULL;
    enum status status =
        ort_check(s->api, s->api->GetAllocatorWithDefaultOptions(&allocator),
                  "model.onnx", fault);
    if (status == STATUS_OK) {
        status = ort_check(s->api, ask->name(s->session, index, allocator, &name),
                           "model.onnx", fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    snprintf(out->tensor.name, sizeof out->tensor.name, "%s", name);
    if (strlen(name) >= sizeof out->tensor.name) {
        snprintf(out->unusable, sizeof out->unusable,
                 "has a name of %d bytes or more, too long to be served",
                 SLOT_NAME_BYTES);
    }
    return ort_check(s->api, s->api->AllocatorFree(allocator, name), "model.onnx",
                     fault);
}

static enum status
read_type(const struct ort_session *s,
          const struct questions *ask,
          size_t index,
          struct ort_declared *out,
          struct fault *fault)
{
    OrtTypeInfo *info = NULL;
    enum status status =
        ort_check(s->api, ask->type(s->session, index, &info), "model.onnx", fault);
    if (status == STATUS_OK) {
        status = ort_tensor_declared(s->api, info, out, fault);
        s->api->ReleaseTypeInfo(info);
    }
    return status;
}

static enum status
read_side(const struct ort_session *s,
          const struct questions *ask,
          struct ort_side *out,
          struct fault *fault)
{
    size_t count = 0;
    enum status status =
        ort_check(s->api, ask->count(s->session, &count), "model.onnx", fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (count == 0 || count > SLOT_TENSORS_MAX) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "model.onnx has %zu inputs or outputs; 1 to %d can be served",
                         count, SLOT_TENSORS_MAX);
    }
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct ort_declared *d = &out->tensors[out->count++];
        status = read_name(s, ask, i, d, fault);
        status = status == STATUS_OK ? read_type(s, ask, i, d, fault) : status;
    }
    return status;
}

static enum status
read_signature(const struct ort_session *s,
               struct ort_signature *out,
               struct fault *fault)
{
    const OrtApi *api = s->api;
    const struct questions inputs = {.count = api->SessionGetInputCount,
                                     .name = api->SessionGetInputName,
                                     .type = api->SessionGetInputTypeInfo};
    const struct questions outputs = {.count = api->SessionGetOutputCount,
                                      .name = api->SessionGetOutputName,
                                      .type = api->SessionGetOutputTypeInfo};
    memset(out, 0, sizeof *out);
    out->outputs.shapes_may_be_unsaid = true;
    enum status status = read_side(s, &inputs, &out->inputs, fault);
    return status == STATUS_OK ? read_side(s, &outputs, &out->outputs, fault) : status;
}

enum status
ort_session_open(struct ort_session *s,
                 const struct model_source *source,
                 struct ort_signature *signature,
                 struct fault *fault)
{
    struct ort_place place;
    enum status status =
        ort_place_choose(&place, source->properties, source->device, fault);
    if (status == STATUS_OK) {
        status = ort_library_open(place.provider != ORT_PROVIDER_CPU, &s->api, fault);
    }
    /* Its log would only say on stderr what its errors tell us anyway. */
    if (status == STATUS_OK) {
        status = ort_check(s->api,
                           s->api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "leat", &s->env),
                           "ONNX Runtime", fault);
    }
    if (status == STATUS_OK) {
        status = ort_check(s->api,
                           s->api->CreateCpuMemoryInfo(OrtDeviceAllocator,
                                                       OrtMemTypeDefault, &s->memory),
                           "ONNX Runtime", fault);
    }
    if (status == STATUS_OK) {
        if (place.provider != ORT_PROVIDER_CPU) {
            device_memory_begin(source->device);
        }
        status = open_model(s, source, &place, fault);
    }
    return status == STATUS_OK ? read_signature(s, signature, fault) : status;
}

void
ort_session_close(struct ort_session *s)
{
    if (s->session != NULL) {
        s->api->ReleaseSession(s->session);
    }
    if (s->memory != NULL) {
        s->api->ReleaseMemoryInfo(s->memory);
    }
    if (s->env != NULL) {
        s->api->ReleaseEnv(s->env);
    }
}
