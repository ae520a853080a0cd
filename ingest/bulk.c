/* SPDX-License-Identifier: Apache-2.0 */
/* Request partitions are taken in turn as in publish.c, so that a batch is spread over
 * the batchers in runs of one batch of the model.
 */
#include "ingest/bulk.h"

#include "base/clock.h"
#include "ingest/bulk_results.h"
#include "ingest/bulk_upload.h"
#include "ingest/service.h"
#include "ingest/sticky.h"

#include <stdlib.h>

enum { RECORD_BYTES_MAX = 256 * 1024 * 1024, UNBATCHED_QUANTUM = 8 };

/* As in ingest.c: a record is given up for good after this. */
#define DELIVERY_TIMEOUT_NS (60 * NS_PER_S)

struct lane {
    struct producer_topic *topic; /* NULL: not asked for yet */
    struct sticky sticky;
};

struct bulk {
    struct ingest *ingest;
    struct producer *producer;
    struct producer_topic *replies;
    struct producer_topic *control;
    struct lane lanes[CATALOGUE_MODELS_MAX]; /* by model number */
    struct bulk_lists lists;
};

static void
on_report(void *context, void *arg, const struct delivery *d)
{
    (void)context;
    struct bulk_record *record = arg;
    record->reported(record, d);
}

static enum status
topic_named(struct bulk *b,
            const char *topic,
            struct span suffix,
            struct producer_topic **out)
{
    char name[TOPIC_NAME_MAX + 1];
    enum status status = bus_topic_name(b->ingest->bus, topic, suffix, name);
    return status == STATUS_OK ? producer_topic(b->producer, name, out) : status;
}

static enum status
producer_open(struct bulk *b, struct fault *fault)
{
    const struct producer_config config = {
        .name = "bulk",
        .delivery_timeout_ns = DELIVERY_TIMEOUT_NS,
        .queue_bytes_max = b->ingest->config.inflight_bytes_max,
    };
    struct span none = span_of_text("");
    enum status status = producer_create(&b->producer, b->ingest->loop, b->ingest->bus,
                                         &config, on_report, b, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = topic_named(b, TOPIC_REPLIES, none, &b->replies);
    if (status == STATUS_OK) {
        status = topic_named(b, TOPIC_CONTROL, none, &b->control);
    }
    return status == STATUS_OK
               ? status
               : fault_set(fault, status, "no topic name: check topics.prefix");
}

enum status
bulk_open(struct bulk **out, struct ingest *ingest, struct fault *fault)
{
    struct bulk *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for bulk batches");
    }
    b->ingest = ingest;
    enum status status = producer_open(b, fault);
    if (status != STATUS_OK) {
        bulk_stop(b);
        bulk_close(&b);
        return status;
    }
    *out = b;
    return STATUS_OK;
}

void
bulk_stop(struct bulk *b)
{
    if (b == NULL) {
        return;
    }
    results_stream_end_all(&b->lists);
    upload_close_all(&b->lists);
    if (b->producer != NULL) {
        producer_destroy(&b->producer);
    }
}

void
bulk_close(struct bulk **bulk)
{
    struct bulk *b = *bulk;
    *bulk = NULL;
    if (b != NULL) {
        upload_free_all(&b->lists);
        free(b);
    }
}

struct bulk_lists *
bulk_lists(struct bulk *b)
{
    return &b->lists;
}

struct bulk_record *
bulk_record_make(bulk_reported_fn reported, void *owner, uint32_t line)
{
    struct bulk_record *record = calloc(1, sizeof(*record));
    if (record != NULL) {
        record->reported = reported;
        record->owner = owner;
        record->line = line;
        buf_init(&record->bytes, RECORD_BYTES_MAX);
    }
    return record;
}

void
bulk_record_free(struct bulk_record *record)
{
    buf_fini(&record->bytes);
    free(record);
}

static enum status
send_to(struct bulk *b,
        struct bulk_record *record,
        struct producer_topic *topic,
        int32_t partition,
        const struct uuid *id)
{
    char key[UUID_TEXT];
    uuid_format(id, key);
    const struct outgoing out = {
        .topic = topic,
        .partition = partition,
        .key = span_of(key, sizeof(key)),
        .value = buf_span(&record->bytes),
        .arg = record,
    };
    return producer_send(b->producer, &out);
}

enum status
bulk_send_request(struct bulk *b,
                  struct bulk_record *record,
                  const struct catalogue_model *model,
                  const struct model_info *info,
                  const struct uuid *id)
{
    struct lane *lane = &b->lanes[model->number];
    if (lane->topic == NULL) {
        enum status status = topic_named(b, TOPIC_REQUESTS, model->name, &lane->topic);
        if (status != STATUS_OK) {
            return status;
        }
        sticky_init(&lane->sticky);
    }
    int32_t partition = PARTITION_BY_KEY;
    int32_t partitions = producer_topic_partitions(b->producer, lane->topic);
    if (partitions > 0) {
        bool turned = false;
        int32_t rows =
            info->max_batch_size > 0 ? info->max_batch_size : UNBATCHED_QUANTUM;
        partition = sticky_take(&lane->sticky, partitions, rows,
                                sticky_quantum_ns(info->batch_us),
                                loop_now(b->ingest->loop), &turned);
    }
    return send_to(b, record, lane->topic, partition, id);
}

enum status
bulk_send_reply(struct bulk *b, struct bulk_record *record, const struct uuid *id)
{
    return send_to(b, record, b->replies, PARTITION_BY_KEY, id);
}

enum status
bulk_send_order(struct bulk *b, struct bulk_record *record)
{
    const struct outgoing out = {.topic = b->control,
                                 .partition = 0,
                                 .value = buf_span(&record->bytes),
                                 .arg = record};
    return producer_send(b->producer, &out);
}

int64_t
bulk_turn(struct ingest *ingest, int64_t now_ns)
{
    struct bulk_lists *lists = &ingest->bulk->lists;
    int64_t uploads_ns = upload_turn(lists, now_ns);
    int64_t streams_ns = results_stream_turn(lists, now_ns);
    return uploads_ns < streams_ns ? uploads_ns : streams_ns;
}
