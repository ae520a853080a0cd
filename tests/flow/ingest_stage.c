/* SPDX-License-Identifier: Apache-2.0 */
/* The stage: see the header. Criterion runs each test in a process of its own, so one
 * stage lives at a time.
 */
#include "tests/flow/ingest_stage.h"

#include "base/arena.h"
#include "base/clock.h"
#include "bus/consumer.h"
#include "bus/dev_broker.h"
#include "bus/producer.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <ftw.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELD_MAX = 4096, PARTITIONS = 4, PATIENCE_S = 20 };

/** What is to be announced as running on the next turn. */
enum saying { SAY_NOTHING, SAY_HELD, SAY_NONE };

struct ingest_stage {
    struct dev_broker *broker;
    struct bus_config bus;
    struct loop *loop;
    struct ingest *ingest;
    struct consumer *consumer;
    struct producer *producer;
    struct producer_topic *replies;
    struct producer_topic *models;
    pthread_t thread;
    sem_t is_ready;
    bool announced;
    bool models_delivered;
    atomic_int play;
    atomic_int requests;
    atomic_int orders;
    atomic_llong timeout_ms;
    atomic_bool drains;
    atomic_int say_running; /* enum saying */
    sem_t request_came;
    struct record *held[HELD_MAX];
    size_t held_count;
    const char *orders_tenant;
    char address[64];
    char store[64];
};

static void
on_delivery(void *context, void *arg, const struct delivery *d)
{
    struct ingest_stage *stage = context;
    /* The end of the stage may overtake an answer that nobody waits for any more. */
    cr_assert(d->status == STATUS_OK || d->status == STATUS_CLOSED, "%s", d->reason);
    struct buf *b = arg;
    buf_fini(b);
    free(b);
    stage->models_delivered = true;
}

static void
give(struct ingest_stage *stage,
     struct producer_topic *topic,
     struct span key,
     struct buf *b)
{
    struct outgoing out = {.topic = topic,
                           .partition = PARTITION_BY_KEY,
                           .key = key,
                           .value = buf_span(b),
                           .arg = b};
    cr_assert_eq(producer_send(stage->producer, &out), STATUS_OK);
}

static struct buf *
new_buf(void)
{
    struct buf *b = malloc(sizeof(*b));
    buf_init(b, 1 << 20);
    return b;
}

static void
reply_to(struct ingest_stage *stage, const struct record *r, enum play play)
{
    static const enum reply_status statuses[] = {[PLAY_ANSWER] = REPLY_SUCCEEDED,
                                                 [PLAY_FAIL] = REPLY_FAILED,
                                                 [PLAY_EXPIRE] = REPLY_EXPIRED,
                                                 [PLAY_CANCEL] = REPLY_CANCELED};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct request request;
    struct fault fault = {.text = ""};
    cr_assert_eq(request_decode(r->value, &arena, &request, &fault), STATUS_OK, "%s",
                 fault.text);
    atomic_store(&stage->timeout_ms,
                 request.deadline_ms == 0
                     ? 0
                     : request.deadline_ms - request.submitted_us / 1000);
    struct tensor y = request.inputs[0];
    y.name = span_of_text("y");
    struct reply reply = {
        .id = request.id,
        .model = request.model,
        .model_version = span_of_text("1"),
        .status = statuses[play],
        .timing.submitted_us = request.submitted_us,
        .batch_size = 1,
        .tenant = request.tenant,
        .batch_id = request.batch_id,
    };
    if (play == PLAY_ANSWER) {
        reply.outputs = &y;
        reply.output_count = 1;
    } else if (play == PLAY_FAIL) {
        reply.error.code = span_of_text("model_failed");
        reply.error.message = span_of_text("x is cursed");
        reply.error.stage = span_of_text("run");
    }
    struct buf *b = new_buf();
    reply_encode(&reply, b);
    give(stage, stage->replies, r->key, b);
    arena_fini(&arena);
}

/** As a batcher that holds the request and has not begun to run it. */
static void
obey(struct ingest_stage *stage, struct record *order)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct control c;
    struct fault fault = {.text = ""};
    char key[UUID_TEXT];
    cr_assert_eq(control_decode(order->value, &arena, &c, &fault), STATUS_OK, "%s",
                 fault.text);
    cr_assert_eq(c.type, CONTROL_CANCEL);
    cr_assert(span_is_text(c.tenant, stage->orders_tenant));
    uuid_format(&c.id, key);
    for (size_t i = 0; i < stage->held_count; i++) {
        if (span_equal(stage->held[i]->key, span_of(key, sizeof(key)))) {
            reply_to(stage, stage->held[i], PLAY_CANCEL);
            record_release(&stage->held[i]);
            stage->held[i] = stage->held[--stage->held_count];
            break;
        }
    }
    atomic_fetch_add(&stage->orders, 1);
    sem_post(&stage->request_came);
    arena_fini(&arena);
    record_release(&order);
}

static void
on_record(void *arg, struct record *r)
{
    struct ingest_stage *stage = arg;
    if (strcmp(r->topic, "leat.control") == 0) {
        obey(stage, r);
        return;
    }
    enum play play = (enum play)atomic_load(&stage->play);
    if (play == PLAY_HOLD) {
        cr_assert_lt(stage->held_count, HELD_MAX);
        stage->held[stage->held_count++] = r;
    } else {
        reply_to(stage, r, play);
        record_release(&r);
    }
    atomic_fetch_add(&stage->requests, 1);
    sem_post(&stage->request_came);
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        parts[i].offset = OFFSET_BEGINNING;
    }
}

static void
announce_running(struct ingest_stage *stage, bool held)
{
    struct uuid ids[HELD_MAX];
    for (size_t i = 0; i < stage->held_count; i++) {
        cr_assert_eq(uuid_parse(stage->held[i]->key, &ids[i]), STATUS_OK);
    }
    const struct running running = {.model = span_of_text("echo"),
                                    .instance = span_of_text("stage"),
                                    .published_us = clock_wall_us(),
                                    .ids = ids,
                                    .id_count = stage->held_count};
    struct buf *b = new_buf();
    if (held) {
        running_encode(&running, b);
    }
    give(stage, stage->models, span_of_text("running:echo@stage"), b);
}

static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct ingest_stage *stage = arg;
    enum saying saying = (enum saying)atomic_exchange(&stage->say_running, SAY_NOTHING);
    if (saying != SAY_NOTHING) {
        announce_running(stage, saying == SAY_HELD);
    }
    const char *waiting_for = NULL;
    if (!stage->announced && ingest_ready(stage->ingest, &waiting_for)) {
        stage->announced = true;
        sem_post(&stage->is_ready);
    }
    enum play play = (enum play)atomic_load(&stage->play);
    for (size_t i = 0; play != PLAY_HOLD && i < stage->held_count; i++) {
        reply_to(stage, stage->held[i], play);
        record_release(&stage->held[i]);
    }
    stage->held_count = play == PLAY_HOLD ? stage->held_count : 0;
    if (atomic_load(&stage->drains)) {
        ingest_drain(stage->ingest);
    }
    return now_ns + 10 * NS_PER_MS;
}

static void
publish_model(struct ingest_stage *stage)
{
    const struct tensor_spec x = {.name = span_of_text("x"),
                                  .datatype = DATATYPE_FP32,
                                  .rank = 2,
                                  .shape = {-1, 2}};
    struct tensor_spec y = x;
    y.name = span_of_text("y");
    const struct span labels[] = {span_of_text("stable"), span_of_text("blue")};
    const struct model_info info = {
        .model = span_of_text("echo"),
        .version = span_of_text("1"),
        .instance = span_of_text("stage"),
        .state = MODEL_READY,
        .platform = span_of_text("sim"),
        .inputs = &x,
        .input_count = 1,
        .outputs = &y,
        .output_count = 1,
        .max_batch_size = 4,
        .replicas = 1,
        .published_us = clock_wall_us(),
        .labels = labels,
        .label_count = 2,
    };
    struct buf *b = new_buf();
    model_info_encode(&info, b);
    give(stage, stage->models, span_of_text("echo/1@stage"), b);
    while (!stage->models_delivered) {
        loop_turn(stage->loop, 10 * NS_PER_MS);
    }
}

static void
open_batcher(struct ingest_stage *stage)
{
    static const struct consumer_events events = {.record = on_record,
                                                  .assigned = on_assigned};
    const struct producer_config producer = {.name = "stage",
                                             .delivery_timeout_ns = 60 * NS_PER_S};
    const struct consumer_config consumer = {
        .name = "stage",
        .group = "stage",
        .topics = {"leat.requests.echo", "leat.control"},
        .all_partitions = true};
    struct fault fault = {.text = ""};
    cr_assert_eq(producer_create(&stage->producer, stage->loop, &stage->bus, &producer,
                                 on_delivery, stage, &fault),
                 STATUS_OK, "%s", fault.text);
    cr_assert_eq(producer_topic(stage->producer, "leat.replies", &stage->replies),
                 STATUS_OK);
    cr_assert_eq(producer_topic(stage->producer, "leat.models", &stage->models),
                 STATUS_OK);
    cr_assert_eq(consumer_create(&stage->consumer, stage->loop, &stage->bus, &consumer,
                                 &events, stage, &fault),
                 STATUS_OK, "%s", fault.text);
}

static int64_t
or_else(int64_t value, int64_t fallback)
{
    return value != 0 ? value : fallback;
}

static void
open_ingest(struct ingest_stage *stage, const struct stage_options *o)
{
    const struct ingest_config config = {
        .http_listen = "127.0.0.1:0",
        .body_bytes_max = or_else(o->body_bytes_max, 64 * 1024),
        .connections_max = 1000,
        .head_timeout_ns = 10 * NS_PER_S,
        .body_timeout_ns = 10 * NS_PER_S,
        .idle_timeout_ns = 10 * NS_PER_S,
        .write_timeout_ns = 10 * NS_PER_S,
        .infer_timeout_ns = or_else(o->infer_timeout_ns, 5 * NS_PER_S),
        .inflight_bytes_max = or_else(o->inflight_bytes_max, 1 << 20),
        .inflight_max = or_else(o->inflight_max, 1000),
        .accept_timeout_ns = 900 * NS_PER_MS,
        .keys_file = o->keys_file,
        .drain_timeout_ns = or_else(o->drain_timeout_ns, 5 * NS_PER_S),
        .cancel_on_disconnect = o->cancel_on_disconnect,
        .bulk_lines_max = 1000000,
    };
    const struct results_config results = {
        .store = stage->store,
        .ttl_ns = 3600 * NS_PER_S,
        .store_bytes_max = 64 << 20,
        .waits_max = 10000,
        .webhook_timeout_ns = NS_PER_S,
        .webhook_attempts_max = 3,
        .webhooks_max = 100,
    };
    struct fault fault = {.text = ""};
    cr_assert_eq(ingest_create(&stage->ingest, stage->loop, &stage->bus, &config,
                               &results, &fault),
                 STATUS_OK, "%s", fault.text);
    snprintf(stage->address, sizeof(stage->address), "%s",
             ingest_address(stage->ingest));
}

static void *
run(void *arg)
{
    struct ingest_stage *stage = arg;
    loop_run(stage->loop);
    return NULL;
}

static void
await(sem_t *semaphore)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    cr_assert_eq(sem_timedwait(semaphore, &until), 0, "waited too long");
}

static void
open_broker(struct ingest_stage *stage)
{
    static const char *const topics[] = {"leat.requests.echo", "leat.replies",
                                         "leat.webhooks",      "leat.models",
                                         "leat.control",       "leat.dead-letters"};
    struct fault fault = {.text = ""};
    cr_assert_eq(dev_broker_create(&stage->broker, &fault), STATUS_OK, "%s",
                 fault.text);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        int32_t partitions = i == 3 || i == 4 ? 1 : PARTITIONS;
        cr_assert_eq(dev_broker_create_topic(stage->broker, topics[i], partitions),
                     STATUS_OK);
    }
    stage->bus = (struct bus_config){
        .bootstrap_servers = dev_broker_bootstrap(stage->broker),
        .topics_prefix = "leat.",
        .client_id = "stage",
        .dev = true,
    };
}

struct ingest_stage *
stage_open(const struct stage_options *options)
{
    struct ingest_stage *stage = calloc(1, sizeof(*stage));
    sem_init(&stage->is_ready, 0, 0);
    sem_init(&stage->request_came, 0, 0);
    snprintf(stage->store, sizeof(stage->store), "/tmp/leat-flow-XXXXXX");
    cr_assert_not_null(mkdtemp(stage->store));
    stage->orders_tenant =
        options->orders_tenant == NULL ? "default" : options->orders_tenant;
    open_broker(stage);
    cr_assert_eq(loop_create(&stage->loop), STATUS_OK);
    open_batcher(stage);
    publish_model(stage);
    open_ingest(stage, options);
    cr_assert_eq(loop_each_turn(stage->loop, on_turn, stage), STATUS_OK);
    cr_assert_eq(pthread_create(&stage->thread, NULL, run, stage), 0);
    await(&stage->is_ready);
    return stage;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void
stage_drain(struct ingest_stage *stage)
{
    atomic_store(&stage->drains, true);
    loop_wake(stage->loop);
}

void
stage_close(struct ingest_stage *stage)
{
    stage_drain(stage);
    pthread_join(stage->thread, NULL);
    loop_no_turn(stage->loop, on_turn, stage);
    ingest_destroy(&stage->ingest);
    for (size_t i = 0; i < stage->held_count; i++) {
        record_release(&stage->held[i]);
    }
    consumer_destroy(&stage->consumer);
    producer_destroy(&stage->producer);
    loop_destroy(&stage->loop);
    dev_broker_destroy(&stage->broker);
    nftw(stage->store, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    sem_destroy(&stage->is_ready);
    sem_destroy(&stage->request_came);
    free(stage);
}

void
stage_play(struct ingest_stage *stage, enum play play)
{
    atomic_store(&stage->play, (int)play);
    loop_wake(stage->loop);
}

void
stage_say_running(struct ingest_stage *stage, bool held)
{
    atomic_store(&stage->say_running, held ? SAY_HELD : SAY_NONE);
    loop_wake(stage->loop);
}

void
stage_broker(struct ingest_stage *stage, bool up)
{
    if (up) {
        dev_broker_up(stage->broker);
    } else {
        dev_broker_down(stage->broker);
    }
}

int
stage_orders(const struct ingest_stage *stage)
{
    return atomic_load(&stage->orders);
}

int64_t
stage_timeout_ms(const struct ingest_stage *stage)
{
    return atomic_load(&stage->timeout_ms);
}

void
stage_await_requests(struct ingest_stage *stage, int count)
{
    while (atomic_load(&stage->requests) < count) {
        await(&stage->request_came);
    }
}

void
stage_await_orders(struct ingest_stage *stage, int count)
{
    while (atomic_load(&stage->orders) < count) {
        await(&stage->request_came);
    }
}

const char *
stage_address(const struct ingest_stage *stage)
{
    return stage->address;
}
