/* SPDX-License-Identifier: Apache-2.0 */
/* See batcher_stage.h. Client and batcher share one loop. */
#include "tests/flow/batcher_stage.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "batcher/batcher.h"
#include "batcher/metrics.h"
#include "bus/admin.h"
#include "bus/consumer.h"
#include "bus/dev_broker.h"
#include "bus/producer.h"
#include "schemas/codec.h"
#include "tests/flow/batcher_stage_state.h"
#include "tests/flow/stage_runner.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const reading[] = {"leat.replies", "leat.dead-letters", "elsewhere",
                                      "leat.requests.next"};

/* What is asked: models and their topics. */
static const char *const names[STAGE_MODELS] = {"m", "n"};
static const char *const request_topics[STAGE_MODELS] = {"leat.requests.m",
                                                         "leat.requests.n"};

static struct stage_result *
find(struct batcher_stage *s, const struct uuid *id)
{
    for (size_t i = 0; i < s->sent; i++) {
        if (uuid_equal(&s->results[i].id, id)) {
            return &s->results[i];
        }
    }
    return NULL;
}

static void
take_letter(struct batcher_stage *s, const struct record *r)
{
    cr_assert_lt(s->letter_count, LETTERS_MAX);
    stage_letter_read(&s->letters[s->letter_count++], r);
}

static void
take_reply(struct batcher_stage *s, const struct record *r)
{
    struct arena arena;
    struct reply reply;
    struct fault fault = {.text = ""};
    arena_init(&arena, 1 << 20);
    stage_must(reply_decode(r->value, &arena, &reply, &fault), &fault);
    struct stage_result *result = find(s, &reply.id);
    cr_assert_not_null(result);
    s->answers += result->count == 0 ? 1 : 0;
    stage_result_note(result, &reply, r->topic);
    arena_fini(&arena);
}

/** A request that a route sent on counts as the answer to the first. */
static void
take_step(struct batcher_stage *s, const struct record *r)
{
    struct arena arena;
    struct request request;
    struct fault fault = {.text = ""};
    arena_init(&arena, 1 << 20);
    stage_must(request_decode(r->value, &arena, &request, &fault), &fault);
    struct stage_result *result = find(s, &request.id);
    cr_assert_not_null(result);
    s->answers++;
    result->count++;
    snprintf(result->topic, sizeof result->topic, "%s", r->topic);
    arena_fini(&arena);
}

static void
on_record(void *arg, struct record *r)
{
    struct batcher_stage *s = arg;
    if (strcmp(r->topic, "leat.dead-letters") == 0) {
        take_letter(s, r);
    } else if (strcmp(r->topic, "leat.models") == 0) {
        batcher_stage_note_running(s, r);
        batcher_stage_note_told(s, r);
    } else if (strcmp(r->topic, "leat.requests.next") == 0) {
        take_step(s, r);
    } else {
        take_reply(s, r);
    }
    record_release(&r);
}

static void
on_delivery(void *context, void *arg, const struct delivery *d)
{
    (void)context;
    /* The end of the stage may overtake the acknowledgement of what was answered. */
    cr_assert(d->status == STATUS_OK || d->status == STATUS_CLOSED, "%s", d->reason);
    free(arg);
}

static void
open_client(struct batcher_stage *s)
{
    struct fault fault = {.text = ""};
    const struct producer_config producer = {.name = "stage",
                                             .delivery_timeout_ns = 10 * NS_PER_S};
    stage_must(producer_create(&s->producer, s->loop, &s->bus, &producer, on_delivery,
                               s, &fault),
               &fault);
    for (size_t m = 0; m < STAGE_MODELS; m++) {
        stage_must(producer_topic(s->producer, request_topics[m], &s->requests[m]),
                   &fault);
    }
    stage_must(producer_topic(s->producer, "leat.control", &s->control), &fault);
    const struct consumer_config consumer = {.name = "stage"};
    const struct consumer_events events = {.record = on_record};
    stage_must(
        consumer_create(&s->consumer, s->loop, &s->bus, &consumer, &events, s, &fault),
        &fault);
    struct partition parts[16];
    size_t count = 0;
    for (size_t t = 0; t < sizeof reading / sizeof *reading; t++) {
        for (int32_t p = 0; p < REPLY_PARTITIONS; p++) {
            parts[count++] = (struct partition){
                .topic = reading[t], .partition = p, .offset = OFFSET_BEGINNING};
        }
    }
    parts[count++] = (struct partition){
        .topic = "leat.models", .partition = 0, .offset = OFFSET_BEGINNING};
    stage_must(consumer_assign(s->consumer, parts, count), &fault);
}

struct batcher_stage *
batcher_stage_open(const char *properties)
{
    return batcher_stage_open_two(properties, NULL);
}

struct batcher_stage *
batcher_stage_open_two(const char *properties, const char *second)
{
    struct fault fault = {.text = ""};
    struct batcher_stage *s = calloc(1, sizeof *s);
    cr_assert_not_null(s);
    stage_must(dev_broker_create(&s->broker, &fault), &fault);
    for (size_t m = 0; m < STAGE_MODELS; m++) {
        stage_must(
            dev_broker_create_topic(s->broker, request_topics[m], REQUEST_PARTITIONS),
            &fault);
    }
    stage_must(dev_broker_create_topic(s->broker, "leat.models", 1), &fault);
    stage_must(dev_broker_create_topic(s->broker, "leat.control", 1), &fault);
    for (size_t t = 0; t < sizeof reading / sizeof *reading; t++) {
        stage_must(dev_broker_create_topic(s->broker, reading[t], REPLY_PARTITIONS),
                   &fault);
    }
    stage_must(loop_create(&s->loop), &fault);
    uuid_source_init(&s->ids);
    s->bus = (struct bus_config){.bootstrap_servers = dev_broker_bootstrap(s->broker),
                                 .topics_prefix = "leat.",
                                 .client_id = "leat-flow",
                                 .dev = true};
    stage_models_open(&s->models);
    stage_models_add(&s->models, names[0], properties, STAGE_ROW);
    if (second != NULL) {
        stage_models_add(&s->models, names[1], second, STAGE_ROW);
    }
    s->config =
        (struct batcher_config){.models = s->models.folder,
                                .models_load = "*",
                                .models_swap = "beside",
                                .runner_command = LEAT_BINARY_DIR "/leat-runner",
                                .reply_allow = "else*",
                                .dead_letter_headers = "connect",
                                .queue_requests_max = 1024,
                                .queue_bytes_max = 1 << 24,
                                .run_timeout_ns = NS_PER_S,
                                .slot_bytes = 1 << 20,
                                .commit_interval_ns = 50 * NS_PER_MS,
                                .rebalance_timeout_ns = 5 * NS_PER_S,
                                .drain_timeout_ns = 10 * NS_PER_S};
    open_client(s);
    batcher_stage_start(s);
    return s;
}

void
batcher_stage_start(struct batcher_stage *s)
{
    struct fault fault = {.text = ""};
    stage_must(batcher_create(&s->batcher, s->loop, &s->bus, &s->config, &fault),
               &fault);
}

int
batcher_stage_stop(struct batcher_stage *s)
{
    batcher_drain(s->batcher);
    loop_run(s->loop);
    int status = batcher_exit_status(s->batcher);
    batcher_destroy(&s->batcher);
    return status;
}

void
batcher_stage_close(struct batcher_stage *s)
{
    batcher_destroy(&s->batcher);
    consumer_destroy(&s->consumer);
    producer_destroy(&s->producer);
    loop_destroy(&s->loop);
    dev_broker_destroy(&s->broker);
    stage_models_close(&s->models);
    free(s);
}

void
batcher_stage_reply_to(struct batcher_stage *s, const char *topic, int32_t partition)
{
    s->reply_to = topic;
    s->reply_partition = partition;
}

void
batcher_stage_route(struct batcher_stage *s, const char *step)
{
    s->step = step == NULL ? span_of(NULL, 0) : span_of_text(step);
}

void
batcher_stage_deadline(struct batcher_stage *s, int64_t deadline_ms)
{
    s->deadline_ms = deadline_ms;
}

void
batcher_stage_priority(struct batcher_stage *s, int32_t priority)
{
    s->priority = priority;
}

void
batcher_stage_model(struct batcher_stage *s, unsigned model)
{
    s->model = model;
}

void
batcher_stage_dialect(struct batcher_stage *s, const char *dialect)
{
    s->config.dead_letter_headers = dialect;
}

void
batcher_stage_tenant(struct batcher_stage *s, const char *tenant)
{
    s->tenant = tenant;
}

void
batcher_stage_send_value(struct batcher_stage *s,
                         struct producer_topic *topic,
                         struct span key,
                         struct buf *b,
                         const struct record_header *headers,
                         size_t header_count)
{
    size_t size;
    uint8_t *value = buf_take(b, &size);
    const struct outgoing out = {.topic = topic,
                                 .partition = PARTITION_BY_KEY,
                                 .key = key,
                                 .value = span_of(value, size),
                                 .headers = headers,
                                 .header_count = header_count,
                                 .arg = value};
    cr_assert_eq(producer_send(s->producer, &out), STATUS_OK);
}

static void
describe(const struct batcher_stage *s,
         const struct stage_result *result,
         const struct tensor *x,
         struct request *q)
{
    *q = (struct request){.id = result->id,
                          .model = span_of_text(names[s->model]),
                          .model_version =
                              span_of_text(s->version == NULL ? "" : s->version),
                          .inputs = x,
                          .input_count = 1,
                          .route = &s->step,
                          .route_count = s->step.size > 0 ? 1 : 0,
                          .deadline_ms = s->deadline_ms,
                          .priority = s->priority,
                          .tenant = span_of_text(s->tenant == NULL ? "" : s->tenant),
                          .submitted_us = clock_wall_us()};
    if (s->reply_to != NULL) {
        q->reply_to.topic = span_of_text(s->reply_to);
        q->reply_to.partition = s->reply_partition;
    }
}

struct stage_result *
batcher_stage_send(struct batcher_stage *s, struct span prefix)
{
    cr_assert_lt(s->sent, STAGE_ANSWERS_MAX);
    struct stage_result *result = &s->results[s->sent++];
    uint32_t number = (uint32_t)s->sent;
    memset(result->row, 0, sizeof result->row);
    if (prefix.size > 0) {
        memcpy(result->row, prefix.data, prefix.size);
    }
    memcpy(result->row + STAGE_ROW - sizeof number, &number, sizeof number);
    result->id = uuid_mint(&s->ids, clock_wall_us());
    const struct tensor x = {.name = span_of_text("x"),
                             .datatype = DATATYPE_UINT8,
                             .rank = 2,
                             .shape = {1, STAGE_ROW},
                             .data = span_of(result->row, STAGE_ROW)};
    struct request q;
    describe(s, result, &x, &q);
    struct buf b;
    char key[UUID_TEXT];
    buf_init(&b, 1 << 16);
    request_encode(&q, &b);
    cr_assert_eq(b.status, STATUS_OK);
    uuid_format(&result->id, key);
    batcher_stage_send_value(s, s->requests[s->model], span_of(key, UUID_TEXT), &b,
                             NULL, 0);
    return result;
}

void
batcher_stage_send_bytes(struct batcher_stage *s, struct span bytes)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    buf_append(&b, bytes.data, bytes.size);
    const struct record_header headers[] = {
        {.name = "original", .value = span_of_text("kept")},
        {.name = "empty", .value = span_of_text("")}};
    batcher_stage_send_value(s, s->requests[s->model],
                             span_of_text("00000000-0000-0000-0000-000000000000"), &b,
                             headers, 2);
}

void
batcher_stage_turn(struct batcher_stage *s, int64_t time_ns)
{
    int64_t end_ns = clock_mono_ns() + time_ns;
    while (clock_mono_ns() < end_ns) {
        loop_turn(s->loop, end_ns - clock_mono_ns());
    }
}

void
batcher_stage_wait_answers(struct batcher_stage *s, size_t count)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (s->answers < count) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%zu of %zu answers", s->answers, count);
        loop_turn(s->loop, 10 * NS_PER_MS);
    }
}

void
batcher_stage_wait(struct batcher_stage *s)
{
    batcher_stage_wait_answers(s, s->sent);
}

void
batcher_stage_wait_batches(struct batcher_stage *s, uint64_t count)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    uint64_t end = s->batches + count;
    s->batches = atomic_load(&batcher_metrics[METRIC_BATCH_ROWS].count);
    while (s->batches < end) {
        cr_assert_lt(clock_mono_ns(), end_ns, "no batch");
        loop_turn(s->loop, NS_PER_MS);
        s->batches = atomic_load(&batcher_metrics[METRIC_BATCH_ROWS].count);
    }
}

size_t
batcher_stage_answers(const struct batcher_stage *s)
{
    return s->answers;
}

const struct stage_letter *
batcher_stage_letter(struct batcher_stage *s, size_t index)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (s->letter_count <= index) {
        cr_assert_lt(clock_mono_ns(), end_ns, "no dead letter");
        loop_turn(s->loop, 10 * NS_PER_MS);
    }
    return &s->letters[index];
}

size_t
batcher_stage_letters(const struct batcher_stage *s)
{
    return s->letter_count;
}

void
batcher_stage_kill_runner(struct batcher_stage *s)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    pid_t pid = stage_runner_pid();
    while (pid <= 0) {
        cr_assert_lt(clock_mono_ns(), end_ns, "no runner");
        loop_turn(s->loop, NS_PER_MS);
        pid = stage_runner_pid();
    }
    kill(pid, SIGKILL);
}
