/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be wrong with a request is found here, before it takes a place in
 * a batch that others share. */
#include "batcher/admit.h"

#include "base/clock.h"
#include "schemas/codec.h"
#include "schemas/oip.h"

/* FNV-1a, 64 bit. */
#define SIGNATURE_BASIS UINT64_C(14695981039346656037)
#define SIGNATURE_PRIME UINT64_C(1099511628211)

static uint64_t
signature_add(uint64_t signature, uint64_t value)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        signature ^= value >> shift & 0xff;
        signature *= SIGNATURE_PRIME;
    }
    return signature;
}

static int64_t
deadline_mono_ns(int64_t deadline_ms, const struct moment *now)
{
    if (deadline_ms <= 0) {
        return TIME_NEVER;
    }
    int64_t left_ms = deadline_ms - now->wall_us / 1000;
    int64_t left_ns;
    int64_t deadline_ns;
    if (__builtin_mul_overflow(left_ms, NS_PER_MS, &left_ns) ||
        __builtin_add_overflow(now->mono_ns, left_ns, &deadline_ns)) {
        return left_ms > 0 ? TIME_NEVER : now->mono_ns;
    }
    return deadline_ns;
}

/** Finds each input of the model among those of the request, which has each once. */
static void
match_inputs(struct item *it, const struct model_spec *spec)
{
    const struct request *q = &it->request;
    bool batching = spec->max_batch_size > 0;
    uint64_t signature = SIGNATURE_BASIS;
    for (uint32_t i = 0; i < spec->input_count; i++) {
        uint8_t n = 0;
        while (!span_equal(q->inputs[n].name, spec->inputs[i].name)) {
            n++;
        }
        it->input_order[i] = n;
        const struct tensor *t = &q->inputs[n];
        it->entry.bytes += t->data.size;
        for (uint32_t d = batching ? 1 : 0; d < t->rank; d++) {
            signature = signature_add(signature, (uint64_t)t->shape[d]);
        }
        signature = signature_add(signature, t->rank);
    }
    it->entry.signature = signature;
}

static enum status
check_request(struct item *it,
              const struct model_spec *spec,
              int64_t *rows,
              struct fault *fault)
{
    const struct request *q = &it->request;
    if (!span_equal(q->model, spec->model)) {
        return fault_set(fault, STATUS_INVALID,
                         "the request names another model than its topic");
    }
    if (q->model_version.size > 0 && !span_equal(q->model_version, spec->version)) {
        return fault_set(fault, STATUS_NOT_FOUND,
                         "version %.*s of the model is not served here",
                         (int)(q->model_version.size < 64 ? q->model_version.size : 64),
                         (const char *)q->model_version.data);
    }
    const struct oip_request request = {.inputs = q->inputs,
                                        .input_count = q->input_count,
                                        .outputs = q->outputs,
                                        .output_count = q->output_count};
    const struct model_info model = model_spec_info(spec);
    enum status status = oip_check_model(&request, &model, rows, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (*rows < 1 || *rows > model_spec_rows_max(spec)) {
        return fault_set(fault, STATUS_INVALID, "%lld rows; the model takes 1 to %u",
                         (long long)*rows, model_spec_rows_max(spec));
    }
    return STATUS_OK;
}

static enum admit_verdict
admit_unreadable(struct item *it, const struct model_spec *spec)
{
    struct uuid id;
    enum status status = request_peek_id(it->record->value, &id);
    it->request = (struct request){.model = spec->model};
    if (status != STATUS_OK) {
        return ADMIT_UNIDENTIFIABLE;
    }
    it->request.id = id;
    return ADMIT_UNREADABLE;
}

enum admit_verdict
admit(struct item *it,
      const struct model_spec *spec,
      uint64_t slot_bytes,
      const struct moment *now,
      struct fault *fault)
{
    it->received_us = now->wall_us;
    it->version = spec->version;
    it->entry = (struct former_entry){.node = {.at = HEAP_OUTSIDE},
                                      .arrived_ns = now->mono_ns,
                                      .deadline_ns = TIME_NEVER,
                                      .level = 1,
                                      .partition = it->record->partition,
                                      .offset = it->record->offset};
    enum status status =
        request_decode(it->record->value, &it->arena, &it->request, fault);
    if (status != STATUS_OK) {
        return admit_unreadable(it, spec);
    }
    int64_t rows = 0;
    status = check_request(it, spec, &rows, fault);
    if (status != STATUS_OK) {
        fault->status = status;
        return ADMIT_REFUSED;
    }
    it->entry.deadline_ns = deadline_mono_ns(it->request.deadline_ms, now);
    it->entry.rows = (uint32_t)rows;
    it->entry.bytes = (size_t)rows * model_spec_output_bytes(spec);
    match_inputs(it, spec);
    if (it->entry.deadline_ns <= now->mono_ns) {
        return ADMIT_EXPIRED;
    }
    if (it->entry.bytes > model_spec_batch_bytes(spec, slot_bytes)) {
        (void)fault_set(fault, STATUS_TOO_LARGE,
                        "the tensors do not fit batcher.slot.bytes");
        return ADMIT_REFUSED;
    }
    return ADMIT_OK;
}
