/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a real Kafka can prove about transactions: transactor_on_kafka BOOTSTRAP.
 * Records and offsets come together or not at all, offsets of partitions that are
 * another's abort, a twin is fenced, and who cannot have a twin survives a timeout.
 */
#include "base/clock.h"
#include "base/loop.h"
#include "bus/admin.h"
#include "bus/consumer.h"
#include "bus/producer.h"
#include "bus/transactor.h"

#include <stdio.h>
#include <stdlib.h>

#define TOPIC       "transactor.check"
#define GROUP       "transactor.group"
#define PATIENCE_NS (60 * NS_PER_S)
#define TURN_NS     (5 * NS_PER_MS)
#define TIMEOUT_NS  NS_PER_S

#define REQUIRE(condition) require(condition, #condition, __LINE__)

struct writer {
    struct producer *producer;
    struct producer_topic *topic;
    struct transactor *transactor;
    size_t opened;
    size_t ended;
    size_t failed;
    size_t stored;
    size_t lost;
    enum status last;
};

struct reader {
    struct consumer *consumer;
    size_t seen;
    size_t assignments;
};

static struct loop *loop;
static struct bus_config bus = {.topics_prefix = "", .client_id = "transactor-check"};

static void
require(bool holds, const char *what, int line)
{
    if (!holds) {
        fprintf(stderr, "transactor_on_kafka: line %d: %s does not hold\n", line, what);
        exit(1);
    }
}

static void
until(const size_t *value, size_t wanted)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (*value < wanted && clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
    }
    REQUIRE(*value == wanted);
}

static void
on_report(void *context, void *arg, const struct delivery *d)
{
    (void)arg;
    struct writer *w = context;
    w->stored += d->status == STATUS_OK;
    w->lost += d->status != STATUS_OK;
}

static void
on_opened(void *arg)
{
    struct writer *w = arg;
    w->opened++;
}

static void
on_ended(void *arg, enum status status, const char *reason)
{
    struct writer *w = arg;
    w->ended++;
    w->last = status;
    printf("  ended: %s %s\n", status_name(status), reason);
}

static void
on_failed(void *arg, enum status status, const char *reason)
{
    struct writer *w = arg;
    w->failed++;
    w->last = status;
    printf("  failed: %s %s\n", status_name(status), reason);
}

static void
writer_open(struct writer *w, const char *id, bool id_is_ours)
{
    static const struct transactor_events events = {on_opened, on_ended, on_failed};
    const struct producer_config producer = {.name = id,
                                             .delivery_timeout_ns = TIMEOUT_NS,
                                             .transactional_id = id,
                                             .transaction_timeout_ns = TIMEOUT_NS};
    const struct transactor_config config = {.timeout_ns = TIMEOUT_NS,
                                             .id_is_ours = id_is_ours};
    struct fault fault = {0};
    *w = (struct writer){0};
    REQUIRE(producer_create(&w->producer, loop, &bus, &producer, on_report, w,
                            &fault) == STATUS_OK);
    REQUIRE(producer_topic(w->producer, TOPIC, &w->topic) == STATUS_OK);
    REQUIRE(transactor_create(&w->transactor, loop, w->producer, &config, &events, w) ==
            STATUS_OK);
    until(&w->opened, 1);
    REQUIRE(transactor_is_open(w->transactor));
}

static void
writer_close(struct writer *w)
{
    transactor_destroy(&w->transactor);
    producer_destroy(&w->producer);
}

static void
writer_send(struct writer *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct outgoing out = {
            .topic = w->topic, .partition = 0, .value = span_of_text("x")};
        REQUIRE(producer_send(w->producer, &out) == STATUS_OK);
    }
}

static enum status
writer_end(struct writer *w, void (*end)(struct transactor *))
{
    size_t before = w->ended + w->failed;
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    end(w->transactor);
    REQUIRE(!transactor_is_open(w->transactor));
    while (w->ended + w->failed == before && clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
    }
    REQUIRE(w->ended + w->failed == before + 1);
    return w->last;
}

static void
on_record(void *arg, struct record *r)
{
    struct reader *reader = arg;
    reader->seen++;
    record_release(&r);
}

static void
on_assigned(void *arg, struct partition *parts, size_t count)
{
    (void)parts;
    struct reader *reader = arg;
    reader->assignments += count > 0;
}

static void
reader_open(struct reader *r)
{
    static const struct consumer_events events = {.record = on_record,
                                                  .assigned = on_assigned};
    const struct consumer_config config = {
        .name = "reader", .group = GROUP, .topics = {TOPIC}};
    struct fault fault = {0};
    *r = (struct reader){0};
    REQUIRE(consumer_create(&r->consumer, loop, &bus, &config, &events, r, &fault) ==
            STATUS_OK);
    until(&r->assignments, 1);
}

static int64_t
committed(void)
{
    struct admin *admin = NULL;
    struct fault fault = {0};
    int64_t at = -9;
    int64_t end = -9;
    REQUIRE(admin_create(&admin, &bus, &fault) == STATUS_OK);
    REQUIRE(admin_lag(admin, GROUP, TOPIC, 0, PATIENCE_NS, &at, &end) == STATUS_OK);
    admin_destroy(&admin);
    return at;
}

static void
create_topic(void)
{
    const struct topic_spec spec = {.name = TOPIC, .partitions = 1, .replication = -1};
    struct admin *admin = NULL;
    struct fault fault = {0};
    REQUIRE(admin_create(&admin, &bus, &fault) == STATUS_OK);
    REQUIRE(admin_create_topic(admin, &spec, PATIENCE_NS, &fault) == STATUS_OK);
    admin_destroy(&admin);
}

static void
check_together(struct writer *w, struct reader *r)
{
    const struct partition at = {TOPIC, 0, 7};
    writer_send(w, 10);
    REQUIRE(transactor_offsets(w->transactor, r->consumer, &at, 1) == STATUS_OK);
    REQUIRE(writer_end(w, transactor_commit) == STATUS_OK);
    REQUIRE(w->stored == 10);
    until(&r->seen, 10);
    REQUIRE(committed() == 7);

    const struct partition later = {TOPIC, 0, 9};
    writer_send(w, 5);
    REQUIRE(transactor_offsets(w->transactor, r->consumer, &later, 1) == STATUS_OK);
    REQUIRE(writer_end(w, transactor_abort) == STATUS_UNAVAILABLE);
    REQUIRE(writer_end(w, transactor_commit) == STATUS_OK); /* an empty one */
    writer_send(w, 1);
    REQUIRE(writer_end(w, transactor_commit) == STATUS_OK);
    until(&r->seen, 11); /* what was aborted lies before it and does not come */
    REQUIRE(committed() == 7);
    printf("records and offsets came together, or not at all\n");
}

static void
check_refused(struct writer *w, struct reader *r)
{
    const struct partition at = {TOPIC, 0, 11};
    writer_send(w, 3);
    REQUIRE(transactor_offsets(w->transactor, r->consumer, &at, 1) == STATUS_OK);
    consumer_destroy(&r->consumer);
    reader_open(r); /* another member in another generation */
    REQUIRE(writer_end(w, transactor_commit) == STATUS_UNAVAILABLE);
    writer_send(w, 1);
    REQUIRE(transactor_offsets(w->transactor, r->consumer, &at, 1) == STATUS_OK);
    REQUIRE(writer_end(w, transactor_commit) == STATUS_OK);
    REQUIRE(committed() == 11);
    printf("offsets of who had left were refused, and the records with them\n");
}

static void
check_twin(void)
{
    struct writer older;
    struct writer newer;
    writer_open(&older, "twin", false);
    writer_send(&older, 3);
    until(&older.stored, 3);
    writer_open(&newer, "twin", false);
    REQUIRE(writer_end(&older, transactor_commit) == STATUS_FENCED);
    REQUIRE(older.failed == 1);
    writer_send(&newer, 1);
    REQUIRE(writer_end(&newer, transactor_commit) == STATUS_OK);
    writer_close(&older);
    writer_close(&newer);
    printf("the older twin was fenced\n");
}

static void
check_timeout(struct writer *w)
{
    size_t before = w->stored;
    writer_send(w, 2);
    until(&w->stored, before + 2);
    int64_t end_ns = clock_mono_ns() + 6 * TIMEOUT_NS; /* the coordinator's own check */
    while (clock_mono_ns() < end_ns) {
        loop_turn(loop, TURN_NS);
    }
    REQUIRE(writer_end(w, transactor_commit) == STATUS_UNAVAILABLE);
    REQUIRE(w->failed == 0);
    writer_send(w, 1);
    REQUIRE(writer_end(w, transactor_commit) == STATUS_OK);
    printf("a transaction that timed out was aborted, and the next one went well\n");
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: transactor_on_kafka BOOTSTRAP\n");
        return 2;
    }
    bus.bootstrap_servers = argv[1];
    REQUIRE(loop_create(&loop) == STATUS_OK);
    create_topic();
    struct writer w;
    struct reader r;
    writer_open(&w, "only", true);
    reader_open(&r);
    check_together(&w, &r);
    check_refused(&w, &r);
    check_timeout(&w);
    check_twin();
    writer_send(&w, 1);
    writer_close(&w); /* aborts: a reader does not have to wait */
    consumer_destroy(&r.consumer);
    loop_destroy(&loop);
    return 0;
}
