/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything happens in reading_serve(), which the bell calls from the loop's dispatch:
 * records, rebalances, errors, ends of partitions; so whoever has something to do once
 * a turn finds what came in. librdkafka rings only when its queue was empty: what a
 * budget leaves over, and every half second, is rung for here.
 */
#include "bus/reading.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/client.h"
#include "bus/offsets.h"

#include <stdbool.h>

enum {
    BUDGET_RECORDS = 512,
    CLOCK_EACH = 16, /* records between two looks at the clock */
};

#define BUDGET_NS     (2 * NS_PER_MS)
#define POLL_LEAST_NS (500 * NS_PER_MS)
#define REPEAT_NS     (100 * NS_PER_MS) /* between two repeats of an assignment */
#define START_WAIT_NS (2 * NS_PER_S)
#define ASK_AGAIN_NS  NS_PER_S

static void
reading_trouble(struct consumer *c, enum status status, const char *reason)
{
    log_warn("kafka_trouble", log_text("consumer", c->name), log_status(status),
             log_text("reason", reason));
    if (c->events.trouble != NULL) {
        c->events.trouble(c->arg, status, reason);
    }
}

static void
reading_gain(struct consumer *c, rd_kafka_topic_partition_list_t *list)
{
    c->repeat = false;
    c->doubt.state = DOUBT_NONE;
    enum status status = assignment_gain(&c->assignment, list);
    if (status != STATUS_OK) {
        reading_trouble(c, status, "an assignment cannot be read");
    }
}

void
reading_begin_again(struct consumer *c)
{
    const struct positions *p = &c->assignment.positions;
    if (p->count == 0 || c->assignment.leaving) {
        return;
    }
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)p->count);
    for (size_t i = 0; i < p->count; i++) {
        rd_kafka_topic_partition_list_add(list, p->items[i].topic,
                                          p->items[i].partition);
    }
    reading_gain(c, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void
reading_rebalanced(rd_kafka_t *rk,
                   rd_kafka_resp_err_t error,
                   rd_kafka_topic_partition_list_t *list,
                   void *opaque)
{
    struct consumer *c = opaque;
    if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        reading_gain(c, list);
        return;
    }
    assignment_lose(&c->assignment, rd_kafka_assignment_lost(rk) != 0);
    if (c->closing) {
        consumer_revoke_end(c);
    }
    if (error != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        reading_trouble(c, client_status(error), rd_kafka_err2str(error));
    }
}

static void
reading_committed(rd_kafka_t *rk,
                  rd_kafka_resp_err_t error,
                  rd_kafka_topic_partition_list_t *list,
                  void *opaque)
{
    (void)rk;
    (void)list;
    const struct consumer *c = opaque;
    /* _NO_OFFSET: there was nothing to commit. */
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET) {
        return;
    }
    log_warn("kafka_commit_failed", log_text("consumer", c->name),
             log_text("reason", rd_kafka_err2str(error)));
    if (c->events.commit_failed != NULL) {
        c->events.commit_failed(c->arg);
    }
}

/*
 * A topic is not there, or a partition; librdkafka does not say which. One that is made
 * anew may soon have as many records as the old one had, so an offset proves nothing:
 * Kafka deletes what a group committed together with the topic, so that is asked for
 * again as soon as the topic is there. If it still is, then so was the topic; otherwise
 * reading_restart() is next. What comes before that is dropped.
 */
static void
reading_doubt(struct consumer *c)
{
    for (size_t i = 0; i < c->assignment.positions.count; i++) {
        struct position *at = &c->assignment.positions.items[i];
        if (at->next >= 0) {
            at->gone = at->next;
            at->next = OFFSET_COMMITTED;
            c->repeat = true;
            doubt_raise(&c->doubt);
        }
    }
}

/* Nothing will come any more; librdkafka gives the partitions up without a word. */
static void
reading_end(struct consumer *c)
{
    char reason[200] = "";
    rd_kafka_resp_err_t error = rd_kafka_fatal_error(c->rk, reason, sizeof(reason));
    assignment_lose(&c->assignment, true);
    reading_trouble(c, client_status(error), reason);
}

/* librdkafka has logged it already, and goes on trying unless it is fatal. */
static void
reading_failed(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    (void)rk;
    struct consumer *c = opaque;
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        reading_end(c);
        return;
    }
    enum status status = client_status((rd_kafka_resp_err_t)error);
    if (status == STATUS_NOT_FOUND) {
        reading_doubt(c);
    }
    if (c->events.trouble != NULL) {
        c->events.trouble(c->arg, status, reason);
    }
}

static void
reading_reached(struct consumer *c, struct position *at)
{
    if (positions_reach_end(&c->assignment.positions, at) &&
        c->events.reached_end != NULL) {
        c->events.reached_end(c->arg, at->topic, at->partition);
    }
}

/*
 * librdkafka tells of an end only when a fetch came back empty, which under steady
 * traffic never happens; so a position is also compared with the end last heard of.
 * Until a record came that end may be the one of an earlier assignment, long past.
 */
static void
reading_compare_ends(struct consumer *c)
{
    if (c->events.reached_end == NULL || c->assignment.positions.behind == 0) {
        return;
    }
    for (size_t i = 0; i < c->assignment.positions.count; i++) {
        struct position *at = &c->assignment.positions.items[i];
        int64_t low = 0;
        int64_t high = 0;
        if (at->caught_up || !at->heard ||
            rd_kafka_get_watermark_offsets(c->rk, at->topic, at->partition, &low,
                                           &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            continue;
        }
        if (high >= 0 && at->next >= high) {
            reading_reached(c, at);
        }
    }
}

/*
 * auto.offset.reset is `error`, so that nothing is skipped without a word: with
 * `earliest` nobody would hear of records that are gone, or that their offsets now mean
 * others.
 */
static void
reading_restart(struct consumer *c, const rd_kafka_message_t *m, struct position *at)
{
    bool again = at->next == OFFSET_BEGINNING;
    int64_t expected = m->offset >= 0 ? m->offset : at->next;
    positions_restart(&c->assignment.positions, at, expected);
    c->repeat = true;
    if (at->gone < 0 || again) {
        return;
    }
    log_warn("offset_gone", log_text("consumer", c->name), log_text("topic", at->topic),
             log_int("partition", at->partition), log_int("offset", at->gone),
             log_text("reason", rd_kafka_message_errstr(m)),
             log_text("next", "the oldest record there is"));
    if (c->events.restarted != NULL) {
        c->events.restarted(c->arg, at->topic, at->partition);
    }
}

/* The first record after a restart says how much is missing. */
static void
reading_resumed(const struct consumer *c, struct position *at, int64_t offset)
{
    log_warn("reading_resumed", log_text("consumer", c->name),
             log_text("topic", at->topic), log_int("partition", at->partition),
             log_int("expected", at->gone), log_int("from", offset),
             log_int("skipped", offset > at->gone ? offset - at->gone : 0));
    at->gone = -1;
}

static bool
reading_wants_repeat(const struct consumer *c)
{
    return c->repeat && c->doubt.state != DOUBT_ASKING && !c->assignment.leaving &&
           c->assignment.positions.count > 0;
}

/* Positions that were restarted, all at once: the assignment can only change whole. */
static void
reading_repeat(struct consumer *c, int64_t now_ns)
{
    if (!reading_wants_repeat(c) || now_ns < c->repeat_ns) {
        return;
    }
    c->repeat = false;
    c->repeat_ns = now_ns + REPEAT_NS;
    enum status status = assignment_repeat(&c->assignment);
    if (status != STATUS_OK) {
        c->repeat = true;
        reading_trouble(c, status, "cannot read from the oldest record either");
        return;
    }
    c->doubt.state = DOUBT_NONE;
}

/* librdkafka may learn that the group has given our partitions away while it waits for
   us to let go of them. */
static void
reading_check_lost(struct consumer *c)
{
    if (c->assignment.leaving && rd_kafka_assignment_lost(c->rk)) {
        assignment_lose(&c->assignment, true);
    }
}

/*
 * Where an error leaves the question for a committed offset without an answer,
 * librdkafka 2.0.2 neither asks again nor reads: only a new assignment has it start
 * (rd_kafka_assignment_apply_offsets() in its source). Which question an error is about
 * is not told, so every one that is open is asked anew.
 */
static void
reading_ask_again(struct consumer *c)
{
    for (size_t i = 0; i < c->assignment.positions.count; i++) {
        if (!c->repeat && c->assignment.positions.items[i].next == OFFSET_COMMITTED) {
            c->repeat = true;
            c->repeat_ns = clock_mono_ns() + ASK_AGAIN_NS;
        }
    }
}

static void
reading_take_error(struct consumer *c, const rd_kafka_message_t *m)
{
    struct position *at = NULL;
    if (m->rkt != NULL) {
        at = positions_find(&c->assignment.positions, rd_kafka_topic_name(m->rkt),
                            m->partition);
    }
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (at != NULL) {
            reading_reached(c, at);
        }
    } else if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && at != NULL) {
        reading_restart(c, m, at);
    } else if (m->err == RD_KAFKA_RESP_ERR__FATAL) {
        reading_end(c);
    } else {
        if (client_status(m->err) == STATUS_NOT_FOUND) {
            reading_doubt(c);
        }
        reading_ask_again(c);
        reading_trouble(c, client_status(m->err), rd_kafka_message_errstr(m));
    }
}

/* No memory for a record: it is given back and asked for again, never skipped. */
static void
reading_refetch(struct consumer *c, rd_kafka_message_t *m, struct position *at)
{
    at->next = m->offset;
    rd_kafka_message_destroy(m);
    enum status status = assignment_repeat(&c->assignment);
    reading_trouble(c, status == STATUS_OK ? STATUS_NO_MEMORY : status,
                    "no memory for a record");
}

/* Takes the message. */
static void
reading_take(struct consumer *c, rd_kafka_message_t *m)
{
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        reading_take_error(c, m);
        rd_kafka_message_destroy(m);
        return;
    }
    struct position *at = positions_find(&c->assignment.positions,
                                         rd_kafka_topic_name(m->rkt), m->partition);
    bool wanted = at != NULL && !c->assignment.leaving && c->doubt.state == DOUBT_NONE;
    if (!wanted || !positions_advance(at, m->offset)) {
        rd_kafka_message_destroy(m);
        return;
    }
    if (at->gone >= 0) {
        reading_resumed(c, at, m->offset);
    }
    struct record *r = record_make(&c->pool, m);
    if (r == NULL) {
        reading_refetch(c, m, at);
        return;
    }
    c->events.record(c->arg, r);
}

static void
reading_start(struct consumer *c)
{
    rd_kafka_topic_partition_list_t *list = offsets_list_all(
        c->rk, (const char *const *)c->topics, c->topic_count, START_WAIT_NS);
    if (list == NULL) {
        reading_trouble(c, STATUS_NOT_FOUND, "topics or brokers not found yet");
        return;
    }
    c->starting = false;
    reading_gain(c, list);
    rd_kafka_topic_partition_list_destroy(list);
}

/* @return whether something is left */
static bool
reading_take_all(struct consumer *c, int64_t end_ns)
{
    for (int taken = 1; taken <= BUDGET_RECORDS; taken++) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, 0);
        if (m == NULL) {
            reading_compare_ends(c);
            return false;
        }
        reading_take(c, m);
        if (taken % CLOCK_EACH == 0 && clock_mono_ns() > end_ns) {
            break;
        }
    }
    return true;
}

void
reading_serve(void *arg)
{
    struct consumer *c = arg;
    if (c->starting) {
        reading_start(c);
    }
    int64_t now_ns = clock_mono_ns();
    c->poll_ns = now_ns + POLL_LEAST_NS;
    if (reading_take_all(c, now_ns + BUDGET_NS)) {
        bell_ring(&c->bell);
    }
    reading_check_lost(c);
    reading_repeat(c, now_ns);
}

/* @return when it wants to be called next */
static int64_t
reading_turn_doubt(struct consumer *c, int64_t now_ns)
{
    if (c->assignment.positions.count == 0) {
        return TIME_NEVER;
    }
    return doubt_turn(&c->doubt, c->assignment.positions.items[0].topic, now_ns);
}

int64_t
reading_turn(void *arg, int64_t now_ns)
{
    struct consumer *c = arg;
    int64_t doubt_ns = reading_turn_doubt(c, now_ns);
    int64_t due_ns = c->poll_ns;
    if (reading_wants_repeat(c) && c->repeat_ns < due_ns) {
        due_ns = c->repeat_ns;
    }
    if (now_ns >= due_ns) {
        c->poll_ns = now_ns + POLL_LEAST_NS;
        due_ns = c->poll_ns;
        bell_ring(&c->bell);
    }
    return doubt_ns < due_ns ? doubt_ns : due_ns;
}

void
reading_listen(rd_kafka_conf_t *settings)
{
    rd_kafka_conf_set_rebalance_cb(settings, reading_rebalanced);
    rd_kafka_conf_set_offset_commit_cb(settings, reading_committed);
    rd_kafka_conf_set_error_cb(settings, reading_failed);
}
