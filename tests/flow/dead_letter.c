/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a dead letter in each dialect, as the tools of that world read them.
 */
#include "tests/flow/batcher_stage.h"

#include <criterion/criterion.h>

#include <string.h>

#define GARBAGE "no avro at all"

static struct batcher_stage *stage;

/** A dead letter in a dialect, its value and the original headers untouched. */
static const struct stage_letter *
letter_in(const char *dialect)
{
    stage = batcher_stage_open("");
    batcher_stage_send(stage, span_of(NULL, 0));
    batcher_stage_wait(stage);
    cr_assert_eq(batcher_stage_stop(stage), 0);
    batcher_stage_dialect(stage, dialect);
    batcher_stage_start(stage);
    batcher_stage_send_bytes(stage, span_of_text(GARBAGE));
    const struct stage_letter *letter = batcher_stage_letter(stage, 0);
    cr_assert_eq(letter->value_size, strlen(GARBAGE));
    cr_assert_arr_eq(letter->value, GARBAGE, letter->value_size);
    cr_assert_str_eq(letter->headers[0].name, "original");
    cr_assert(span_is_text(stage_letter_header(letter, "original"), "kept"));
    cr_assert_str_eq(letter->headers[1].name, "empty");
    cr_assert_eq(letter->headers[1].size, 0);
    return letter;
}

static void
close_stage(void)
{
    cr_assert_eq(batcher_stage_stop(stage), 0);
    cr_assert_eq(batcher_stage_lag(stage), 0);
    batcher_stage_close(stage);
}

static void
expect(const struct stage_letter *letter, const char *name, const char *text)
{
    struct span value = stage_letter_header(letter, name);
    cr_assert(span_is_text(value, text), "%s=%.*s", name, (int)value.size,
              (const char *)value.data);
}

static bool
begins(struct span value, const char *text)
{
    return value.size >= strlen(text) && memcmp(value.data, text, strlen(text)) == 0;
}

Test(dead_letter, speaks_as_kafka_connect_does, .timeout = 60)
{
    const struct stage_letter *letter = letter_in("connect");
    expect(letter, "__connect.errors.topic", "leat.requests.m");
    expect(letter, "__connect.errors.connector.name", "leat.batcher.m");
    expect(letter, "__connect.errors.stage", "decode");
    expect(letter, "__connect.errors.class.name", "leat-batcher");
    expect(letter, "__connect.errors.exception.class.name", "io.leat.invalid");
    struct span partition = stage_letter_header(letter, "__connect.errors.partition");
    cr_assert_eq(partition.size, 1);
    cr_assert(partition.data[0] >= '0' && partition.data[0] <= '3');
    cr_assert_gt(stage_letter_header(letter, "__connect.errors.offset").size, 0);
    cr_assert_gt(stage_letter_header(letter, "__connect.errors.exception.message").size,
                 0);
    cr_assert_eq(letter->header_count, 10);
    close_stage();
}

Test(dead_letter, speaks_as_spring_does_with_binary_numbers, .timeout = 60)
{
    const struct stage_letter *letter = letter_in("spring");
    static const uint8_t zeros[8] = {0};
    expect(letter, "kafka_dlt-original-topic", "leat.requests.m");
    expect(letter, "kafka_dlt-original-consumer-group", "leat.batcher.m");
    expect(letter, "kafka_dlt-original-timestamp-type", "CreateTime");
    expect(letter, "kafka_dlt-exception-fqcn", "io.leat.invalid");
    struct span partition = stage_letter_header(letter, "kafka_dlt-original-partition");
    cr_assert_eq(partition.size, 4);
    cr_assert_arr_eq(partition.data, zeros, 3);
    cr_assert_leq(partition.data[3], 3);
    struct span offset = stage_letter_header(letter, "kafka_dlt-original-offset");
    cr_assert_eq(offset.size, 8);
    cr_assert_arr_eq(offset.data, zeros, 7);
    cr_assert_leq(offset.data[7], 1);
    struct span at = stage_letter_header(letter, "kafka_dlt-original-timestamp");
    cr_assert_eq(at.size, 8);
    cr_assert_eq(at.data[0], 0);
    cr_assert_eq(at.data[2], 1); /* milliseconds of the years 2004 to 2039 */
    cr_assert_gt(stage_letter_header(letter, "kafka_dlt-exception-message").size, 0);
    cr_assert(begins(stage_letter_header(letter, "kafka_dlt-exception-stacktrace"),
                     "io.leat.invalid: "));
    cr_assert_eq(letter->header_count, 11);
    close_stage();
}

Test(dead_letter, speaks_as_kafka_streams_does, .timeout = 60)
{
    const struct stage_letter *letter = letter_in("streams");
    expect(letter, "__streams.errors.topic", "leat.requests.m");
    cr_assert_eq(stage_letter_header(letter, "__streams.errors.partition").size, 1);
    cr_assert_eq(stage_letter_header(letter, "__streams.errors.offset").size, 1);
    cr_assert(begins(stage_letter_header(letter, "__streams.errors.exception"),
                     "io.leat.invalid: "));
    cr_assert_gt(stage_letter_header(letter, "__streams.errors.message").size, 0);
    cr_assert_gt(stage_letter_header(letter, "__streams.errors.stacktrace").size, 0);
    cr_assert_eq(letter->header_count, 8);
    close_stage();
}
