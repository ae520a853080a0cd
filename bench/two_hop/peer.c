/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as Leat's own: acks=all, idempotent, no Nagle, fetches that wait for data.
 */
#include "bench/two_hop/peer.h"

#include "base/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static bool
conf_set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char reason[256];
    if (rd_kafka_conf_set(conf, key, value, reason, sizeof(reason)) !=
        RD_KAFKA_CONF_OK) {
        fprintf(stderr, "bench: %s=%s: %s\n", key, value, reason);
        return false;
    }
    return true;
}

static rd_kafka_t *
client_create(rd_kafka_type_t type, const char *brokers, const char *linger_ms)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool good = conf_set(conf, "bootstrap.servers", brokers) &&
                conf_set(conf, "socket.nagle.disable", "true");
    if (type == RD_KAFKA_PRODUCER) {
        good = good && conf_set(conf, "enable.idempotence", "true") &&
               conf_set(conf, "linger.ms", linger_ms);
    } else {
        good = good && conf_set(conf, "group.id", "bench-two-hop") &&
               conf_set(conf, "enable.auto.commit", "false");
    }
    rd_kafka_t *rk = good ? rd_kafka_new(type, conf, reason, sizeof(reason)) : NULL;
    if (rk == NULL) {
        fprintf(stderr, "bench: %s\n", good ? reason : "bad settings");
        rd_kafka_conf_destroy(conf);
    }
    return rk;
}

static bool
assign_from_end(rd_kafka_t *rk, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(partitions);
    bool good = true;
    for (int i = 0; good && i < partitions; i++) {
        int64_t low = 0;
        int64_t high = 0;
        good = rd_kafka_query_watermark_offsets(rk, topic, i, &low, &high, 10000) ==
               RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = high;
    }
    good = good && rd_kafka_assign(rk, list) == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    return good;
}

/* Without it the first record waits up to a second for the topic's leader. */
static bool
warm(struct peer *p)
{
    const struct rd_kafka_metadata *metadata = NULL;
    bool good = rd_kafka_metadata(p->producer, 0, p->topic, &metadata, 10000) ==
                RD_KAFKA_RESP_ERR_NO_ERROR;
    if (good) {
        rd_kafka_metadata_destroy(metadata);
    }
    return good;
}

static bool
wake_on_arrival(struct peer *p)
{
    static const uint64_t one = 1;
    p->arrived = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(p->consumer);
    rd_kafka_queue_io_event_enable(queue, p->arrived, &one, sizeof(one));
    rd_kafka_queue_destroy(queue);
    return p->arrived >= 0;
}

void
peer_wait(struct peer *p, int64_t wait_ns)
{
    struct pollfd poll = {.fd = p->arrived, .events = POLLIN};
    struct timespec wait = {.tv_sec = wait_ns / NS_PER_S,
                            .tv_nsec = wait_ns % NS_PER_S};
    uint64_t count = 0;
    if (ppoll(&poll, 1, &wait, NULL) > 0 &&
        read(p->arrived, &count, sizeof(count)) < 0) {
        return; /* taken already */
    }
}

bool
peer_open(struct peer *p,
          const char *brokers,
          const char *in,
          const char *out,
          const char *linger_ms,
          int partitions)
{
    double linger = strtod(linger_ms, NULL);
    *p = (struct peer){.partitions = partitions};
    p->window_ns = (int64_t)((linger > 1 ? linger : 1) * (double)NS_PER_MS);
    p->consumer = client_create(RD_KAFKA_CONSUMER, brokers, linger_ms);
    p->producer = client_create(RD_KAFKA_PRODUCER, brokers, linger_ms);
    if (p->consumer == NULL || p->producer == NULL) {
        return false;
    }
    rd_kafka_poll_set_consumer(p->consumer);
    if (!wake_on_arrival(p)) {
        return false;
    }
    p->topic = rd_kafka_topic_new(p->producer, out, NULL);
    return p->topic != NULL && warm(p) && assign_from_end(p->consumer, in, partitions);
}

void
peer_close(struct peer *p)
{
    rd_kafka_flush(p->producer, 5000);
    rd_kafka_topic_destroy(p->topic);
    rd_kafka_consumer_close(p->consumer);
    rd_kafka_destroy(p->consumer);
    rd_kafka_destroy(p->producer);
    close(p->arrived);
}

void
peer_send(struct peer *p, const void *data, size_t size, int64_t now_ns)
{
    if (now_ns >= p->turn_ns) {
        p->current = (p->current + 1) % p->partitions;
        p->turn_ns = now_ns + p->window_ns;
    }
    while (rd_kafka_produce(p->topic, p->current, RD_KAFKA_MSG_F_COPY,
                            (void *)(uintptr_t)data, size, NULL, 0, NULL) != 0 &&
           rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(p->producer, 10);
    }
}
