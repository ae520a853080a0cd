/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Original headers first, as many as leave room for ours. Names and forms are those of
 * - Kafka Connect: org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter; all
 *   values are text;
 * - Spring: org.springframework.kafka.support.KafkaHeaders (DLT_...), written by
 *   DeadLetterPublishingRecoverer: numbers are big-endian, texts are texts;
 * - Kafka Streams (KIP-1034): org.apache.kafka.streams.errors.ExceptionHandlerUtils;
 * all values are text. Where they say the class of an exception we say io.leat. and the
 * code of the failure. A stack trace we have none: its first line stands for it where
 * readers expect one.
 */
#include "batcher/dead_letter.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CLASS_PREFIX "io.leat."

enum { OWN_HEADERS_MAX = 10, NUMBER_TEXT = 24, TRACE_TEXT = 512 };

/* What a header's value says, and in which form. */
enum header_value {
    VALUE_TOPIC,
    VALUE_PARTITION,
    VALUE_PARTITION_BINARY,
    VALUE_OFFSET,
    VALUE_OFFSET_BINARY,
    VALUE_TIMESTAMP_BINARY,
    VALUE_TIMESTAMP_TYPE,
    VALUE_GROUP,
    VALUE_STAGE,
    VALUE_READER, /* the program that read it */
    VALUE_CLASS,
    VALUE_MESSAGE,
    VALUE_TRACE,
};

struct header_row {
    const char *name;
    enum header_value value;
};

static const struct header_row rows[DEAD_LETTER_DIALECTS][OWN_HEADERS_MAX] = {
    [DEAD_LETTER_CONNECT] = {{"__connect.errors.topic", VALUE_TOPIC},
                             {"__connect.errors.partition", VALUE_PARTITION},
                             {"__connect.errors.offset", VALUE_OFFSET},
                             {"__connect.errors.connector.name", VALUE_GROUP},
                             {"__connect.errors.stage", VALUE_STAGE},
                             {"__connect.errors.class.name", VALUE_READER},
                             {"__connect.errors.exception.class.name", VALUE_CLASS},
                             {"__connect.errors.exception.message", VALUE_MESSAGE}},
    [DEAD_LETTER_SPRING] = {{"kafka_dlt-original-topic", VALUE_TOPIC},
                            {"kafka_dlt-original-partition", VALUE_PARTITION_BINARY},
                            {"kafka_dlt-original-offset", VALUE_OFFSET_BINARY},
                            {"kafka_dlt-original-timestamp", VALUE_TIMESTAMP_BINARY},
                            {"kafka_dlt-original-timestamp-type", VALUE_TIMESTAMP_TYPE},
                            {"kafka_dlt-original-consumer-group", VALUE_GROUP},
                            {"kafka_dlt-exception-fqcn", VALUE_CLASS},
                            {"kafka_dlt-exception-message", VALUE_MESSAGE},
                            {"kafka_dlt-exception-stacktrace", VALUE_TRACE}},
    [DEAD_LETTER_STREAMS] = {{"__streams.errors.exception", VALUE_TRACE},
                             {"__streams.errors.message", VALUE_MESSAGE},
                             {"__streams.errors.stacktrace", VALUE_TRACE},
                             {"__streams.errors.topic", VALUE_TOPIC},
                             {"__streams.errors.partition", VALUE_PARTITION},
                             {"__streams.errors.offset", VALUE_OFFSET}},
};

enum dead_letter_dialect
dead_letter_dialect(const char *name)
{
    static const char *const names[DEAD_LETTER_DIALECTS] = {
        [DEAD_LETTER_CONNECT] = "connect",
        [DEAD_LETTER_SPRING] = "spring",
        [DEAD_LETTER_STREAMS] = "streams",
    };
    for (unsigned i = 0; i < DEAD_LETTER_DIALECTS; i++) {
        if (strcmp(name, names[i]) == 0) {
            return (enum dead_letter_dialect)i;
        }
    }
    return DEAD_LETTER_CONNECT;
}

/** A copy that lives as long as the arena; data NULL without memory. */
static struct span
kept(struct arena *arena, struct span bytes)
{
    const char *copy = arena_text(arena, bytes);
    return span_of(copy, copy == NULL ? 0 : bytes.size);
}

static struct span
kept_text(struct arena *arena, const char *text)
{
    return kept(arena, span_of_text(text));
}

static struct span
number_text(struct arena *arena, int64_t number)
{
    char text[NUMBER_TEXT];
    int size = snprintf(text, sizeof text, "%" PRId64, number);
    return kept(arena, span_of(text, (size_t)size));
}

static struct span
long_bytes(struct arena *arena, int64_t number)
{
    uint64_t big = htobe64((uint64_t)number);
    return kept(arena, span_of(&big, sizeof big));
}

static struct span
int_bytes(struct arena *arena, int32_t number)
{
    uint32_t big = htobe32((uint32_t)number);
    return kept(arena, span_of(&big, sizeof big));
}

/* As Java's TimestampType names them. */
static const char *
timestamp_type(const struct record *r)
{
    if (r->timestamp_us == 0) {
        return "NoTimestampType";
    }
    return r->timestamp_is_brokers ? "LogAppendTime" : "CreateTime";
}

static struct span
class_and(struct arena *arena, const struct dead_letter *letter, bool message)
{
    char text[TRACE_TEXT];
    int size = snprintf(text, sizeof text, CLASS_PREFIX "%s%s%s", letter->code,
                        message ? ": " : "", message ? letter->message : "");
    size_t most = sizeof text - 1;
    return kept(arena, span_of(text, (size_t)size < most ? (size_t)size : most));
}

static struct span
value_of(enum header_value value,
         const struct record *r,
         const struct dead_letter *letter,
         struct arena *arena)
{
    switch (value) {
    case VALUE_TOPIC:
        return kept_text(arena, r->topic);
    case VALUE_PARTITION:
        return number_text(arena, r->partition);
    case VALUE_PARTITION_BINARY:
        return int_bytes(arena, r->partition);
    case VALUE_OFFSET:
        return number_text(arena, r->offset);
    case VALUE_OFFSET_BINARY:
        return long_bytes(arena, r->offset);
    case VALUE_TIMESTAMP_BINARY:
        return long_bytes(arena, r->timestamp_us == 0 ? -1 : r->timestamp_us / 1000);
    case VALUE_TIMESTAMP_TYPE:
        return span_of_text(timestamp_type(r));
    case VALUE_GROUP:
        return kept_text(arena, letter->group);
    case VALUE_STAGE:
        return kept_text(arena, letter->stage);
    case VALUE_READER:
        return span_of_text("leat-batcher");
    case VALUE_CLASS:
        return class_and(arena, letter, false);
    case VALUE_MESSAGE:
        return kept_text(arena, letter->message);
    case VALUE_TRACE:
        return class_and(arena, letter, true);
    }
    return span_of(NULL, 0);
}

void
dead_letter_write(const struct record *r,
                  const struct dead_letter *letter,
                  struct arena *arena,
                  struct outgoing *out)
{
    out->partition = PARTITION_BY_KEY;
    out->key = r->key;
    out->value = r->value;
    out->headers = NULL;
    out->header_count = 0;
    struct record_header *headers =
        arena_array(arena, RECORD_HEADERS_MAX, sizeof *headers);
    if (headers == NULL) {
        return;
    }
    out->headers = headers;
    struct record_header h;
    while (out->header_count < RECORD_HEADERS_MAX - OWN_HEADERS_MAX &&
           record_header_at(r, out->header_count, &h.name, &h.value) == STATUS_OK) {
        headers[out->header_count++] = h;
    }
    const struct header_row *own = rows[letter->dialect];
    for (size_t i = 0; i < OWN_HEADERS_MAX && own[i].name != NULL; i++) {
        struct span value = value_of(own[i].value, r, letter, arena);
        if (value.data != NULL) {
            headers[out->header_count++] =
                (struct record_header){.name = own[i].name, .value = value};
        }
    }
}
