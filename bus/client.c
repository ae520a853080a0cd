/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of every client as tables: by role, and what dev mode changes. The
 * reasons stand beside the keys; librdkafka's own defaults are not repeated.
 */
#include "bus/client.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct property ALL_ROLES[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "500"}, /* service resumes soon after Kafka does */
    {"log.connection.close", "false"},   /* brokers close idle connections */
    {"log.thread.name", "false"},
    {"message.max.bytes", "8388608"}, /* one FP32 image 3x224x224 is 600 KiB */
};

static const struct property PRODUCER[] = {
    {"acks", "all"},
    {"enable.idempotence", "true"},
    {"partitioner", "murmur2_random"},
    {"topic.metadata.propagation.max.ms", "5000"}, /* then an unknown topic fails */
    {"queue.buffering.max.messages", "1000000"},   /* the limit is the bytes */
    {"queue.buffering.max.kbytes", "2097151"},     /* which producer.c counts */
};

static const struct property CONSUMER[] = {
    /* librdkafka 2.0.2 asks nobody else for the coordinator of a group until its
       question to a broker that was just going is over; with the default that is a
       minute. */
    {"socket.timeout.ms", "10000"},
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"}, /* and then reading.c goes to the oldest record */
    {"partition.assignment.strategy", "range"},
    {"fetch.error.backoff.ms", "50"},
    /* A partition that is new joins with the next fetch: at a start the first records
       would wait for the default of 500 ms. Under traffic it makes no difference. */
    {"fetch.wait.max.ms", "100"},
    {"topic.metadata.refresh.interval.ms", "5000"}, /* a topic made later is found */
};

/* The in-process broker does not long-poll, forgets silently, and waits for the session
   timeout in every rebalance. */
static const struct property DEV_CONSUMER[] = {
    {"fetch.wait.max.ms", "2"},
    {"session.timeout.ms", "6000"},
    {"heartbeat.interval.ms", "500"},
    {"allow.auto.create.topics", "true"}, /* false it does not know, and warns */
};

static const struct {
    rd_kafka_resp_err_t error;
    enum status status;
} STATUSES[] = {
    {RD_KAFKA_RESP_ERR_NO_ERROR, STATUS_OK},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, STATUS_TOO_LARGE},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, STATUS_TOO_LARGE},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, STATUS_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, STATUS_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, STATUS_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, STATUS_NOT_FOUND},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, STATUS_NOT_FOUND},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, STATUS_FULL},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, STATUS_TIMEOUT},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, STATUS_CLOSED},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, STATUS_CLOSED},
    {RD_KAFKA_RESP_ERR__FENCED, STATUS_FENCED},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, STATUS_FENCED},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, STATUS_FENCED},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, STATUS_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, STATUS_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, STATUS_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, STATUS_INVALID},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, STATUS_INVALID},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, STATUS_INVALID},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, STATUS_CONFLICT},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, STATUS_FENCED},
};

/* Keys that would break a promise, with their other names. */
static const struct {
    const char *key;
    const char *reason;
} REFUSED[] = {
    {"enable.auto.commit", "offsets are committed only after the answer is stored"},
    {"auto.commit.enable", "offsets are committed only after the answer is stored"},
    {"enable.auto.offset.store",
     "offsets are committed only after the answer is stored"},
    {"auto.offset.reset", "records that are gone are never skipped without a word"},
    {"acks", "accepted means stored by all in-sync replicas"},
    {"request.required.acks", "accepted means stored by all in-sync replicas"},
    {"enable.idempotence", "without it a retry would store a record twice"},
    {"transactional.id", "processing.guarantee=exactly_once_v2 sets it"},
};

/* Keys that can have one value only. */
static const struct {
    const char *key;
    const char *value;
    const char *reason;
} FIXED[] = {
    /* Eager callbacks only. */
    {"partition.assignment.strategy", "range",
     "it keeps the topics of one id in one process"},
    {"isolation.level", "read_committed",
     "what a transaction took back was never said"},
};

enum status
client_status(rd_kafka_resp_err_t error)
{
    for (size_t i = 0; i < COUNT_OF(STATUSES); i++) {
        if (STATUSES[i].error == error) {
            return STATUSES[i].status;
        }
    }
    return STATUS_UNAVAILABLE;
}

const char *
client_number(int64_t value, char *text)
{
    snprintf(text, CLIENT_NUMBER_SIZE, "%" PRId64, value);
    return text;
}

int
client_timeout_ms(int64_t timeout_ns)
{
    int64_t ms = timeout_ns / NS_PER_MS;
    if (ms < 1) {
        return 1;
    }
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* From any of librdkafka's threads. Levels are syslog's. */
static void
client_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    enum log_level ours = LOG_DEBUG;
    if (level <= 3) {
        ours = LOG_ERROR;
    } else if (level == 4) {
        ours = LOG_WARN;
    } else if (level <= 6) {
        ours = LOG_INFO;
    }
    const char *name = rk == NULL ? "" : rd_kafka_name(rk);
    log_write(ours, "kafka_client",
              LOG_FIELDS(log_text("client", name), log_text("about", facility),
                         log_text("text", text)));
}

enum status
client_set(rd_kafka_conf_t *settings,
           const char *key,
           const char *value,
           struct fault *fault)
{
    char why[200];
    if (rd_kafka_conf_set(settings, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) {
        return fault_set(fault, STATUS_INVALID, "kafka.%s: %s", key, why);
    }
    return STATUS_OK;
}

static enum status
client_set_all(rd_kafka_conf_t *settings,
               const struct property *items,
               size_t count,
               struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        enum status status = client_set(settings, items[i].key, items[i].value, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

/* The key without "producer." or "consumer."; NULL if it is for the other role. */
static const char *
client_key(const char *key, enum client_role role)
{
    static const struct {
        const char *prefix;
        enum client_role role;
    } PREFIXES[] = {{"producer.", CLIENT_PRODUCER}, {"consumer.", CLIENT_CONSUMER}};
    for (size_t i = 0; i < COUNT_OF(PREFIXES); i++) {
        size_t size = strlen(PREFIXES[i].prefix);
        if (strncmp(key, PREFIXES[i].prefix, size) == 0) {
            return role == PREFIXES[i].role ? key + size : NULL;
        }
    }
    return key;
}

static enum status
client_refuse(const struct property *extra, const char *bare, struct fault *fault)
{
    for (size_t i = 0; i < COUNT_OF(REFUSED); i++) {
        if (strcmp(bare, REFUSED[i].key) == 0) {
            return fault_set(fault, STATUS_INVALID, "kafka.%s cannot be set: %s",
                             extra->key, REFUSED[i].reason);
        }
    }
    for (size_t i = 0; i < COUNT_OF(FIXED); i++) {
        if (strcmp(bare, FIXED[i].key) == 0 &&
            strcmp(extra->value, FIXED[i].value) != 0) {
            return fault_set(fault, STATUS_INVALID, "kafka.%s must be %s: %s",
                             extra->key, FIXED[i].value, FIXED[i].reason);
        }
    }
    return STATUS_OK;
}

static enum status
client_set_extra(rd_kafka_conf_t *settings,
                 const struct property *extra,
                 enum client_role role,
                 struct fault *fault)
{
    const char *bare = client_key(extra->key, role);
    if (bare == NULL) {
        return STATUS_OK;
    }
    enum status status = client_refuse(extra, bare, fault);
    if (status != STATUS_OK) {
        return status;
    }
    char why[160];
    if (rd_kafka_conf_set(settings, bare, extra->value, why, sizeof(why)) !=
        RD_KAFKA_CONF_OK) {
        return fault_set(fault, STATUS_INVALID, "kafka.%s: %s", extra->key, why);
    }
    return STATUS_OK;
}

static enum status
client_set_role(rd_kafka_conf_t *settings,
                const struct bus_config *bus,
                enum client_role role,
                struct fault *fault)
{
    struct property place[] = {{"bootstrap.servers", bus->bootstrap_servers},
                               {"client.id", bus->client_id}};
    enum status status = client_set_all(settings, place, COUNT_OF(place), fault);
    if (status == STATUS_OK) {
        status = client_set_all(settings, ALL_ROLES, COUNT_OF(ALL_ROLES), fault);
    }
    if (status == STATUS_OK && role == CLIENT_PRODUCER) {
        status = client_set_all(settings, PRODUCER, COUNT_OF(PRODUCER), fault);
    }
    if (status == STATUS_OK && role == CLIENT_CONSUMER) {
        status = client_set_all(settings, CONSUMER, COUNT_OF(CONSUMER), fault);
    }
    if (status == STATUS_OK && role == CLIENT_CONSUMER && bus->dev) {
        status = client_set_all(settings, DEV_CONSUMER, COUNT_OF(DEV_CONSUMER), fault);
    }
    return status;
}

enum status
client_settings(rd_kafka_conf_t **out,
                const struct bus_config *bus,
                enum client_role role,
                const struct property *own,
                size_t own_count,
                struct fault *fault)
{
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(settings, client_log);
    enum status status = client_set_role(settings, bus, role, fault);
    if (status == STATUS_OK) {
        status = client_set_all(settings, own, own_count, fault);
    }
    for (size_t i = 0; status == STATUS_OK && i < bus->extra.count; i++) {
        status = client_set_extra(settings, &bus->extra.items[i], role, fault);
    }
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(settings);
        return status;
    }
    *out = settings;
    return STATUS_OK;
}

enum status
client_create(rd_kafka_t **out,
              rd_kafka_conf_t *settings,
              enum client_role role,
              struct fault *fault)
{
    char why[200];
    rd_kafka_type_t type =
        role == CLIENT_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
    rd_kafka_t *rk = rd_kafka_new(type, settings, why, sizeof(why));
    if (rk == NULL) {
        rd_kafka_conf_destroy(settings);
        return fault_set(fault, STATUS_INVALID, "kafka: %s", why);
    }
    *out = rk;
    return STATUS_OK;
}

enum status
client_ask_partitions(rd_kafka_t *rk,
                      rd_kafka_topic_t *topic,
                      int timeout_ms,
                      int32_t *count)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t error = rd_kafka_metadata(rk, 0, topic, &found, timeout_ms);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return client_status(error);
    }
    bool known =
        found->topic_cnt > 0 && found->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    *count = known ? found->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(found);
    return STATUS_OK;
}
