/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damaged records: cut at every byte, every byte given every value. Run under ASan this
 * shows that nothing is read past the end. And the ways to read that are not damage.
 */
#include "schemas/avro_write.h"
#include "schemas/codec.h"
#include "schemas/framing.h"
#include "tests/unit/schemas/sample_records.h"

#include <criterion/criterion.h>

#include <stdlib.h>

enum { LIMIT = 1 << 20, PREFIX = 10 };

static struct arena arena;
static struct buf record;
static struct fault fault;

static void
start(void)
{
    arena_init(&arena, LIMIT);
    buf_init(&record, LIMIT);
    struct request r = full_request();
    request_encode(&r, &record);
}

static void
finish(void)
{
    arena_fini(&arena);
    buf_fini(&record);
}

TestSuite(codec_damage, .init = start, .fini = finish);

static void
expect_cut_refused(size_t size)
{
    uint8_t *cut = malloc(size + 1);
    memcpy(cut + 1, record.data, size);
    struct request r;
    struct uuid id;
    arena_reset(&arena);
    cr_assert_neq(request_decode(span_of(cut + 1, size), &arena, &r, &fault),
                  STATUS_OK);
    enum status peek = size < PREFIX + 1 + UUID_TEXT ? STATUS_INVALID : STATUS_OK;
    cr_assert_eq(request_peek_id(span_of(cut + 1, size), &id), peek);
    free(cut);
}

Test(codec_damage, a_record_cut_anywhere_is_refused)
{
    for (size_t size = 0; size < record.size; size++) {
        expect_cut_refused(size);
    }
}

static void
expect_stable(struct span bytes)
{
    struct request r;
    arena_reset(&arena);
    if (request_decode(bytes, &arena, &r, &fault) != STATUS_OK) {
        return;
    }
    struct request again;
    struct buf b;
    buf_init(&b, LIMIT);
    request_encode(&r, &b);
    cr_assert_eq(request_decode(buf_span(&b), &arena, &again, &fault), STATUS_OK);
    expect_same_request(&r, &again);
    buf_fini(&b);
}

Test(codec_damage, any_byte_may_change_to_any_other)
{
    for (size_t i = 0; i < record.size; i++) {
        uint8_t before = record.data[i];
        for (unsigned value = 0; value < 256; value++) {
            record.data[i] = (uint8_t)value;
            expect_stable(buf_span(&record));
        }
        record.data[i] = before;
    }
}

Test(codec_damage, a_broken_record_still_tells_its_id)
{
    struct request r = full_request();
    struct uuid id;
    record.data[record.size - 1] = 0x80;
    cr_assert_neq(request_decode(buf_span(&record), &arena, &r, &fault), STATUS_OK);
    cr_assert_eq(request_peek_id(buf_span(&record), &id), STATUS_OK);
    cr_assert(uuid_equal(&id, &r.id));
}

Test(codec_damage, bare_and_confluent_records_are_read_as_ours)
{
    struct request first = full_request();
    struct request r;
    struct span body = span_of(record.data + PREFIX, record.size - PREFIX);
    cr_assert_eq(request_decode(body, &arena, &r, &fault), STATUS_OK, "%s", fault.text);
    expect_same_request(&first, &r);
    struct buf b;
    buf_init(&b, LIMIT);
    buf_append(&b, "\0\0\0\0\x2a", 5);
    buf_append(&b, body.data, body.size);
    cr_assert_eq(request_decode(buf_span(&b), &arena, &r, &fault), STATUS_OK);
    expect_same_request(&first, &r);
    struct uuid id;
    cr_assert_eq(request_peek_id(buf_span(&b), &id), STATUS_OK);
    cr_assert(uuid_equal(&id, &first.id));
    buf_fini(&b);
}

Test(codec_damage, texts_and_data_are_not_copied)
{
    struct request r;
    cr_assert_eq(request_decode(buf_span(&record), &arena, &r, &fault), STATUS_OK);
    const uint8_t *end = record.data + record.size;
    cr_assert(r.model.data > record.data && r.model.data < end);
    cr_assert(r.inputs[0].data.data > record.data && r.inputs[0].data.data < end);
    cr_assert(r.route[0].data > record.data && r.route[0].data < end);
}

Test(codec_damage, a_message_of_any_bytes_is_made_readable)
{
    static const uint8_t message[] = {'a', 0xff, 0, 0xc3, 0xa4, 0xe2, 0x82};
    struct reply r = {.model = span_of_text("m"),
                      .status = REPLY_FAILED,
                      .error = {.code = span_of_text("model_failed"),
                                .message = span_of(message, sizeof(message))}};
    struct reply read;
    buf_reset(&record);
    reply_encode(&r, &record);
    cr_assert_eq(reply_decode(buf_span(&record), &arena, &read, &fault), STATUS_OK,
                 "%s", fault.text);
    cr_assert(span_is_text(read.error.message, "a\?\?ä\?\?"));
}

Test(codec_damage, an_encoder_without_room_says_so)
{
    struct request r = full_request();
    struct buf small;
    buf_init(&small, record.size - 1);
    request_encode(&r, &small);
    cr_assert_eq(small.status, STATUS_TOO_LARGE);
    buf_fini(&small);
}
