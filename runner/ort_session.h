/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model.onnx opened by ONNX Runtime: the session that runs it, and the tensors that
 * the file declares.
 */
#ifndef RUNNER_ORT_SESSION_H
#define RUNNER_ORT_SESSION_H

#include "base/status.h"
#include "runner/backend.h"
#include "runner/ort_signature.h"

struct OrtApi;
struct OrtEnv;
struct OrtSession;
struct OrtMemoryInfo;

struct ort_session {
    const struct OrtApi *api;
    struct OrtEnv *env;
    struct OrtSession *session;
    struct OrtMemoryInfo *memory; /* that of the slab: the CPU's */
};

/**
 * Opens model.onnx of the version's folder as model.properties and device ask for.
 *
 * @param[in,out] s         zeroed; released by ort_session_close(), also on failure
 * @param[out]    signature what the file declares, on STATUS_OK
 * @return STATUS_OK; STATUS_NOT_FOUND; STATUS_UNSUPPORTED; STATUS_INVALID
 */
MUST_CHECK enum status ort_session_open(struct ort_session *s,
                                        const struct model_source *source,
                                        struct ort_signature *signature,
                                        struct fault *fault);

void ort_session_close(struct ort_session *s);

#endif
