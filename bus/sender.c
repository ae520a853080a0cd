/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka's callbacks run inside rd_kafka_poll(), which only sender_wait() calls:
 * always on the loop's thread. In transactions the calls that end them, on a thread of
 * their own, would poll as well; so there reports come as events, which they leave
 * alone.
 */
#include "bus/sender.h"

#include "base/clock.h"
#include "base/log.h"
#include "bus/client.h"

enum { PURGE_POLL_MS = 10 };

static enum status
report_status(const struct sender *s, rd_kafka_resp_err_t error)
{
    enum status status = client_status(error);
    /* Purged because the client is replaced, not because the producer closes. */
    return status == STATUS_CLOSED && !s->closing ? STATUS_UNAVAILABLE : status;
}

static void
sender_reported(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    struct sender *s = opaque;
    s->pending--;
    s->bytes -= (int64_t)(m->len + m->key_len);
    bool stored = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    struct delivery delivery = {
        .status = report_status(s, m->err),
        .possibly_stored =
            !stored && rd_kafka_message_status(m) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED,
        .partition = m->partition,
        .offset = m->offset,
        .reason = stored ? "" : rd_kafka_err2str(m->err),
    };
    s->reported(s->context, m->_private, &delivery);
}

/* What is not fatal librdkafka has logged already, and goes on trying. */
static void
sender_troubled(rd_kafka_t *rk, int error, const char *reason, void *opaque)
{
    (void)reason;
    struct sender *s = opaque;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        s->lost(s->context);
    }
    if (error == RD_KAFKA_RESP_ERR__FATAL) {
        char fatal[200];
        rd_kafka_fatal_error(rk, fatal, sizeof(fatal));
        s->failed = true;
        log_error("kafka_client_failed", log_text("producer", s->name),
                  log_text("reason", fatal));
    }
}

static void
sender_take_event(struct sender *s, rd_kafka_event_t *event)
{
    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR) {
        const rd_kafka_message_t *m;
        while ((m = rd_kafka_event_message_next(event)) != NULL) {
            sender_reported(s->rk, m, s);
        }
    } else if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_ERROR) {
        int error = rd_kafka_event_error_is_fatal(event) != 0
                        ? RD_KAFKA_RESP_ERR__FATAL
                        : rd_kafka_event_error(event);
        sender_troubled(s->rk, error, rd_kafka_event_error_string(event), s);
    }
    rd_kafka_event_destroy(event);
}

/* Takes all there is, after waiting for the first; what comes meanwhile rings again. */
static void
sender_wait(struct sender *s, int wait_ms)
{
    if (s->transactional_id == NULL) {
        rd_kafka_poll(s->rk, wait_ms);
        return;
    }
    rd_kafka_event_t *event;
    while ((event = rd_kafka_queue_poll(s->bell.queue, wait_ms)) != NULL) {
        sender_take_event(s, event);
        wait_ms = 0;
    }
}

static void
sender_serve(void *arg)
{
    sender_wait(arg, 0);
}

void
sender_take_reports(struct sender *s)
{
    if (s->rk != NULL) {
        sender_serve(s);
    }
}

enum status
sender_init(struct sender *s,
            const struct bus_config *bus,
            int64_t delivery_timeout_ns,
            struct fault *fault)
{
    bool transactional = s->transactional_id != NULL;
    int64_t share_ns = s->transaction_timeout_ns / 4;
    if (transactional && delivery_timeout_ns > 3 * share_ns) {
        delivery_timeout_ns = 3 * share_ns; /* so that we abort before Kafka does */
    }
    char timeout[CLIENT_NUMBER_SIZE];
    char patience[CLIENT_NUMBER_SIZE];
    char end[CLIENT_NUMBER_SIZE];
    const char *linger = s->lane == LANE_BUSY ? "1" : "0";
    struct property own[] = {
        /* In a transaction nobody sees a record before the commit, which flushes. */
        {"linger.ms", transactional ? "5" : linger},
        {"message.timeout.ms",
         client_number(client_timeout_ms(delivery_timeout_ns), timeout)},
        {"transactional.id", s->transactional_id},
        {"topic.metadata.propagation.max.ms",
         client_number(client_timeout_ms(share_ns), patience)},
        {"transaction.timeout.ms",
         client_number(client_timeout_ms(s->transaction_timeout_ns), end)},
    };
    size_t count = sizeof(own) / sizeof(own[0]) - (transactional ? 0 : 3);
    enum status status =
        client_settings(&s->settings, bus, CLIENT_PRODUCER, own, count, fault);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_conf_set_opaque(s->settings, s);
    if (transactional) {
        rd_kafka_conf_set_events(s->settings, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
        return STATUS_OK;
    }
    rd_kafka_conf_set_dr_msg_cb(s->settings, sender_reported);
    rd_kafka_conf_set_error_cb(s->settings, sender_troubled);
    return STATUS_OK;
}

void
sender_fini(struct sender *s)
{
    if (s->settings != NULL) {
        rd_kafka_conf_destroy(s->settings);
    }
    *s = (struct sender){0};
}

enum status
sender_open(struct sender *s, struct fault *fault)
{
    enum status status =
        client_create(&s->rk, rd_kafka_conf_dup(s->settings), CLIENT_PRODUCER, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status =
        bell_open(&s->bell, s->loop, rd_kafka_queue_get_main(s->rk), sender_serve, s);
    if (status != STATUS_OK) {
        sender_close(s);
        return fault_set(fault, status, "kafka: no event descriptor");
    }
    s->failed = false;
    return STATUS_OK;
}

void
sender_purge(struct sender *s, int64_t wait_ns)
{
    if (s->rk == NULL) {
        return;
    }
    int64_t end_ns = clock_mono_ns() + wait_ns;
    rd_kafka_purge(s->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (s->pending > 0 && clock_mono_ns() < end_ns) {
        sender_wait(s, PURGE_POLL_MS);
    }
}

void
sender_close(struct sender *s)
{
    if (s->rk == NULL) {
        return;
    }
    if (s->pending > 0) {
        log_error("kafka_records_unreported", log_text("producer", s->name),
                  log_int("count", (int64_t)s->pending));
    }
    bell_close(&s->bell);
    rd_kafka_destroy(s->rk);
    s->rk = NULL;
    s->pending = 0;
    s->bytes = 0;
}

/* As an object of its own: librdkafka 2.0.2 frees headers given one by one twice when
   the partition does not exist (fixed in 2.12.0). */
static enum status
headers_make(const struct outgoing *out, rd_kafka_headers_t **made)
{
    if (out->header_count == 0) {
        return STATUS_OK;
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new(out->header_count);
    for (size_t i = 0; i < out->header_count; i++) {
        const struct record_header *h = &out->headers[i];
        rd_kafka_resp_err_t error = rd_kafka_header_add(
            headers, h->name, -1, h->value.data, (ssize_t)h->value.size);
        if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_headers_destroy(headers);
            return STATUS_NO_MEMORY;
        }
    }
    *made = headers;
    return STATUS_OK;
}

/* librdkafka takes a value without const; without a MSGFLAGS part it only reads it. */
static void *
readable(struct span bytes)
{
    return (void *)(uintptr_t)bytes.data;
}

enum status
sender_send(struct sender *s, rd_kafka_topic_t *topic, const struct outgoing *out)
{
    rd_kafka_headers_t *headers = NULL;
    enum status status = headers_make(out, &headers);
    if (status != STATUS_OK) {
        return status;
    }
    bool by_key = out->partition == PARTITION_BY_KEY;
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION,
         .u.i32 = by_key ? RD_KAFKA_PARTITION_UA : out->partition},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {readable(out->value), out->value.size}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {readable(out->key), out->key.size}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = out->arg},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    size_t count = sizeof(parts) / sizeof(parts[0]) - (headers == NULL ? 1 : 0);
    rd_kafka_error_t *error = rd_kafka_produceva(s->rk, parts, count);
    if (error == NULL) {
        s->pending++;
        s->bytes += (int64_t)(out->key.size + out->value.size);
        return STATUS_OK;
    }
    status = client_status(rd_kafka_error_code(error));
    s->failed = s->failed || rd_kafka_error_is_fatal(error) != 0;
    rd_kafka_error_destroy(error);
    if (headers != NULL) {
        rd_kafka_headers_destroy(headers);
    }
    return status;
}
