/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every way to end an item is here, and what happens when Kafka refuses the answer: one
 * that is too large, or whose topic does not exist, is replaced by a small FAILED one;
 * if even that is refused it is tried until an operator has repaired the topic.
 */
#include "batcher/reply.h"

#include "base/log.h"
#include "batcher/address.h"
#include "batcher/metrics.h"
#include "schemas/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 256 };

enum status
replier_init(struct replier *r,
             struct outbox *outbox,
             const struct bus_config *bus,
             const struct batcher_config *config,
             struct fault *fault)
{
    *r = (struct replier){.outbox = outbox,
                          .bus = bus,
                          .allow = config->reply_allow,
                          .dialect = dead_letter_dialect(config->dead_letter_headers)};
    char name[TOPIC_NAME_MAX + 1];
    struct span none = span_of(NULL, 0);
    enum status status = bus_topic_name(bus, TOPIC_REPLIES, none, r->replies_name);
    if (status == STATUS_OK) {
        status = outbox_topic(outbox, r->replies_name, &r->replies);
    }
    if (status == STATUS_OK) {
        status = bus_topic_name(bus, TOPIC_DEAD_LETTERS, none, name);
    }
    if (status == STATUS_OK) {
        status = outbox_topic(outbox, name, &r->dead_letters);
    }
    if (status != STATUS_OK) {
        return fault_set(fault, status, "topics.prefix=%s gives no topic",
                         bus->topics_prefix);
    }
    return STATUS_OK;
}

/* The answer and its end. */

static void answer_done(struct parcel *p, enum status status);

static bool
answer_stage(struct parcel *p, uint32_t number)
{
    return item_stage_parcel(
        (struct item *)(void *)((char *)p - offsetof(struct item, answer)), number);
}

/** Sends what stands in answer_bytes; counted in parcels_open by the caller. */
static void
answer_send(struct item *it, const struct destination *to, bool for_route)
{
    it->answer.done = answer_done;
    it->answer.stage = answer_stage;
    it->answer.record.topic = to->topic;
    it->answer.record.partition = to->partition;
    uuid_format(&it->request.id, it->key);
    it->answer.record.key = span_of(it->key, UUID_TEXT);
    it->answer.record.value = buf_span(&it->answer_bytes);
    address_headers(it, for_route);
    outbox_send(it->replier->outbox, &it->answer);
}

static struct reply
reply_to_item(const struct item *it, enum reply_status status, const struct run *run)
{
    const struct request *q = &it->request;
    struct reply r = {
        .id = q->id,
        .model = q->model,
        .model_version = span_of_text(it->version),
        .status = status,
        .timing = {.submitted_us = q->submitted_us, .received_us = it->received_us},
        .attempt = q->attempt,
        .tenant = q->tenant,
        .webhook = q->webhook,
        .batch_id = q->batch_id,
        .request_offset = {.topic = span_of_text(it->record->topic),
                           .partition = it->record->partition,
                           .offset = it->record->offset}};
    if (run != NULL) {
        r.batch_size = (int32_t)run->rows;
        r.timing.started_us = run->started_us;
        r.timing.completed_us = run->completed_us;
    }
    return r;
}

/** A runner's words may hold anything; a record's text is UTF-8. */
static struct span
message_clean(const char *message, char clean[static MESSAGE_BYTES])
{
    size_t n = 0;
    for (; n < MESSAGE_BYTES && message[n] != '\0'; n++) {
        clean[n] = message[n];
        if ((unsigned char)message[n] >= 0x80 || (unsigned char)message[n] < ' ') {
            clean[n] = '?';
        }
    }
    return span_of(clean, n);
}

static void
answer_fail(struct item *it, const struct failure *failure, const struct run *run)
{
    char clean[MESSAGE_BYTES];
    struct reply r = reply_to_item(it, REPLY_FAILED, run);
    r.error = (struct reply_error){.code = span_of_text(status_name(failure->status)),
                                   .message = message_clean(failure->message, clean),
                                   .stage = span_of_text(failure->stage)};
    buf_reset(&it->answer_bytes);
    reply_encode(&r, &it->answer_bytes);
    answer_send(it, &it->destination, false);
}

/** A refused answer becomes a small one that can be delivered. */
static void
answer_replace(struct item *it, enum status refused)
{
    it->answer_is_last = true;
    struct failure failure = {
        .status = STATUS_RESULT_TOO_LARGE,
        .message = "the answer is larger than its topic takes (max.message.bytes)",
        .stage = "reply"};
    if (refused != STATUS_TOO_LARGE) {
        failure.status = refused;
        failure.message = "the topic or partition for the answer does not exist";
        address_reset(it);
    }
    log_warn("answer_refused", log_status(failure.status),
             log_int("bytes", (int64_t)it->answer_bytes.size));
    answer_fail(it, &failure, NULL);
}

static void
answer_done(struct parcel *p, enum status status)
{
    struct item *it =
        (struct item *)(void *)((char *)p - offsetof(struct item, answer));
    if (status == STATUS_OK || status == STATUS_CLOSED) {
        if (status != STATUS_OK) {
            it->end = status;
        }
        item_close_parcel(it);
        return;
    }
    if (!it->answer_is_last) {
        answer_replace(it, status);
        return;
    }
    log_error("answer_refused_again", log_status(status));
    outbox_send_later(it->replier->outbox, p);
}

/** Appends the outputs that the request wants; all if it names none. */
static size_t
outputs_wanted(const struct request *q,
               const struct tensor *outputs,
               size_t count,
               struct tensor *wanted)
{
    if (q->output_count == 0) {
        memcpy(wanted, outputs, count * sizeof *outputs);
        return count;
    }
    size_t n = 0;
    for (size_t i = 0; i < q->output_count; i++) {
        for (size_t j = 0; j < count && n < SLOT_TENSORS_MAX; j++) {
            if (span_equal(q->outputs[i], outputs[j].name)) {
                wanted[n++] = outputs[j];
            }
        }
    }
    return n;
}

/**
 * Ends an item whose partition went while it ran, unanswered: another member answers
 * it.
 *
 * @return whether it was ended
 */
static bool
answer_withheld(struct item *it)
{
    if (it->is_ours(it->owner, it)) {
        return false;
    }
    metric_add(&batcher_metrics[METRIC_STALE], 1);
    it->end = STATUS_MISDIRECTED;
    it->done(it->owner, it);
    return true;
}

/** Outputs become the inputs of the next step of the route. */
static enum status
step_encode(struct item *it,
            const struct tensor *outputs,
            size_t count,
            struct destination *to)
{
    struct request q = it->request;
    char name[TOPIC_NAME_MAX + 1];
    enum status status =
        bus_topic_name(it->replier->bus, TOPIC_REQUESTS, q.route[0], name);
    if (status == STATUS_OK) {
        status = outbox_topic(it->replier->outbox, name, &to->topic);
    }
    if (status != STATUS_OK) {
        return status;
    }
    to->partition = PARTITION_BY_KEY;
    q.model = q.route[0];
    q.model_version = span_of(NULL, 0);
    q.route++;
    q.route_count--;
    q.inputs = outputs;
    q.input_count = count;
    q.outputs = NULL;
    q.output_count = 0;
    request_encode(&q, &it->answer_bytes);
    return it->answer_bytes.status;
}

static void
succeed_step(struct item *it,
             const struct tensor *outputs,
             size_t count,
             const struct run *run)
{
    struct destination to;
    enum status status = step_encode(it, outputs, count, &to);
    if (status == STATUS_OK) {
        answer_send(it, &to, true);
        return;
    }
    const struct failure failure = {
        .status = status, .message = "the next step cannot be asked", .stage = "reply"};
    answer_fail(it, &failure, run);
}

void
reply_succeed(struct item *it,
              const struct tensor *outputs,
              size_t count,
              const struct run *run)
{
    struct tensor wanted[SLOT_TENSORS_MAX];
    if (answer_withheld(it)) {
        return;
    }
    it->parcels_open++;
    count = outputs_wanted(&it->request, outputs, count, wanted);
    metric_add(&batcher_metrics[METRIC_SUCCEEDED], 1);
    if (it->request.route_count > 0) {
        succeed_step(it, wanted, count, run);
        return;
    }
    struct reply r = reply_to_item(it, REPLY_SUCCEEDED, run);
    r.outputs = wanted;
    r.output_count = count;
    reply_encode(&r, &it->answer_bytes);
    if (it->answer_bytes.status != STATUS_OK) {
        answer_replace(it, STATUS_TOO_LARGE);
        return;
    }
    answer_send(it, &it->destination, false);
}

void
reply_fail(struct item *it, const struct failure *failure, const struct run *run)
{
    if (answer_withheld(it)) {
        return;
    }
    it->parcels_open++;
    metric_add(&batcher_metrics[METRIC_FAILED], 1);
    answer_fail(it, failure, run);
}

/** Ends it without a run and without a fault of anybody's. */
static void
answer_unrun(struct item *it,
             enum reply_status status,
             const char *code,
             const char *message)
{
    if (answer_withheld(it)) {
        return;
    }
    it->parcels_open++;
    struct reply r = reply_to_item(it, status, NULL);
    r.error = (struct reply_error){.code = span_of_text(code),
                                   .message = span_of_text(message),
                                   .stage = span_of_text("admit")};
    buf_reset(&it->answer_bytes);
    reply_encode(&r, &it->answer_bytes);
    answer_send(it, &it->destination, false);
}

void
reply_expire(struct item *it)
{
    metric_add(&batcher_metrics[METRIC_EXPIRED], 1);
    answer_unrun(it, REPLY_EXPIRED, status_name(STATUS_EXPIRED),
                 "the deadline left no time to run the request");
}

void
reply_shed(struct item *it)
{
    metric_add(&batcher_metrics[METRIC_SHED], 1);
    metric_add(&batcher_metrics[METRIC_EXPIRED], 1);
    answer_unrun(
        it, REPLY_EXPIRED, status_name(STATUS_EXPIRED),
        "the request would not have made its deadline behind the batch that runs");
}

void
reply_cancel(struct item *it)
{
    metric_add(&batcher_metrics[METRIC_CANCELED], 1);
    answer_unrun(it, REPLY_CANCELED, status_name(STATUS_CANCELED),
                 "the request was cancelled before it ran");
}

/* Dead letters. */

static void
dead_letter_done(struct parcel *p, enum status status)
{
    struct item *it =
        (struct item *)(void *)((char *)p - offsetof(struct item, dead_letter));
    if (status == STATUS_OK || status == STATUS_CLOSED) {
        if (status != STATUS_OK) {
            it->end = status;
        }
        item_close_parcel(it);
        return;
    }
    log_error("dead_letter_refused", log_status(status));
    if (status == STATUS_TOO_LARGE) {
        /* Our headers took it over the limit: the offset in them still finds it. */
        p->record.value = span_of(NULL, 0);
    }
    outbox_send_later(it->replier->outbox, p);
}

static bool
dead_letter_stage(struct parcel *p, uint32_t number)
{
    return item_stage_parcel(
        (struct item *)(void *)((char *)p - offsetof(struct item, dead_letter)),
        number);
}

/** The group that read the record: the topic's name tells the model, as in intake.c. */
static void
reader_group(const struct item *it, char group[static TOPIC_NAME_MAX + 1])
{
    const char *prefix = it->replier->bus->topics_prefix;
    const char *model = it->record->topic + strlen(prefix) + sizeof TOPIC_REQUESTS - 1;
    snprintf(group, TOPIC_NAME_MAX + 1, "%sbatcher.%s", prefix, model);
}

void
reply_bury(struct item *it, const struct failure *failure, bool has_id)
{
    if (answer_withheld(it)) {
        return;
    }
    it->parcels_open += has_id ? 2 : 1;
    metric_add(&batcher_metrics[METRIC_DEAD_LETTERS], 1);
    log_warn("dead_letter", log_text("topic", it->record->topic),
             log_int("partition", it->record->partition),
             log_int("offset", it->record->offset), log_text("stage", failure->stage),
             log_text("reason", failure->message));
    it->dead_letter.done = dead_letter_done;
    it->dead_letter.stage = dead_letter_stage;
    it->dead_letter.record.topic = it->replier->dead_letters;
    char group[TOPIC_NAME_MAX + 1];
    reader_group(it, group);
    const struct dead_letter letter = {.dialect = it->replier->dialect,
                                       .code = status_name(failure->status),
                                       .message = failure->message,
                                       .stage = failure->stage,
                                       .group = group};
    dead_letter_write(it->record, &letter, &it->arena, &it->dead_letter.record);
    if (has_id) {
        metric_add(&batcher_metrics[METRIC_FAILED], 1);
        answer_fail(it, failure, NULL);
    }
    outbox_send(it->replier->outbox, &it->dead_letter);
}
