/* SPDX-License-Identifier: Apache-2.0 */
/* What the user may tune comes first, what the consumer's work depends on last. */
#include "bus/membership.h"

#include "base/clock.h"
#include "bus/client.h"

#include <stdlib.h>

#define SESSION_DEFAULT_NS  (10 * NS_PER_S)
#define FETCH_BYTES_DEFAULT (16LL * 1024 * 1024)

/* Members hear of a rebalance with a heartbeat: its interval is how long the partitions
   of one that left or came have to wait. */
enum { HEARTBEATS_A_SESSION = 20, KIB = 1024 };

static enum status
membership_tunable(rd_kafka_conf_t **out,
                   const struct bus_config *bus,
                   const struct consumer_config *config,
                   struct fault *fault)
{
    int64_t session_ns = config->session_timeout_ns > 0 ? config->session_timeout_ns
                                                        : SESSION_DEFAULT_NS;
    int64_t bytes =
        config->fetch_bytes_max > 0 ? config->fetch_bytes_max : FETCH_BYTES_DEFAULT;
    int heartbeat_ms = client_timeout_ms(session_ns / HEARTBEATS_A_SESSION);
    char kib[CLIENT_NUMBER_SIZE];
    char session[CLIENT_NUMBER_SIZE];
    char heartbeat[CLIENT_NUMBER_SIZE];
    struct property own[] = {
        {"queued.max.messages.kbytes", client_number((bytes + KIB - 1) / KIB, kib)},
        {"session.timeout.ms", client_number(client_timeout_ms(session_ns), session)},
        {"heartbeat.interval.ms", client_number(heartbeat_ms, heartbeat)},
    };
    /* In dev mode the session is how long every rebalance takes: client.c has it. */
    bool is_dev_session = bus->dev && config->session_timeout_ns == 0;
    size_t count = is_dev_session ? 1 : sizeof(own) / sizeof(own[0]);
    return client_settings(out, bus, CLIENT_CONSUMER, own, count, fault);
}

static enum status
membership_fixed(rd_kafka_conf_t *settings,
                 const struct bus_config *bus,
                 const struct consumer_config *config,
                 bool wants_ends,
                 struct fault *fault)
{
    /* librdkafka reads nothing without a group; this one never joins nor commits. */
    const char *group = config->group == NULL ? bus->client_id : config->group;
    enum status status = client_set(settings, "group.id", group, fault);
    if (status == STATUS_OK && config->instance_id != NULL) {
        status = client_set(settings, "group.instance.id", config->instance_id, fault);
    }
    if (status == STATUS_OK && config->client_id != NULL) {
        status = client_set(settings, "client.id", config->client_id, fault);
    }
    if (status == STATUS_OK && wants_ends) {
        status = client_set(settings, "enable.partition.eof", "true", fault);
    }
    return status;
}

enum status
membership_settings(rd_kafka_conf_t **out,
                    const struct bus_config *bus,
                    const struct consumer_config *config,
                    bool wants_ends,
                    struct fault *fault)
{
    rd_kafka_conf_t *settings = NULL;
    enum status status = membership_tunable(&settings, bus, config, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = membership_fixed(settings, bus, config, wants_ends, fault);
    if (status != STATUS_OK) {
        rd_kafka_conf_destroy(settings);
        return status;
    }
    *out = settings;
    return STATUS_OK;
}

rd_kafka_consumer_group_metadata_t *
membership_take(rd_kafka_t *rk)
{
    rd_kafka_consumer_group_metadata_t *membership =
        rd_kafka_consumer_group_metadata(rk);
    /* Asked afterwards: an id that is still there was there before, too. */
    char *id = rd_kafka_memberid(rk);
    bool is_member = id != NULL && id[0] != '\0';
    rd_kafka_mem_free(rk, id);
    if (membership != NULL && !is_member) {
        rd_kafka_consumer_group_metadata_destroy(membership);
        return NULL;
    }
    return membership;
}

rd_kafka_consumer_group_metadata_t *
membership_copy(const rd_kafka_consumer_group_metadata_t *membership)
{
    void *bytes = NULL;
    size_t size = 0;
    rd_kafka_consumer_group_metadata_t *copy = NULL;
    rd_kafka_error_t *error =
        rd_kafka_consumer_group_metadata_write(membership, &bytes, &size);
    if (error == NULL) {
        error = rd_kafka_consumer_group_metadata_read(&copy, bytes, size);
    }
    rd_kafka_mem_free(NULL, bytes);
    if (error != NULL) {
        rd_kafka_error_destroy(error);
        return NULL;
    }
    return copy;
}

int64_t
membership_poll_interval(const rd_kafka_conf_t *settings)
{
    char text[CLIENT_NUMBER_SIZE] = "";
    size_t size = sizeof(text);
    if (rd_kafka_conf_get(settings, "max.poll.interval.ms", text, &size) !=
        RD_KAFKA_CONF_OK) {
        return 0;
    }
    return strtoll(text, NULL, 10) * NS_PER_MS;
}
