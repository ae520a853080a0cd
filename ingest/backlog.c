/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One standing a model, by its number in the catalogue. Its totals are sums over the
 * partitions: which request goes before which is a matter of time, not of partition,
 * since the batchers take from all of theirs alike.
 */
#include "ingest/backlog.h"

#include "base/clock.h"
#include "bus/lag.h"
#include "ingest/arrivals.h"
#include "ingest/drain.h"

#include <stdio.h>
#include <stdlib.h>

#define KEEN_NS     (250 * NS_PER_MS) /* between two questions while of interest */
#define IDLE_NS     (10 * NS_PER_S)   /* and else */
#define INTEREST_NS (10 * NS_PER_S)   /* that one look or one request lasts */
#define FORGOTTEN_NS                                                                   \
    (3 * IDLE_NS / 2) /* without an answer nothing is known any more                   \
                       */

enum { US_PER_S = 1000000, NS_PER_MICRO = 1000, ARRAYS = 4 };

struct standing {
    const struct catalogue_model *model;
    char group[TOPIC_NAME_MAX + 1];
    char topic[TOPIC_NAME_MAX + 1];
    struct lag_question question; /* lent while asking */
    bool asking;
    bool heard;         /* answered once */
    int64_t *arrays;    /* memory of those of the question and of these two */
    int64_t *end;       /* [partitions] */
    int64_t *reported;  /* [partitions] end by our own reports since the question */
    int64_t total;      /* sum of end */
    int64_t committed;  /* sum of what the group committed */
    int64_t unreported; /* sent by us, not yet told of */
    int64_t early;      /* sent before anything was heard: arrivals begin with 0 */
    int64_t as_of_ns;
    int64_t due_ns;    /* of the next question */
    int64_t wanted_ns; /* when it was of interest last */
    bool served;
    struct drain_capacity capacity;
    struct drain drain;
    struct arrivals arrivals;
};

struct backlog {
    struct loop *loop;
    const struct bus_config *bus;
    const struct catalogue *catalogue;
    struct publish *publish;
    struct lag *lag;
    bool turning;
    int64_t due_ns; /* of the earliest question, not later */
    struct standing *standings[CATALOGUE_MODELS_MAX]; /* by model number */
};

static void
capacity_refresh(struct standing *st)
{
    int64_t now_us = clock_wall_us();
    size_t serving = catalogue_serving(st->model, now_us);
    const struct model_info *info =
        catalogue_version(st->model, (struct span){0}, now_us, NULL);
    st->served = serving > 0 && info != NULL;
    if (!st->served) {
        return; /* those that come back will likely do what these did */
    }
    int64_t batch = info->max_batch_size > 0 ? info->max_batch_size : 1;
    int64_t replicas = info->replicas > 0 ? info->replicas : 1;
    st->capacity.in_hand = batch * replicas * (int64_t)serving;
    st->capacity.batch_ns = info->batch_us * NS_PER_MICRO;
    st->capacity.per_s = info->batch_us > 0 ? (double)st->capacity.in_hand * US_PER_S /
                                                  (double)info->batch_us
                                            : 0;
}

static struct standing *
standing_make(const struct backlog *b, const struct catalogue_model *model)
{
    struct standing *st = calloc(1, sizeof(*st));
    if (st == NULL) {
        return NULL;
    }
    st->model = model;
    int size =
        snprintf(st->group, sizeof(st->group), "%sbatcher.%.*s", b->bus->topics_prefix,
                 (int)model->name.size, (const char *)model->name.data);
    if (size < 0 || (size_t)size >= sizeof(st->group) ||
        bus_topic_name(b->bus, TOPIC_REQUESTS, model->name, st->topic) != STATUS_OK) {
        free(st);
        return NULL;
    }
    drain_init(&st->drain);
    arrivals_init(&st->arrivals);
    st->capacity.in_hand = 1;
    capacity_refresh(st);
    return st;
}

/* NULL without memory, or if Kafka would not take the name of the model's topic. */
static struct standing *
standing_of(struct backlog *b, size_t number)
{
    if (b->standings[number] == NULL) {
        b->standings[number] = standing_make(b, catalogue_at(b->catalogue, number));
    }
    return b->standings[number];
}

static void
standing_free(struct standing *st)
{
    if (st != NULL) {
        free(st->arrays);
        free(st);
    }
}

/* Memory for the partitions there are now. What was known is of other ones then. */
static bool
partitions_set(struct standing *st, int32_t partitions)
{
    if (partitions == st->question.partitions) {
        return true;
    }
    size_t count = (size_t)partitions;
    int64_t *arrays = calloc(ARRAYS * count, sizeof(*arrays));
    if (arrays == NULL) {
        return false;
    }
    free(st->arrays);
    st->arrays = arrays;
    st->end = arrays;
    st->reported = arrays + count;
    st->total = 0;
    if (st->heard) {
        st->heard = false;
        arrivals_init(&st->arrivals);
    }
    st->question = (struct lag_question){.group = st->group,
                                         .topic = st->topic,
                                         .partitions = partitions,
                                         .committed = arrays + 2 * count,
                                         .end = arrays + 3 * count};
    return true;
}

static void
question_send(struct backlog *b, struct standing *st, int64_t now_ns)
{
    bool keen = now_ns - st->wanted_ns < INTEREST_NS;
    st->due_ns = now_ns + (keen ? KEEN_NS : IDLE_NS);
    int32_t partitions = publish_partitions(b->publish, st->model);
    if (partitions <= 0) {
        st->due_ns = now_ns + KEEN_NS; /* not heard of the topic yet */
        return;
    }
    if (!partitions_set(st, partitions)) {
        return;
    }
    for (int32_t p = 0; p < partitions; p++) {
        st->reported[p] = 0;
    }
    st->asking = lag_ask(b->lag, &st->question) == STATUS_OK;
}

static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct backlog *b = arg;
    if (now_ns < b->due_ns) {
        return b->due_ns;
    }
    b->due_ns = now_ns + IDLE_NS;
    for (size_t i = 0; i < catalogue_count(b->catalogue); i++) {
        struct standing *st = standing_of(b, i);
        if (st == NULL || st->asking) {
            continue;
        }
        if (st->due_ns <= now_ns) {
            question_send(b, st, now_ns);
        }
        b->due_ns = st->due_ns < b->due_ns ? st->due_ns : b->due_ns;
    }
    return b->due_ns;
}

static int64_t
not_negative(int64_t count)
{
    return count < 0 ? 0 : count;
}

/* What was sent before anything was heard came behind what stood there then. */
static void
early_end(struct standing *st, int64_t total)
{
    if (!st->heard) {
        arrivals_shift(&st->arrivals, not_negative(total - st->early));
        st->early = 0;
        st->heard = true;
    }
}

/* A topic made anew, or a group set back: what was measured is of another. */
static void
check_anew(struct standing *st, int64_t total, int64_t committed)
{
    if (total < st->total || committed < st->committed) {
        drain_init(&st->drain);
        arrivals_init(&st->arrivals);
    }
}

static void
answer_take(struct standing *st, const struct lag_question *q)
{
    int64_t total = 0;
    int64_t committed = 0;
    for (int32_t p = 0; p < q->partitions; p++) {
        st->end[p] = q->end[p] > st->reported[p] ? q->end[p] : st->reported[p];
        total += st->end[p];
        committed += q->committed[p] < st->end[p] ? q->committed[p] : st->end[p];
    }
    check_anew(st, total, committed);
    st->total = total;
    st->committed = committed;
    st->as_of_ns = q->as_of_ns;
    capacity_refresh(st);
    drain_note(&st->drain, &st->capacity, q->as_of_ns, committed, total - committed);
    early_end(st, total);
    arrivals_note(&st->arrivals, clock_wall_us(), total + st->unreported);
    arrivals_trim(&st->arrivals, committed);
}

static void
on_answer(void *context, struct lag_question *question)
{
    struct backlog *b = context;
    for (size_t i = 0; i < catalogue_count(b->catalogue); i++) {
        struct standing *st = b->standings[i];
        if (st == NULL || &st->question != question) {
            continue;
        }
        st->asking = false;
        b->due_ns = st->due_ns < b->due_ns ? st->due_ns : b->due_ns;
        if (question->answered) {
            answer_take(st, question);
        }
        return;
    }
}

enum status
backlog_open(struct backlog **out,
             struct loop *loop,
             const struct bus_config *bus,
             const struct catalogue *catalogue,
             struct publish *publish,
             struct fault *fault)
{
    struct backlog *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the backlog");
    }
    b->loop = loop;
    b->bus = bus;
    b->catalogue = catalogue;
    b->publish = publish;
    enum status status = lag_open(&b->lag, loop, bus, on_answer, b, fault);
    if (status == STATUS_OK) {
        status = loop_each_turn(loop, on_turn, b);
        b->turning = status == STATUS_OK;
    }
    if (status != STATUS_OK) {
        backlog_close(&b);
        return status;
    }
    *out = b;
    return STATUS_OK;
}

void
backlog_close(struct backlog **backlog)
{
    struct backlog *b = *backlog;
    *backlog = NULL;
    if (b == NULL) {
        return;
    }
    if (b->turning) {
        loop_no_turn(b->loop, on_turn, b);
    }
    lag_close(&b->lag);
    for (size_t i = 0; i < CATALOGUE_MODELS_MAX; i++) {
        standing_free(b->standings[i]);
    }
    free(b);
}

/* Somebody looks: from now on it is asked for often. */
static void
interest(struct backlog *b, struct standing *st, int64_t now_ns)
{
    st->wanted_ns = now_ns;
    if (st->due_ns > now_ns + KEEN_NS) {
        st->due_ns = now_ns;
    }
    b->due_ns = st->due_ns < b->due_ns ? st->due_ns : b->due_ns;
}

static bool
is_known(const struct standing *st, int64_t now_ns)
{
    return st->heard && now_ns - st->as_of_ns < FORGOTTEN_NS;
}

static double
drain_of(const struct standing *st, int64_t now_ns)
{
    return st->served ? drain_per_s(&st->drain, &st->capacity, now_ns) : 0;
}

bool
backlog_of(const struct backlog *b, struct span model, struct backlog_view *view)
{
    const struct catalogue_model *found = catalogue_find(b->catalogue, model);
    const struct standing *st = found == NULL ? NULL : b->standings[found->number];
    if (st == NULL) {
        return false;
    }
    int64_t now_ns = loop_now(b->loop);
    bool known = is_known(st, now_ns);
    int64_t stored =
        known ? st->total - st->committed - drain_since(&st->drain, now_ns) : 0;
    *view = (struct backlog_view){
        .waiting = not_negative(stored + st->unreported),
        .drain_per_s = drain_of(st, now_ns),
        .batch_ns = st->capacity.batch_ns,
        .known = known,
        .as_of_ns = st->as_of_ns,
    };
    return true;
}

void
backlog_place_of(struct backlog *b,
                 struct span model,
                 int64_t submitted_us,
                 struct backlog_place *place)
{
    *place = (struct backlog_place){.position = -1, .wait_ns = -1};
    const struct catalogue_model *found = catalogue_find(b->catalogue, model);
    struct standing *st = found == NULL ? NULL : standing_of(b, found->number);
    if (st == NULL) {
        return;
    }
    int64_t now_ns = loop_now(b->loop);
    interest(b, st, now_ns);
    if (!is_known(st, now_ns)) {
        return;
    }
    int64_t before = arrivals_at(&st->arrivals, submitted_us);
    place->position = not_negative(before - st->committed);
    int64_t left = not_negative(place->position - drain_since(&st->drain, now_ns));
    place->wait_ns = drain_wait_ns(&st->capacity, drain_of(st, now_ns), left);
}

void
backlog_sent(struct backlog *b, size_t number, int64_t wall_us)
{
    struct standing *st = standing_of(b, number);
    if (st == NULL) {
        return;
    }
    if (st->heard) {
        arrivals_note(&st->arrivals, wall_us, st->total + st->unreported);
    } else {
        arrivals_note(&st->arrivals, wall_us, st->early++);
    }
    st->unreported++;
    interest(b, st, loop_now(b->loop));
}

void
backlog_reported(struct backlog *b, size_t number, const struct delivery *d)
{
    struct standing *st = b->standings[number];
    if (st == NULL || st->unreported == 0) {
        return;
    }
    st->unreported--;
    if (d->status != STATUS_OK || d->partition < 0 ||
        d->partition >= st->question.partitions) {
        return;
    }
    int64_t next = d->offset + 1;
    if (next > st->reported[d->partition]) {
        st->reported[d->partition] = next;
    }
    if (st->heard && next > st->end[d->partition]) {
        st->total += next - st->end[d->partition];
        st->end[d->partition] = next;
    }
}
