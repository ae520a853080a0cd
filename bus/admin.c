/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions and orders to the cluster through a client that does nothing else: an admin
 * call was seen to leave a producer unable to deliver (librdkafka 2.0.2).
 */
#include "bus/admin.h"

#include "base/clock.h"
#include "bus/client.h"

#include <librdkafka/rdkafka.h>

#include <stdlib.h>
#include <string.h>

enum { WORDS_SIZE = 200, UNKNOWN = -2 };

struct admin {
    rd_kafka_t *rk;
};

enum status
admin_create(struct admin **out, const struct bus_config *bus, struct fault *fault)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (admin == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "kafka admin: no memory");
    }
    rd_kafka_conf_t *settings = NULL;
    enum status status = client_settings(&settings, bus, CLIENT_ADMIN, NULL, 0, fault);
    if (status == STATUS_OK) {
        status = client_create(&admin->rk, settings, CLIENT_ADMIN, fault);
    }
    if (status != STATUS_OK) {
        free(admin);
        return status;
    }
    *out = admin;
    return STATUS_OK;
}

void
admin_destroy(struct admin **admin)
{
    if (*admin == NULL) {
        return;
    }
    rd_kafka_destroy((*admin)->rk);
    free(*admin);
    *admin = NULL;
}

enum status
admin_brokers(struct admin *admin, int64_t timeout_ns, int *count, struct fault *fault)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(admin->rk, 0, NULL, &found, client_timeout_ms(timeout_ns));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fault_set(fault, STATUS_UNAVAILABLE, "no broker answered: %s",
                         rd_kafka_err2str(error));
    }
    *count = found->broker_cnt;
    rd_kafka_metadata_destroy(found);
    return STATUS_OK;
}

/* An admin call and its answer: options with the timeout, a queue for the event. */
struct order {
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
};

static enum status
order_begin(struct order *order,
            struct admin *admin,
            rd_kafka_admin_op_t kind,
            int64_t timeout_ns,
            struct fault *fault)
{
    char why[WORDS_SIZE];
    *order = (struct order){.options = rd_kafka_AdminOptions_new(admin->rk, kind)};
    rd_kafka_resp_err_t error = rd_kafka_AdminOptions_set_request_timeout(
        order->options, client_timeout_ms(timeout_ns), why, sizeof(why));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_AdminOptions_destroy(order->options);
        return fault_set(fault, STATUS_INVALID, "kafka admin: %s", why);
    }
    order->queue = rd_kafka_queue_new(admin->rk);
    return STATUS_OK;
}

/* librdkafka's own timeout ends the call; a little more for it to arrive. */
static enum status
order_wait(struct order *order, int64_t timeout_ns, struct fault *fault)
{
    int wait_ms = client_timeout_ms(timeout_ns + NS_PER_S);
    order->event = rd_kafka_queue_poll(order->queue, wait_ms);
    if (order->event == NULL) {
        return fault_set(fault, STATUS_UNAVAILABLE, "kafka: no answer");
    }
    if (rd_kafka_event_error(order->event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fault_set(fault, STATUS_UNAVAILABLE, "kafka: %s",
                         rd_kafka_event_error_string(order->event));
    }
    return STATUS_OK;
}

static void
order_end(struct order *order)
{
    if (order->event != NULL) {
        rd_kafka_event_destroy(order->event);
    }
    rd_kafka_queue_destroy(order->queue);
    rd_kafka_AdminOptions_destroy(order->options);
}

static enum status
topic_make(const struct topic_spec *spec,
           rd_kafka_NewTopic_t **out,
           struct fault *fault)
{
    char why[WORDS_SIZE];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        spec->name, spec->partitions, spec->replication, why, sizeof(why));
    if (topic == NULL) {
        return fault_set(fault, STATUS_INVALID, "topic %s: %s", spec->name, why);
    }
    for (size_t i = 0; i < spec->config_count; i++) {
        const struct property *p = &spec->config[i];
        if (rd_kafka_NewTopic_set_config(topic, p->key, p->value) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_NewTopic_destroy(topic);
            return fault_set(fault, STATUS_INVALID, "topic %s: bad setting %s",
                             spec->name, p->key);
        }
    }
    *out = topic;
    return STATUS_OK;
}

static enum status
topic_made(const struct order *order, const char *name, struct fault *fault)
{
    size_t count = 0;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(order->event), &count);
    if (count == 0) {
        return fault_set(fault, STATUS_UNAVAILABLE, "topic %s: no answer", name);
    }
    rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return STATUS_OK;
    }
    const char *words = rd_kafka_topic_result_error_string(results[0]);
    return fault_set(fault, client_status(error), "topic %s: %s", name,
                     words == NULL ? rd_kafka_err2str(error) : words);
}

enum status
admin_create_topic(struct admin *admin,
                   const struct topic_spec *spec,
                   int64_t timeout_ns,
                   struct fault *fault)
{
    rd_kafka_NewTopic_t *topic = NULL;
    struct order order;
    enum status status = topic_make(spec, &topic, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status =
        order_begin(&order, admin, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ns, fault);
    if (status == STATUS_OK) {
        rd_kafka_CreateTopics(admin->rk, &topic, 1, order.options, order.queue);
        status = order_wait(&order, timeout_ns, fault);
        if (status == STATUS_OK) {
            status = topic_made(&order, spec->name, fault);
        }
        order_end(&order);
    }
    rd_kafka_NewTopic_destroy(topic);
    return status;
}

static void
view_partitions(struct topic_view *view, const struct rd_kafka_metadata_topic *topic)
{
    view->exists = topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt > 0;
    if (!view->exists) {
        return;
    }
    view->partitions = topic->partition_cnt;
    view->replication = topic->partitions[0].replica_cnt;
    view->in_sync = topic->partitions[0].isr_cnt;
    for (int i = 1; i < topic->partition_cnt; i++) {
        if (topic->partitions[i].isr_cnt < view->in_sync) {
            view->in_sync = topic->partitions[i].isr_cnt;
        }
    }
}

static enum status
view_metadata(struct admin *admin,
              const char *name,
              int64_t timeout_ns,
              struct topic_view *view,
              struct fault *fault)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(admin->rk, name, NULL);
    if (topic == NULL) {
        return fault_set(fault, STATUS_INVALID, "topic %s: not a name", name);
    }
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(admin->rk, 0, topic, &found, client_timeout_ms(timeout_ns));
    rd_kafka_topic_destroy(topic);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fault_set(fault, STATUS_UNAVAILABLE, "topic %s: %s", name,
                         rd_kafka_err2str(error));
    }
    if (found->topic_cnt > 0) {
        view_partitions(view, &found->topics[0]);
    }
    rd_kafka_metadata_destroy(found);
    return STATUS_OK;
}

static void
view_setting(struct topic_view *view, const char *key, const char *value)
{
    const struct {
        const char *key;
        int64_t *field;
    } NUMBERS[] = {
        {"retention.ms", &view->retention_ms},
        {"min.insync.replicas", &view->min_insync},
        {"max.message.bytes", &view->message_bytes_max},
    };
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        if (strcmp(key, NUMBERS[i].key) == 0) {
            *NUMBERS[i].field = strtoll(value, NULL, 10);
        }
    }
    if (strcmp(key, "cleanup.policy") == 0) {
        view->compacted = strstr(value, "compact") != NULL;
    }
}

static void
view_settings(struct topic_view *view, const struct order *order)
{
    size_t count = 0;
    const rd_kafka_ConfigResource_t **resources =
        rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(order->event), &count);
    if (count == 0) {
        return;
    }
    size_t entry_count = 0;
    const rd_kafka_ConfigEntry_t **entries =
        rd_kafka_ConfigResource_configs(resources[0], &entry_count);
    for (size_t i = 0; i < entry_count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        if (value != NULL) {
            view_setting(view, rd_kafka_ConfigEntry_name(entries[i]), value);
        }
    }
}

enum status
admin_describe_topic(struct admin *admin,
                     const char *name,
                     int64_t timeout_ns,
                     struct topic_view *view,
                     struct fault *fault)
{
    *view = (struct topic_view){
        .retention_ms = UNKNOWN, .min_insync = UNKNOWN, .message_bytes_max = UNKNOWN};
    enum status status = view_metadata(admin, name, timeout_ns, view, fault);
    if (status != STATUS_OK || !view->exists) {
        return status;
    }
    struct order order;
    status = order_begin(&order, admin, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ns,
                         fault);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    rd_kafka_DescribeConfigs(admin->rk, &resource, 1, order.options, order.queue);
    /* Settings may be forbidden to us or unknown to the broker: they stay unknown. */
    if (order_wait(&order, timeout_ns, NULL) == STATUS_OK) {
        view_settings(view, &order);
    }
    rd_kafka_ConfigResource_destroy(resource);
    order_end(&order);
    return STATUS_OK;
}

static enum status
lag_committed(const struct order *order, int64_t *committed)
{
    size_t count = 0;
    const rd_kafka_group_result_t **groups =
        rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(order->event), &count);
    if (count == 0 || rd_kafka_group_result_error(groups[0]) != NULL) {
        return STATUS_UNAVAILABLE;
    }
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_group_result_partitions(groups[0]);
    *committed =
        list->cnt > 0 && list->elems[0].offset >= 0 ? list->elems[0].offset : -1;
    return STATUS_OK;
}

enum status
admin_lag(struct admin *admin,
          const char *group,
          const char *topic,
          int32_t partition,
          int64_t timeout_ns,
          int64_t *committed,
          int64_t *end)
{
    int64_t low = 0;
    rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
        admin->rk, topic, partition, &low, end, client_timeout_ms(timeout_ns));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return client_status(error);
    }
    struct order order;
    enum status status = order_begin(
        &order, admin, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, timeout_ns, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    rd_kafka_ListConsumerGroupOffsets_t *ask =
        rd_kafka_ListConsumerGroupOffsets_new(group, list);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_ListConsumerGroupOffsets(admin->rk, &ask, 1, order.options, order.queue);
    status = order_wait(&order, timeout_ns, NULL);
    if (status == STATUS_OK) {
        status = lag_committed(&order, committed);
    }
    rd_kafka_ListConsumerGroupOffsets_destroy(ask);
    order_end(&order);
    return status;
}
