/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that must be refused, each with the reason, the field and the byte; and those
 * just inside the limits. The encoder writes what it is given, so most bad records are
 * good ones with one wrong member.
 */
#include "schemas/avro_write.h"
#include "schemas/codec.h"
#include "schemas/framing.h"
#include "tests/unit/schemas/sample_records.h"

#include <criterion/criterion.h>

#include <stdio.h>
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
}

static void
finish(void)
{
    arena_fini(&arena);
    buf_fini(&record);
}

static enum status
decode_request(struct span bytes)
{
    struct request r;
    fault = (struct fault){0};
    arena_reset(&arena);
    enum status status = request_decode(bytes, &arena, &r, &fault);
    cr_assert_eq(fault.status, status);
    return status;
}

static enum status
decode_changed(const struct request *r)
{
    buf_reset(&record);
    request_encode(r, &record);
    cr_assert_eq(record.status, STATUS_OK);
    return decode_request(buf_span(&record));
}

static void
expect_fault(const struct request *r, enum status status, const char *text)
{
    cr_assert_eq(decode_changed(r), status, "%s: %s", text, fault.text);
    cr_assert_eq(strncmp(fault.text, text, strlen(text)), 0, "%s, not %s", fault.text,
                 text);
    cr_assert_not_null(strstr(fault.text, ", at byte "), "%s", fault.text);
}

TestSuite(codec_refusal, .init = start, .fini = finish);

Test(codec_refusal, the_fault_names_field_and_byte)
{
    struct request r = full_request();
    struct tensor inputs[3];
    inputs[0] = inputs[1] = inputs[2] = r.inputs[0];
    r.inputs = inputs;
    r.input_count = 3;
    inputs[2].shape[1] = -3;
    cr_assert_eq(decode_changed(&r), STATUS_INVALID);
    static const char pattern[] = "inputs[2].shape[1]: -3 is not from 0 to "
                                  "9223372036854775807, at byte ";
    cr_assert_eq(strncmp(fault.text, pattern, strlen(pattern)), 0, "%s", fault.text);
    size_t at = (size_t)strtoul(fault.text + strlen(pattern), NULL, 10);
    cr_assert_eq(record.data[at], 5, "zigzag of -3");
}

Test(codec_refusal, sets_the_record_only_when_all_is_well)
{
    struct request r = full_request();
    r.attempt = -1;
    request_encode(&r, &record);
    struct request read = {.priority = 77};
    cr_assert_eq(request_decode(buf_span(&record), &arena, &read, NULL),
                 STATUS_INVALID);
    cr_assert_eq(read.priority, 77);
    cr_assert_eq(read.model.size, 0);
}

Test(codec_refusal, tensors_that_contradict_themselves)
{
    struct request r = full_request();
    struct tensor t = r.inputs[0];
    r.inputs = &t;
    t.data.size--;
    expect_fault(&r, STATUS_INVALID,
                 "inputs[0]: 23 bytes of data for 6 elements of FP32");
    t.data.size++;
    t.datatype = DATATYPE_COUNT;
    expect_fault(&r, STATUS_INVALID, "inputs[0].datatype: 14 is not from 0 to 13");
    t.datatype = DATATYPE_BYTES;
    expect_fault(&r, STATUS_INVALID, "inputs[0]: element 0 says");
    t.datatype = DATATYPE_FP32;
    t.shape[0] = INT64_MAX;
    expect_fault(&r, STATUS_INVALID, "inputs[0]: shape");
    t.shape[0] = 2;
    t.name.size = 0;
    expect_fault(&r, STATUS_INVALID, "inputs[0].name: must not be empty");
}

Test(codec_refusal, numbers_out_of_their_range)
{
    struct request r = full_request();
    r.priority = -1;
    expect_fault(&r, STATUS_INVALID, "priority: -1 is not from 0 to 2147483647");
    r.priority = 0;
    r.attempt = -1;
    expect_fault(&r, STATUS_INVALID, "attempt: ");
    r.attempt = 0;
    r.deadline_ms = -5;
    expect_fault(&r, STATUS_INVALID, "deadline: ");
    r.deadline_ms = 0;
    r.reply_to.partition = -2;
    expect_fault(&r, STATUS_INVALID, "reply_to.partition: ");
}

Test(codec_refusal, texts_that_are_none)
{
    static const char *const bad[] = {"\xff",         "abcdefgh\x80",     "\xc0\xaf",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
                                      "\xf0\x9f\x98"};
    struct request r = full_request();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        r.tenant = span_of_text(bad[i]);
        expect_fault(&r, STATUS_INVALID, "tenant: no UTF-8, or a zero byte");
    }
    r.tenant = span_of("acme\0and more", 13);
    expect_fault(&r, STATUS_INVALID, "tenant: no UTF-8, or a zero byte");
    r.tenant = span_of("acme\0", 5);
    expect_fault(&r, STATUS_INVALID, "tenant: no UTF-8, or a zero byte");
    r.tenant = span_of_text("ABCDEFGH\x7f\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
                            "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
    cr_assert_eq(decode_changed(&r), STATUS_OK, "%s", fault.text);
}

Test(codec_refusal, names_that_must_not_be_empty)
{
    struct request r = full_request();
    r.model.size = 0;
    expect_fault(&r, STATUS_INVALID, "model: must not be empty");
    r = full_request();
    struct span names[2] = {r.outputs[0], {NULL, 0}};
    r.outputs = names;
    expect_fault(&r, STATUS_INVALID, "outputs[1]: must not be empty");
}

Test(codec_refusal, a_parameter_named_twice)
{
    struct request r = full_request();
    struct parameter parameters[4];
    memcpy(parameters, r.parameters, sizeof(parameters));
    parameters[3].name = parameters[1].name;
    r.parameters = parameters;
    expect_fault(&r, STATUS_INVALID, "parameters[3]: a name for the second time");
}

static struct span
text_of_size(size_t size)
{
    char *text = arena_alloc(&arena, size);
    memset(text, 'x', size);
    return span_of(text, size);
}

/* The arena is reset by each decode: the long text comes from one of its own. */
static void
expect_text_limit(struct request *r, struct span *text, size_t limit, const char *name)
{
    struct span before = *text;
    static char letters[URL_MAX_BYTES + 1];
    memset(letters, 'x', sizeof(letters));
    *text = span_of(letters, limit);
    cr_assert_eq(decode_changed(r), STATUS_OK, "%s: %s", name, fault.text);
    text->size = limit + 1;
    expect_fault(r, STATUS_TOO_LARGE, name);
    *text = before;
}

Test(codec_refusal, texts_over_their_limit)
{
    struct request r = full_request();
    expect_text_limit(&r, &r.model, NAME_MAX_BYTES,
                      "model: a length of 201, at most 200");
    expect_text_limit(&r, &r.model_version, NAME_MAX_BYTES, "model_version: ");
    expect_text_limit(&r, &r.tenant, NAME_MAX_BYTES, "tenant: ");
    expect_text_limit(&r, &r.batch_id, NAME_MAX_BYTES, "batch_id: ");
    expect_text_limit(&r, &r.reply_to.topic, TOPIC_MAX_BYTES, "reply_to.topic: ");
    expect_text_limit(&r, &r.webhook.url, URL_MAX_BYTES, "webhook.url: ");
}

static void
expect_count_limit(struct request *r, size_t *count, size_t limit, const char *name)
{
    size_t before = *count;
    *count = limit;
    cr_assert_eq(decode_changed(r), STATUS_OK, "%s: %s", name, fault.text);
    *count = limit + 1;
    expect_fault(r, STATUS_TOO_LARGE, name);
    *count = before;
}

Test(codec_refusal, more_items_than_allowed)
{
    static struct tensor inputs[TENSORS_MAX + 1];
    static struct span names[TENSORS_MAX + 1];
    static struct parameter parameters[PARAMETERS_MAX + 1];
    static char parameter_names[PARAMETERS_MAX + 1][8];
    struct request r = full_request();
    for (size_t i = 0; i <= TENSORS_MAX; i++) {
        inputs[i] = r.inputs[0];
        names[i] = span_of_text("name");
    }
    for (size_t i = 0; i <= PARAMETERS_MAX; i++) {
        snprintf(parameter_names[i], sizeof(parameter_names[i]), "p%zu", i);
        parameters[i].name = span_of_text(parameter_names[i]);
    }
    r.inputs = inputs;
    r.outputs = r.route = r.webhook.events = names;
    r.parameters = parameters;
    expect_count_limit(&r, &r.input_count, TENSORS_MAX,
                       "inputs: a block of 65 items after 0, at most");
    expect_count_limit(&r, &r.output_count, TENSORS_MAX, "outputs: a block of 65");
    expect_count_limit(&r, &r.route_count, ROUTE_MAX, "route: a block of 17");
    expect_count_limit(&r, &r.webhook.event_count, EVENTS_MAX,
                       "webhook.events: a block of 17");
    expect_count_limit(&r, &r.parameter_count, PARAMETERS_MAX,
                       "parameters: a block of 257");
}

Test(codec_refusal, more_dimensions_than_allowed)
{
    struct tensor t = {.name = span_of_text("t"), .datatype = DATATYPE_INT8};
    struct request r = full_request();
    r.inputs = &t;
    t.rank = TENSOR_RANK_MAX;
    cr_assert_eq(decode_changed(&r), STATUS_OK, "%s", fault.text);
    t.rank = 0; /* its block count is the byte in front of the empty data */
    t.data = span_of_text("x");
    cr_assert_eq(decode_changed(&r), STATUS_OK, "%s", fault.text);
    static const uint8_t scalar[] = {2, 't', DATATYPE_INT8 * 2, 0, 2, 'x'};
    uint8_t *at = memmem(record.data, record.size, scalar, sizeof(scalar));
    cr_assert_not_null(at);
    at[3] = 2 * (TENSOR_RANK_MAX + 1);
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(fault.text, "inputs[0].shape: a block of 9 items"));
}

/* A bare record up to its inputs. */
static void
write_head(void)
{
    buf_reset(&record);
    avro_write_bytes(&record, span_of_text("018bcfe5-687b-7abc-8def-0123456789ab"));
    avro_write_bytes(&record, span_of_text("m"));
    avro_write_long(&record, 0);
}

static void
write_tensor(int64_t data_length)
{
    avro_write_bytes(&record, span_of_text("t"));
    avro_write_long(&record, DATATYPE_UINT8);
    avro_write_long(&record, 1);
    avro_write_long(&record, 1);
    avro_write_long(&record, 0);
    avro_write_long(&record, data_length);
    buf_append_byte(&record, 'x');
}

static void
write_tail(void)
{
    static const uint8_t absent[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    buf_append(&record, absent, sizeof(absent));
}

Test(codec_refusal, block_counts_that_no_memory_could_hold)
{
    static const int64_t counts[] = {65,  1 << 30,   INT64_MAX,
                                     -65, INT64_MIN, INT64_MIN + 1};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        write_head();
        avro_write_long(&record, counts[i]);
        avro_write_long(&record, 5);
        cr_assert_eq(decode_request(buf_span(&record)), STATUS_TOO_LARGE);
        cr_assert_eq(strncmp(fault.text, "inputs: a block of", 18), 0);
        cr_assert_leq(arena.used, 4096);
    }
}

Test(codec_refusal, lengths_beyond_the_record)
{
    static const int64_t lengths[] = {2 + 12, 1 << 30, INT64_MAX, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        write_head();
        avro_write_long(&record, 1);
        write_tensor(lengths[i]);
        write_tail();
        cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
        cr_assert_eq(strncmp(fault.text, "inputs[0].data: a length of", 27), 0, "%s",
                     fault.text);
    }
}

static enum status
decode_blocks(int64_t size)
{
    write_head();
    avro_write_long(&record, 1);
    write_tensor(1);
    avro_write_long(&record, -1);
    avro_write_long(&record, size);
    write_tensor(1);
    avro_write_long(&record, 0);
    write_tail();
    return decode_request(buf_span(&record));
}

Test(codec_refusal, blocks_that_lie_about_their_size)
{
    cr_assert_eq(decode_blocks(8), STATUS_OK, "%s", fault.text);
    cr_assert_eq(decode_blocks(7), STATUS_INVALID);
    cr_assert_eq(decode_blocks(9), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "the block is not of the size it says"));
    cr_assert_eq(decode_blocks(-1), STATUS_INVALID);
    cr_assert_eq(decode_blocks(INT64_MAX), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "a block of"));
}

Test(codec_refusal, more_items_than_allowed_in_many_blocks)
{
    for (unsigned extra = 0; extra < 2; extra++) {
        write_head();
        for (unsigned i = 0; i < TENSORS_MAX + extra; i++) {
            avro_write_long(&record, 1);
            write_tensor(1);
        }
        avro_write_long(&record, 0);
        write_tail();
        enum status expected = extra == 0 ? STATUS_OK : STATUS_TOO_LARGE;
        cr_assert_eq(decode_request(buf_span(&record)), expected, "%s", fault.text);
    }
}

static void
expect_bad_byte(struct span pattern, size_t at, uint8_t byte, const char *text)
{
    struct request r = full_request();
    buf_reset(&record);
    request_encode(&r, &record);
    uint8_t *found = memmem(record.data, record.size, pattern.data, pattern.size);
    cr_assert_not_null(found);
    found[at] = byte;
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
    cr_assert_eq(strncmp(fault.text, text, strlen(text)), 0, "%s", fault.text);
}

Test(codec_refusal, branches_and_booleans_that_do_not_exist)
{
    struct span flag = span_of_text("\x08"
                                    "bool\6\1");
    expect_bad_byte(flag, 5, 8, "parameters[3]: 4 is not from 0 to 3");
    expect_bad_byte(flag, 6, 2, "parameters[3]: no boolean");
    expect_bad_byte(span_of_text("digits\2"), 6, 4, "model_version: 2 is not");
    expect_bad_byte(span_of_text("digits\2"), 6, 1, "model_version: -1 is not");
}

Test(codec_refusal, numbers_of_more_bits_than_they_may_have)
{
    static const uint8_t wide[] = {0x80, 0x80, 0x80, 0x80, 0x80,
                                   0x80, 0x80, 0x80, 0x80, 0x02};
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x00};
    write_head();
    buf_append(&record, wide, sizeof(wide));
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
    cr_assert_str_eq(fault.text, "inputs: a number of more than 64 bits, at byte 40");
    write_head();
    buf_append(&record, endless, sizeof(endless));
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
    write_head();
    avro_write_long(&record, 0);
    buf_append(&record, "\0\0\0\0\0\0\0", 7); /* up to the priority */
    avro_write_long(&record, (int64_t)INT32_MAX + 1);
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
    cr_assert_eq(strncmp(fault.text, "priority: 2147483648 is", 23), 0);
}

Test(codec_refusal, ids_that_are_no_uuid)
{
    struct request r = full_request();
    request_encode(&r, &record);
    record.data[PREFIX + 1] = 'g';
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
    cr_assert_str_eq(fault.text, "id: no UUID, at byte 10");
    struct uuid id;
    cr_assert_eq(request_peek_id(buf_span(&record), &id), STATUS_INVALID);
    buf_reset(&record);
    avro_write_bytes(&record, text_of_size(300));
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
}

Test(codec_refusal, bytes_behind_the_record)
{
    struct request r = full_request();
    request_encode(&r, &record);
    buf_append_text(&record, "xy");
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_INVALID);
    cr_assert_eq(strncmp(fault.text, "record: 2 bytes behind its end", 30), 0);
}

Test(codec_refusal, records_of_another_schema)
{
    struct request r = full_request();
    request_encode(&r, &record);
    record.data[5] ^= 1;
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_UNSUPPORTED);
    cr_assert_not_null(strstr(fault.text, "fingerprint"));
    struct uuid id;
    cr_assert_eq(request_peek_id(buf_span(&record), &id), STATUS_INVALID);
    struct reply reply = {.model = span_of_text("m")};
    buf_reset(&record);
    reply_encode(&reply, &record);
    cr_assert_eq(decode_request(buf_span(&record)), STATUS_UNSUPPORTED);
}

Test(codec_refusal, nothing_at_all)
{
    cr_assert_eq(decode_request(span_of(NULL, 0)), STATUS_INVALID);
    cr_assert_eq(decode_request(span_of_text("\xc3\x01")), STATUS_INVALID);
    cr_assert_eq(decode_request(span_of("\0\0\0\0\0", 5)), STATUS_INVALID);
    cr_assert_eq(decode_request(span_of("\0\0", 2)), STATUS_INVALID);
}

Test(codec_refusal, records_that_need_more_memory_than_there_is)
{
    struct request r = full_request();
    request_encode(&r, &record);
    struct arena small;
    arena_init(&small, 64);
    struct request read;
    cr_assert_eq(request_decode(buf_span(&record), &small, &read, &fault),
                 STATUS_NO_MEMORY);
    cr_assert_not_null(strstr(fault.text, "inputs[0]: no memory"));
    arena_fini(&small);
}

Test(codec_refusal, a_hash_or_an_error_that_says_nothing_or_too_much)
{
    uint8_t hash[HASH_MAX_BYTES + 1] = {0};
    struct reply r = {.model = span_of_text("m"),
                      .request_hash = span_of(hash, HASH_MAX_BYTES)};
    struct reply read;
    reply_encode(&r, &record);
    cr_assert_eq(reply_decode(buf_span(&record), &arena, &read, &fault), STATUS_OK);
    r.request_hash.size++;
    buf_reset(&record);
    reply_encode(&r, &record);
    cr_assert_eq(reply_decode(buf_span(&record), &arena, &read, &fault),
                 STATUS_TOO_LARGE);
    r.request_hash.size = 0;
    r.status = REPLY_STATUS_COUNT;
    buf_reset(&record);
    reply_encode(&r, &record);
    cr_assert_eq(reply_decode(buf_span(&record), &arena, &read, &fault),
                 STATUS_INVALID);
    cr_assert_eq(strncmp(fault.text, "status: 5 is not from 0 to 4", 28), 0);
}
