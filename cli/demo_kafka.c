/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo's fourth way: no HTTP at all. A record with Leat's Avro schema goes to the
 * model's request topic, its reply is read from the replies topic by its id.
 */
#include "base/clock.h"
#include "bus/producer.h"
#include "cli/demo.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <string.h>

/* What is being waited for; one at a time. */
static struct {
    struct uuid id;
    size_t delivered;
    size_t seen;
    int answer;
    char topic[TOPIC_NAME_MAX + 1];
} direct;

void
demo_kafka_seen(struct demo *d, const struct reply *reply)
{
    (void)d;
    if (!uuid_equal(&reply->id, &direct.id) || direct.seen > 0) {
        return;
    }
    direct.seen++;
    direct.answer = -1;
    bool fits = reply->status == REPLY_SUCCEEDED && reply->output_count == 1 &&
                reply->outputs[0].data.size == DIGIT_CLASSES * sizeof(float);
    if (fits) {
        float probabilities[DIGIT_CLASSES];
        memcpy(probabilities, reply->outputs[0].data.data, sizeof(probabilities));
        direct.answer = digits_most_probable(probabilities);
    }
}

static void
direct_delivered(void *context, void *arg, const struct delivery *delivery)
{
    (void)context;
    (void)arg;
    direct.delivered++;
    if (delivery->status != STATUS_OK) {
        fprintf(stderr, "leat demo: not delivered: %s\n", delivery->reason);
    }
}

static void
direct_encode(const struct demo *d, size_t at, struct buf *record)
{
    float pixels[DIGIT_PIXELS];
    for (unsigned i = 0; i < DIGIT_PIXELS; i++) {
        pixels[i] = digits_image(&d->digits, at)[i];
    }
    const struct tensor input = {.name = span_of_text("pixels"),
                                 .datatype = DATATYPE_FP32,
                                 .rank = 2,
                                 .shape = {1, DIGIT_PIXELS},
                                 .data = span_of(pixels, sizeof(pixels))};
    const struct request request = {.id = direct.id,
                                    .model = span_of_text("digits"),
                                    .inputs = &input,
                                    .input_count = 1,
                                    .reply_to.partition = -1,
                                    .tenant = span_of_text("default"),
                                    .submitted_us = clock_wall_us()};
    request_encode(&request, record);
}

static bool
direct_send(struct demo *d, struct producer *producer, struct buf *record)
{
    struct producer_topic *topic = NULL;
    char key[UUID_TEXT];
    uuid_format(&direct.id, key);
    if (bus_topic_name(d->bus, TOPIC_REQUESTS, span_of_text("digits"), direct.topic) !=
            STATUS_OK ||
        producer_topic(producer, direct.topic, &topic) != STATUS_OK) {
        return false;
    }
    const struct outgoing out = {.topic = topic,
                                 .partition = PARTITION_BY_KEY,
                                 .key = span_of(key, sizeof(key)),
                                 .value = buf_span(record)};
    return record->status == STATUS_OK && producer_send(producer, &out) == STATUS_OK &&
           demo_wait(d, &direct.delivered, 1) && demo_wait(d, &direct.seen, 1);
}

bool
demo_kafka(struct demo *d)
{
    enum { AT = 2 };
    printf(
        "\n4. Straight from Kafka: an Avro record on the request topic, no HTTP\n\n");
    const struct producer_config config = {
        .name = "demo", .delivery_timeout_ns = 20 * NS_PER_S, .single_lane = true};
    struct producer *producer = NULL;
    struct fault fault = {.text = ""};
    if (producer_create(&producer, d->loop, d->bus, &config, direct_delivered, NULL,
                        &fault) != STATUS_OK) {
        fprintf(stderr, "leat demo: %s\n", fault.text);
        return false;
    }
    struct uuid_source source;
    uuid_source_init(&source);
    direct.id = uuid_mint(&source, clock_wall_us());
    struct buf record;
    buf_init(&record, 4096);
    direct_encode(d, AT, &record);
    size_t record_bytes = record.size;
    bool good = direct_send(d, producer, &record);
    producer_destroy(&producer);
    buf_fini(&record);
    if (good) {
        printf("  %zu bytes to %s, the reply on the replies topic: it is a %d (label "
               "%u)\n",
               record_bytes, direct.topic, direct.answer, digits_label(&d->digits, AT));
    }
    return good && direct.answer >= 0;
}
