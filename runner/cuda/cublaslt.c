/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See cublaslt.h. cuBLASLt thinks in columns: our y [B][M] row by row is its D, M × B
 * column by column; so A is W (read transposed), B is x, and the bias runs along D's
 * rows as its epilogues want it.
 */
#include "runner/cuda/cublaslt.h"

#include "runner/cuda/cublaslt_library.h"

#include <stdlib.h>

static const size_t WORKSPACE_MAX = (size_t)32 << 20; /* NVIDIA's advice for Hopper */

struct cublaslt {
    struct cublaslt_library library;
    cublasLtHandle_t handle;
};

/* One product as cuBLASLt wants it described. */
struct problem {
    cublasLtMatmulDesc_t desc;
    cublasLtMatrixLayout_t a;
    cublasLtMatrixLayout_t b;
    cublasLtMatrixLayout_t d;
};

enum status
cublaslt_open(struct cublaslt **out, struct fault *fault)
{
    struct cublaslt *lt = calloc(1, sizeof *lt);
    if (lt == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory");
    }
    enum status status = cublaslt_library_open(&lt->library, fault);
    if (status != STATUS_OK) {
        free(lt);
        return status;
    }
    cublasStatus_t created = lt->library.create(&lt->handle);
    if (created != CUBLAS_STATUS_SUCCESS) {
        bool is_memory = created == CUBLAS_STATUS_ALLOC_FAILED;
        status = fault_set(fault, is_memory ? STATUS_NO_MEMORY : STATUS_INTERNAL,
                           "cublasLtCreate: %s", lt->library.status_string(created));
        cublaslt_library_close(&lt->library);
        free(lt);
        return status;
    }
    *out = lt;
    return STATUS_OK;
}

void
cublaslt_close(struct cublaslt *lt)
{
    lt->library.destroy(lt->handle);
    cublaslt_library_close(&lt->library);
    free(lt);
}

size_t
cublaslt_version(const struct cublaslt *lt)
{
    return lt->library.get_version();
}

bool
cublaslt_fuses(const struct kernel_product *p)
{
    return p->activation == ACTIVATION_NONE || p->activation == ACTIVATION_RELU ||
           (p->activation == ACTIVATION_GELU && p->to != ELEMENT_FP32);
}

static cudaDataType
data_type(enum element element)
{
    static const cudaDataType types[] = {
        [ELEMENT_FP32] = CUDA_R_32F,
        [ELEMENT_FP16] = CUDA_R_16F,
        [ELEMENT_BF16] = CUDA_R_16BF,
    };
    return types[element];
}

static uint32_t
epilogue_of(const struct kernel_product *p)
{
    if (!cublaslt_fuses(p) || p->activation == ACTIVATION_NONE) {
        return CUBLASLT_EPILOGUE_BIAS;
    }
    return p->activation == ACTIVATION_RELU ? CUBLASLT_EPILOGUE_RELU_BIAS
                                            : CUBLASLT_EPILOGUE_GELU_BIAS;
}

/* Sums are FP32 in every precision. */
static bool
describe(const struct cublaslt *lt,
         const struct kernel_product *p,
         const void *bias,
         struct problem *out)
{
    const struct cublaslt_library *l = &lt->library;
    bool tf32 = p->tf32 && p->element == ELEMENT_FP32;
    cublasComputeType_t compute =
        tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    cublasOperation_t transposed = CUBLAS_OP_T;
    uint32_t epilogue = epilogue_of(p);
    bool ok = l->desc_create(&out->desc, compute, CUDA_R_32F) == CUBLAS_STATUS_SUCCESS;
    const struct {
        cublasLtMatmulDescAttributes_t name;
        const void *value;
        size_t size;
    } attributes[] = {
        {CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed},
        {CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue},
        {CUBLASLT_MATMUL_DESC_BIAS_POINTER, (const void *)&bias, sizeof bias},
    };
    for (size_t i = 0; ok && i < sizeof attributes / sizeof attributes[0]; i++) {
        ok = l->desc_set(out->desc, attributes[i].name, attributes[i].value,
                         attributes[i].size) == CUBLAS_STATUS_SUCCESS;
    }
    cudaDataType from = data_type(p->element);
    ok = ok &&
         l->layout_create(&out->a, from, p->in, p->out, p->in) == CUBLAS_STATUS_SUCCESS;
    ok = ok && l->layout_create(&out->b, from, p->in, p->rows, p->in) ==
                   CUBLAS_STATUS_SUCCESS;
    return ok && l->layout_create(&out->d, data_type(p->to), p->out, p->rows, p->out) ==
                     CUBLAS_STATUS_SUCCESS;
}

static void
release(const struct cublaslt *lt, struct problem *problem)
{
    const cublasLtMatrixLayout_t layouts[] = {problem->a, problem->b, problem->d};
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        if (layouts[i] != NULL) {
            lt->library.layout_destroy(layouts[i]);
        }
    }
    if (problem->desc != NULL) {
        lt->library.desc_destroy(problem->desc);
    }
}

/* The kernel that cuBLASLt expects to be fastest within so much workspace. */
static bool
choose(const struct cublaslt *lt,
       const struct problem *problem,
       size_t workspace_bytes,
       cublasLtMatmulHeuristicResult_t *out)
{
    const struct cublaslt_library *l = &lt->library;
    cublasLtMatmulPreference_t preference = NULL;
    if (l->preference_create(&preference) != CUBLAS_STATUS_SUCCESS) {
        return false;
    }
    int found = 0;
    uint64_t limit = workspace_bytes;
    cublasStatus_t status = l->preference_set(
        preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &limit, sizeof limit);
    if (status == CUBLAS_STATUS_SUCCESS) {
        status = l->get_heuristic(lt->handle, problem->desc, problem->a, problem->b,
                                  problem->d, problem->d, preference, 1, out, &found);
    }
    l->preference_destroy(preference);
    return status == CUBLAS_STATUS_SUCCESS && found > 0 &&
           out->state == CUBLAS_STATUS_SUCCESS;
}

enum status
cublaslt_workspace(struct cublaslt *lt,
                   const struct kernel_product *p,
                   const struct cublaslt_operands *o,
                   size_t *bytes)
{
    struct problem problem = {.desc = NULL};
    cublasLtMatmulHeuristicResult_t chosen;
    bool ok = describe(lt, p, o->bias, &problem) &&
              choose(lt, &problem, WORKSPACE_MAX, &chosen);
    release(lt, &problem);
    if (!ok) {
        return STATUS_UNSUPPORTED;
    }
    *bytes = chosen.workspaceSize;
    return STATUS_OK;
}

enum status
cublaslt_product(struct cublaslt *lt,
                 const struct kernel_product *p,
                 const struct cublaslt_operands *o,
                 cudaStream_t stream,
                 struct fault *fault)
{
    static const float one = 1.0F;
    static const float zero = 0.0F;
    struct problem problem = {.desc = NULL};
    cublasLtMatmulHeuristicResult_t chosen;
    if (!describe(lt, p, o->bias, &problem) ||
        !choose(lt, &problem, o->workspace_bytes, &chosen)) {
        release(lt, &problem);
        return STATUS_UNSUPPORTED;
    }
    cublasStatus_t status =
        lt->library.matmul(lt->handle, problem.desc, &one, o->weight, problem.a, o->x,
                           problem.b, &zero, o->y, problem.d, o->y, problem.d,
                           &chosen.algo, o->workspace, o->workspace_bytes, stream);
    release(lt, &problem);
    return status == CUBLAS_STATUS_SUCCESS
               ? STATUS_OK
               : fault_set(fault, STATUS_INTERNAL, "cublasLtMatmul: %s",
                           lt->library.status_string(status));
}
