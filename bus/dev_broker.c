/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librdkafka's mock cluster of one broker. It lives on a client of its own that is used
 * for nothing else.
 */
#include "bus/dev_broker.h"

#include "bus/client.h"

#include <librdkafka/rdkafka_mock.h>

#include <stdlib.h>

enum { BROKER_ID = 1, API_PRODUCE = 0, API_OFFSET_FETCH = 9 };

struct dev_broker {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
};

enum status
dev_broker_create(struct dev_broker **out, struct fault *fault)
{
    struct dev_broker *broker = calloc(1, sizeof(*broker));
    if (broker == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "dev broker: no memory");
    }
    rd_kafka_conf_t *settings = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(settings, NULL); /* it has no brokers, and would say so */
    enum status status = client_create(&broker->rk, settings, CLIENT_ADMIN, fault);
    if (status == STATUS_OK) {
        broker->cluster = rd_kafka_mock_cluster_new(broker->rk, 1);
    }
    if (broker->cluster == NULL) {
        dev_broker_destroy(&broker);
        return fault_set(fault, STATUS_IO, "dev broker: cannot listen on loopback");
    }
    *out = broker;
    return STATUS_OK;
}

void
dev_broker_destroy(struct dev_broker **broker)
{
    struct dev_broker *b = *broker;
    if (b == NULL) {
        return;
    }
    if (b->cluster != NULL) {
        rd_kafka_mock_cluster_destroy(b->cluster);
    }
    if (b->rk != NULL) {
        rd_kafka_destroy(b->rk);
    }
    free(b);
    *broker = NULL;
}

const char *
dev_broker_bootstrap(const struct dev_broker *broker)
{
    return rd_kafka_mock_cluster_bootstraps(broker->cluster);
}

enum status
dev_broker_create_topic(struct dev_broker *broker, const char *name, int32_t partitions)
{
    rd_kafka_resp_err_t error =
        rd_kafka_mock_topic_create(broker->cluster, name, partitions, 1);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? STATUS_OK : client_status(error);
}

void
dev_broker_down(struct dev_broker *broker)
{
    rd_kafka_mock_broker_set_down(broker->cluster, BROKER_ID);
}

void
dev_broker_up(struct dev_broker *broker)
{
    rd_kafka_mock_broker_set_up(broker->cluster, BROKER_ID);
}

static void
dev_broker_push(struct dev_broker *broker, int count, rd_kafka_resp_err_t error)
{
    for (int i = 0; i < count; i++) {
        rd_kafka_mock_push_request_errors(broker->cluster, API_PRODUCE, 1, error);
    }
}

void
dev_broker_fail_produce(struct dev_broker *broker, int count, int retriable)
{
    dev_broker_push(broker, count,
                    retriable ? RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
                              : RD_KAFKA_RESP_ERR_INVALID_RECORD);
}

void
dev_broker_fail_offsets(struct dev_broker *broker)
{
    rd_kafka_mock_push_request_errors(broker->cluster, API_OFFSET_FETCH, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
}

void
dev_broker_fence_producer(struct dev_broker *broker)
{
    dev_broker_push(broker, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
}
