/* SPDX-License-Identifier: Apache-2.0 */
/* See ort_options.h. */
#include "runner/ort_options.h"

#include "runner/ort_library.h"

#include <onnxruntime_c_api.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PROVIDER_OPTIONS_MAX = 64, THREADS_MAX = 256 };

static bool
starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum status
check_keys(const struct properties *properties, struct fault *fault)
{
    static const char *const whole[] = {"provider", "threads"};
    static const char *const begun[] = {"config.", "cuda.", "tensorrt."};
    struct properties ours;
    properties_subset(properties, "onnxruntime.", &ours);
    for (size_t i = 0; i < ours.count; i++) {
        const char *key = ours.lines[i].key;
        bool known = strcmp(key, whole[0]) == 0 || strcmp(key, whole[1]) == 0;
        for (size_t j = 0; j < sizeof begun / sizeof begun[0]; j++) {
            known = known || starts_with(key, begun[j]);
        }
        if (!known) {
            return fault_set(
                fault, STATUS_INVALID,
                "onnxruntime.%.60s: known are onnxruntime.provider, .threads, "
                ".config.KEY, .cuda.KEY and .tensorrt.KEY",
                key);
        }
    }
    return STATUS_OK;
}

/* "NAME" or "NAME:N"; the number is left in `id`. */
static bool
is_device(const char *device, const char *name, char id[static 12])
{
    size_t size = strlen(name);
    if (strncmp(device, name, size) != 0) {
        return false;
    }
    const char *number = device[size] == ':' ? device + size + 1 : "0";
    size_t digits = strspn(number, "0123456789");
    bool ends = device[size] == '\0' || device[size] == ':';
    if (!ends || digits == 0 || digits > 9 || number[digits] != '\0') {
        return false;
    }
    snprintf(id, 12, "%.*s", (int)digits, number);
    return true;
}

enum status
ort_place_choose(struct ort_place *out,
                 const struct properties *properties,
                 const char *device,
                 struct fault *fault)
{
    static const char *const names[] = {"cpu", "cuda", "tensorrt"};
    bool on_gpu = is_device(device, "cuda", out->device_id);
    if (!on_gpu && !is_device(device, "cpu", out->device_id)) {
        return fault_set(fault, STATUS_INVALID,
                         "device=%.60s: onnxruntime runs on cpu, cpu:N, cuda or cuda:N",
                         device);
    }
    const char *wanted = properties_text(properties, "onnxruntime.provider");
    wanted =
        wanted != NULL ? wanted : names[on_gpu ? ORT_PROVIDER_CUDA : ORT_PROVIDER_CPU];
    size_t i = 0;
    while (i < sizeof names / sizeof names[0] && strcmp(names[i], wanted) != 0) {
        i++;
    }
    if (i == sizeof names / sizeof names[0]) {
        return fault_set(fault, STATUS_INVALID,
                         "onnxruntime.provider=%.60s: expected cpu, cuda or tensorrt",
                         wanted);
    }
    out->provider = (enum ort_provider)i;
    if (on_gpu != (out->provider != ORT_PROVIDER_CPU)) {
        return fault_set(
            fault, STATUS_INVALID,
            "onnxruntime.provider=%s does not run on device=%.60s; it wants "
            "device=%s",
            wanted, device, on_gpu ? "cpu" : "cuda");
    }
    return check_keys(properties, fault);
}

struct key_values {
    const char *keys[PROVIDER_OPTIONS_MAX];
    const char *values[PROVIDER_OPTIONS_MAX];
    size_t count;
};

/* The device, then what model.properties say below the prefix. */
static enum status
collect(struct key_values *kv,
        const struct ort_place *place,
        const struct properties *properties,
        const char *prefix,
        struct fault *fault)
{
    struct properties given;
    properties_subset(properties, prefix, &given);
    kv->keys[0] = "device_id";
    kv->values[0] = place->device_id;
    kv->count = 1;
    if (given.count >= PROVIDER_OPTIONS_MAX) {
        return fault_set(fault, STATUS_TOO_LARGE, "over %d keys %s…",
                         PROVIDER_OPTIONS_MAX - 1, prefix);
    }
    for (size_t i = 0; i < given.count; i++) {
        kv->keys[kv->count] = given.lines[i].key;
        kv->values[kv->count++] = given.lines[i].value;
    }
    return STATUS_OK;
}

static enum status
add_cuda(const OrtApi *api,
         OrtSessionOptions *session,
         const struct key_values *kv,
         struct fault *fault)
{
    OrtCUDAProviderOptionsV2 *options = NULL;
    enum status status =
        ort_check(api, api->CreateCUDAProviderOptions(&options), "cuda", fault);
    if (status == STATUS_OK) {
        status = ort_check(
            api,
            api->UpdateCUDAProviderOptions(options, kv->keys, kv->values, kv->count),
            "onnxruntime.cuda", fault);
    }
    if (status == STATUS_OK) {
        status = ort_check(
            api, api->SessionOptionsAppendExecutionProvider_CUDA_V2(session, options),
            "cuda", fault);
    }
    if (options != NULL) {
        api->ReleaseCUDAProviderOptions(options);
    }
    return status;
}

static enum status
add_tensorrt(const OrtApi *api,
             OrtSessionOptions *session,
             const struct key_values *kv,
             struct fault *fault)
{
    OrtTensorRTProviderOptionsV2 *options = NULL;
    enum status status =
        ort_check(api, api->CreateTensorRTProviderOptions(&options), "tensorrt", fault);
    if (status == STATUS_OK) {
        status = ort_check(api,
                           api->UpdateTensorRTProviderOptions(options, kv->keys,
                                                              kv->values, kv->count),
                           "onnxruntime.tensorrt", fault);
    }
    if (status == STATUS_OK) {
        status = ort_check(
            api,
            api->SessionOptionsAppendExecutionProvider_TensorRT_V2(session, options),
            "tensorrt", fault);
    }
    if (options != NULL) {
        api->ReleaseTensorRTProviderOptions(options);
    }
    return status;
}

/* TensorRT leaves what it cannot do to CUDA, both what they cannot do to the CPU. */
static enum status
add_providers(const OrtApi *api,
              OrtSessionOptions *session,
              const struct ort_place *place,
              const struct properties *properties,
              struct fault *fault)
{
    struct key_values kv;
    enum status status = STATUS_OK;
    if (place->provider == ORT_PROVIDER_TENSORRT) {
        status = collect(&kv, place, properties, "onnxruntime.tensorrt.", fault);
        status = status == STATUS_OK ? add_tensorrt(api, session, &kv, fault) : status;
    }
    if (place->provider != ORT_PROVIDER_CPU && status == STATUS_OK) {
        status = collect(&kv, place, properties, "onnxruntime.cuda.", fault);
        status = status == STATUS_OK ? add_cuda(api, session, &kv, fault) : status;
    }
    return status;
}

static enum status
add_threads(const OrtApi *api,
            OrtSessionOptions *session,
            const struct properties *properties,
            struct fault *fault)
{
    static const int64_t range[] = {1, THREADS_MAX};
    int64_t threads = 1;
    enum status status =
        properties_int(properties, "onnxruntime.threads", range, &threads, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = ort_check(api, api->SetIntraOpNumThreads(session, (int)threads),
                       "onnxruntime.threads", fault);
    return status == STATUS_OK ? ort_check(api, api->SetInterOpNumThreads(session, 1),
                                           "onnxruntime.threads", fault)
                               : status;
}

static enum status
add_config(const OrtApi *api,
           OrtSessionOptions *session,
           const char *key,
           const char *value,
           struct fault *fault)
{
    char what[128];
    snprintf(what, sizeof what, "onnxruntime.config.%s=%s", key, value);
    return ort_check(api, api->AddSessionConfigEntry(session, key, value), what, fault);
}

/* Ours first: what model.properties say of the same replaces it. */
static enum status
add_configs(const OrtApi *api,
            OrtSessionOptions *session,
            const struct properties *properties,
            struct fault *fault)
{
    static const char *const quiet[] = {"session.intra_op.allow_spinning",
                                        "session.inter_op.allow_spinning"};
    struct properties given;
    enum status status = STATUS_OK;
    properties_subset(properties, "onnxruntime.config.", &given);
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0] && status == STATUS_OK; i++) {
        status = add_config(api, session, quiet[i], "0", fault);
    }
    for (size_t i = 0; i < given.count && status == STATUS_OK; i++) {
        status =
            add_config(api, session, given.lines[i].key, given.lines[i].value, fault);
    }
    return status;
}

enum status
ort_options_make(OrtSessionOptions **out,
                 const OrtApi *api,
                 const struct ort_place *place,
                 const struct properties *properties,
                 struct fault *fault)
{
    *out = NULL;
    enum status status =
        ort_check(api, api->CreateSessionOptions(out), "session", fault);
    if (status == STATUS_OK) {
        status = add_threads(api, *out, properties, fault);
    }
    if (status == STATUS_OK) {
        status = add_configs(api, *out, properties, fault);
    }
    return status == STATUS_OK ? add_providers(api, *out, place, properties, fault)
                               : status;
}
