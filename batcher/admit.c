/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can be wrong with a request is found here, before it takes a place in
 * a batch that others share. */
#include "batcher/admit.h"

#include "base/clock.h"
#include "batcher/reply_time.h"
#include "schemas/codec.h"
#include "schemas/oip.h"

/* FNV-1a, 64 bit. */
#define FNV_BASIS UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

static uint64_t
fnv_add(uint64_t hash, uint64_t byte)
{
    return (hash ^ byte) * FNV_PRIME;
}

static uint64_t
signature_add(uint64_t signature, uint64_t value)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        signature = fnv_add(signature, value >> shift & 0xff);
    }
    return signature;
}

static uint64_t
tenant_hash(struct span tenant)
{
    uint64_t hash = FNV_BASIS;
    for (size_t i = 0; i < tenant.size; i++) {
        hash = fnv_add(hash, tenant.data[i]);
    }
    return hash;
}

/** 0 and what is no priority: the model's own. */
static uint32_t
level_of(int32_t priority, const struct batching *b)
{
    if (priority < LEVEL_HIGHEST) {
        return (uint32_t)b->level_default;
    }
    return priority < LEVEL_LOWEST ? (uint32_t)priority : LEVEL_LOWEST;
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

/** By the model's default, counted from when the request was made, if it says so. */
static int64_t
default_deadline_ns(const struct request *q,
                    const struct batching *b,
                    const struct moment *now)
{
    if (b->deadline_default_ns == 0) {
        return TIME_NEVER;
    }
    int64_t submitted_us = q->submitted_us;
    if (submitted_us <= 0 || submitted_us > now->wall_us) {
        submitted_us = now->wall_us;
    }
    int64_t old_us = now->wall_us - submitted_us;
    int64_t most_us = b->deadline_default_ns / NS_PER_US;
    return now->mono_ns + (most_us - (old_us < most_us ? old_us : most_us)) * NS_PER_US;
}

static void
set_times(struct item *it, const struct admit_terms *terms, const struct moment *now)
{
    const struct request *q = &it->request;
    int64_t deadline_ns = q->deadline_ms > 0
                              ? deadline_mono_ns(q->deadline_ms, now)
                              : default_deadline_ns(q, terms->batching, now);
    if (deadline_ns != TIME_NEVER) {
        deadline_ns -=
            reply_time_charge(terms->reply_time_ns, deadline_ns - now->mono_ns);
    }
    it->entry.deadline_ns = deadline_ns;
    it->entry.arrived_ns = now->mono_ns;
}

/** Finds each input of the model among those of the request, which has each once. */
static void
match_inputs(struct item *it, const struct model_spec *spec)
{
    const struct request *q = &it->request;
    bool batching = spec->max_batch_size > 0;
    uint64_t signature = FNV_BASIS;
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
admit_read(struct item *it,
           const struct admit_terms *terms,
           const struct moment *now,
           struct fault *fault)
{
    it->received_us = now->wall_us;
    item_set_version(it, terms->spec->version);
    it->entry = (struct former_entry){.node = {.at = HEAP_OUTSIDE},
                                      .deadline_ns = TIME_NEVER,
                                      .partition = it->record->partition,
                                      .offset = it->record->offset};
    enum status status =
        request_decode(it->record->value, &it->arena, &it->request, fault);
    if (status != STATUS_OK) {
        return admit_unreadable(it, terms->spec);
    }
    set_times(it, terms, now);
    it->entry.level = level_of(it->request.priority, terms->batching);
    it->entry.tenant = tenant_hash(it->request.tenant);
    return ADMIT_OK;
}

enum admit_verdict
admit_fit(struct item *it,
          const struct admit_terms *terms,
          int64_t now_ns,
          struct fault *fault)
{
    const struct model_spec *spec = terms->spec;
    int64_t rows = 0;
    item_set_version(it, spec->version);
    enum status status = check_request(it, spec, &rows, fault);
    if (status != STATUS_OK) {
        fault->status = status;
        return ADMIT_REFUSED;
    }
    it->entry.rows = (uint32_t)rows;
    it->entry.bytes = (size_t)rows * model_spec_output_bytes(spec);
    match_inputs(it, spec);
    if (it->entry.deadline_ns <= now_ns) {
        return ADMIT_EXPIRED;
    }
    if (it->entry.bytes > model_spec_batch_bytes(spec, terms->slot_bytes)) {
        (void)fault_set(fault, STATUS_TOO_LARGE,
                        "the tensors do not fit batcher.slot.bytes");
        return ADMIT_REFUSED;
    }
    return ADMIT_OK;
}
