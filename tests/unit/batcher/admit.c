/* SPDX-License-Identifier: Apache-2.0 */
/* What may wait for a batch, and what is refused at the door. */
#include "batcher/admit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <string.h>

#define SLOT_BYTES ((uint64_t)256 * 1024)

static const struct moment now = {.mono_ns = 500 * NS_PER_S,
                                  .wall_us = INT64_C(1700000000000000)};

static float pixels[64 * 4];
static struct item_pool pool;
static struct record record;
static struct buf bytes;
static struct fault fault;
static struct model_spec spec;
static struct batching batching;
static int64_t reply_time_ns;
static struct tensor x;
static struct request request;

static void
set_up(void)
{
    spec = (struct model_spec){.model = span_of_text("m"),
                               .version = span_of_text("2"),
                               .input_count = 1,
                               .output_count = 1,
                               .max_batch_size = 4};
    spec.inputs[0] = (struct tensor_spec){.name = span_of_text("x"),
                                          .datatype = DATATYPE_FP32,
                                          .rank = 2,
                                          .shape = {-1, 64}};
    spec.outputs[0] = (struct tensor_spec){.name = span_of_text("y"),
                                           .datatype = DATATYPE_FP32,
                                           .rank = 2,
                                           .shape = {-1, 10}};
    x = (struct tensor){.name = span_of_text("x"),
                        .datatype = DATATYPE_FP32,
                        .rank = 2,
                        .shape = {2, 64},
                        .data = span_of(pixels, 2 * 256)};
    request = (struct request){.model = span_of_text("m"),
                               .inputs = &x,
                               .input_count = 1,
                               .reply_to = {.partition = -1}};
    request.id.bytes[6] = 0x70;
    request.id.bytes[8] = 0x80;
    item_pool_init(&pool, 1);
    batching_init(&batching);
    reply_time_ns = 0;
    buf_init(&bytes, 1 << 20);
}

static void
tear_down(void)
{
    buf_fini(&bytes);
    item_pool_fini(&pool);
}

TestSuite(admit, .init = set_up, .fini = tear_down);

/** Admits what stands in `bytes`; the item is given back without its record. */
static enum admit_verdict
admit_bytes(struct item *copy)
{
    struct item *it = item_take(&pool);
    record = (struct record){.topic = "leat.requests.m",
                             .partition = 3,
                             .offset = 17,
                             .value = buf_span(&bytes)};
    it->record = &record;
    const struct admit_terms terms = {.spec = &spec,
                                      .batching = &batching,
                                      .slot_bytes = SLOT_BYTES,
                                      .reply_time_ns = reply_time_ns};
    enum admit_verdict verdict = admit_read(it, &terms, &now, &fault);
    if (verdict == ADMIT_OK) {
        verdict = admit_fit(it, &terms, now.mono_ns, &fault);
    }
    *copy = *it;
    it->record = NULL;
    item_give(&pool, it);
    return verdict;
}

static enum admit_verdict
admit_request(struct item *copy)
{
    buf_reset(&bytes);
    request_encode(&request, &bytes);
    cr_assert_eq(bytes.status, STATUS_OK);
    return admit_bytes(copy);
}

Test(admit, works_out_rows_bytes_place_and_deadline)
{
    struct item it;
    request.deadline_ms = now.wall_us / 1000 + 250;
    cr_assert_eq(admit_request(&it), ADMIT_OK, "%s", fault.text);
    cr_assert_eq(it.entry.rows, 2);
    cr_assert_eq(it.entry.bytes, 2 * (256 + 40));
    cr_assert_eq(it.entry.partition, 3);
    cr_assert_eq(it.entry.offset, 17);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 250 * NS_PER_MS);
    request.deadline_ms = 0;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, TIME_NEVER);
    request.deadline_ms = INT64_MAX;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, TIME_NEVER);
}

Test(admit, takes_the_time_of_the_answer_off_the_deadline_but_a_quarter_at_most)
{
    struct item it;
    reply_time_ns = 20 * NS_PER_MS;
    request.deadline_ms = now.wall_us / 1000 + 250;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 230 * NS_PER_MS);
    request.deadline_ms = now.wall_us / 1000 + 8;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 6 * NS_PER_MS);
}

Test(admit, gives_a_request_without_a_deadline_that_of_the_model)
{
    struct item it;
    batching.deadline_default_ns = 5 * NS_PER_S;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 5 * NS_PER_S);
    request.submitted_us = now.wall_us - 2000000;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 3 * NS_PER_S);
    request.submitted_us = now.wall_us + 1;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 5 * NS_PER_S);
    request.submitted_us = 1;
    cr_assert_eq(admit_request(&it), ADMIT_EXPIRED);
    request.deadline_ms = now.wall_us / 1000 + 9000;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    cr_assert_eq(it.entry.deadline_ns, now.mono_ns + 9 * NS_PER_S);
}

Test(admit, knows_levels_tenants_and_when_a_request_arrived)
{
    static const int32_t priorities[] = {0, 1, 9, 10, INT32_MAX};
    static const uint32_t levels[] = {7, 1, 9, 9, 9};
    struct item it;
    struct item other;
    batching.level_default = 7;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        request.priority = priorities[i];
        cr_assert_eq(admit_request(&it), ADMIT_OK);
        cr_assert_eq(it.entry.level, levels[i], "priority %d", priorities[i]);
    }
    cr_assert_eq(it.entry.arrived_ns, now.mono_ns);
    request.tenant = span_of_text("a");
    cr_assert_eq(admit_request(&other), ADMIT_OK);
    cr_assert_eq(other.entry.tenant, UINT64_C(0xaf63dc4c8601ec8c));
    cr_assert_neq(it.entry.tenant, other.entry.tenant);
}

Test(admit, expires_what_comes_too_late)
{
    struct item it;
    request.deadline_ms = now.wall_us / 1000;
    cr_assert_eq(admit_request(&it), ADMIT_EXPIRED);
    request.deadline_ms = 1;
    cr_assert_eq(admit_request(&it), ADMIT_EXPIRED);
}

Test(admit, gives_equal_shapes_one_signature_whatever_their_rows)
{
    struct item one;
    struct item two;
    struct item wide;
    spec.inputs[0].shape[1] = -1;
    cr_assert_eq(admit_request(&two), ADMIT_OK);
    x.shape[0] = 1;
    x.data.size = 256;
    cr_assert_eq(admit_request(&one), ADMIT_OK);
    x.shape[1] = 32;
    x.data.size = 128;
    cr_assert_eq(admit_request(&wide), ADMIT_OK);
    cr_assert_eq(one.entry.signature, two.entry.signature);
    cr_assert_neq(one.entry.signature, wide.entry.signature);
}

Test(admit, refuses_what_does_not_fit_the_model)
{
    struct item it;
    request.model = span_of_text("n");
    cr_assert_eq(admit_request(&it), ADMIT_REFUSED);
    request.model = span_of_text("m");
    request.model_version = span_of_text("stable");
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    x.name = span_of_text("z");
    cr_assert_eq(admit_request(&it), ADMIT_REFUSED);
    cr_assert_not_null(strstr(fault.text, "z"));
    cr_assert_eq(it.entry.offset, 17);
}

Test(admit, refuses_no_rows_and_more_rows_than_a_batch)
{
    struct item it;
    x.shape[0] = 4;
    x.data.size = 4 * 256;
    cr_assert_eq(admit_request(&it), ADMIT_OK);
    spec.max_batch_size = 3;
    cr_assert_eq(admit_request(&it), ADMIT_REFUSED);
    x.shape[0] = 0;
    x.data.size = 0;
    cr_assert_eq(admit_request(&it), ADMIT_REFUSED);
}

Test(admit, tells_bytes_without_an_id_from_those_with_one)
{
    struct item it;
    buf_append_text(&bytes, "garbage");
    cr_assert_eq(admit_bytes(&it), ADMIT_UNIDENTIFIABLE);
    cr_assert_neq(fault.text[0], '\0');
    buf_reset(&bytes);
    request_encode(&request, &bytes);
    bytes.size -= 3;
    cr_assert_eq(admit_bytes(&it), ADMIT_UNREADABLE);
    cr_assert(uuid_equal(&it.request.id, &request.id));
    cr_assert_eq(it.entry.offset, 17);
}
