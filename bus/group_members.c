/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question at a time: it is the thread's from group_members_ask() until it lies in
 * the queue of answers, the loop's otherwise.
 */
#include "bus/group_members.h"

#include "base/clock.h"
#include "base/queue.h"
#include "bus/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { ANSWER_MS = 5000, POLL_MS = 100, WORDS_SIZE = 200 };

struct question {
    enum status status;
    struct group_share *shares;
    size_t count;
};

struct group_members {
    struct loop *loop;
    rd_kafka_t *rk;
    struct group_members_config config;
    struct question question;
    struct question stop;
    struct queue *asked;
    struct queue *answered;
    atomic_bool stopping;
    bool has_thread;
    pthread_t thread;
};

static bool
share_add(struct question *q, const char *client_id, int32_t partition)
{
    struct group_share *more = realloc(q->shares, (q->count + 1) * sizeof(*q->shares));
    if (more == NULL) {
        return false;
    }
    q->shares = more;
    struct group_share *share = &more[q->count++];
    share->partition = partition;
    snprintf(share->client_id, sizeof(share->client_id), "%s", client_id);
    return true;
}

static bool
member_read(struct question *q,
            const char *topic,
            const rd_kafka_MemberDescription_t *member)
{
    const rd_kafka_MemberAssignment_t *assignment =
        rd_kafka_MemberDescription_assignment(member);
    const rd_kafka_topic_partition_list_t *list =
        assignment == NULL ? NULL : rd_kafka_MemberAssignment_partitions(assignment);
    const char *client_id = rd_kafka_MemberDescription_client_id(member);
    bool complete = true;
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        if (strcmp(list->elems[i].topic, topic) == 0) {
            complete = share_add(q, client_id == NULL ? "" : client_id,
                                 list->elems[i].partition) &&
                       complete;
        }
    }
    return complete;
}

static enum status
group_read(struct question *q, const char *topic, rd_kafka_event_t *event)
{
    const rd_kafka_DescribeConsumerGroups_result_t *result =
        rd_kafka_event_DescribeConsumerGroups_result(event);
    size_t count = 0;
    const rd_kafka_ConsumerGroupDescription_t **groups =
        result == NULL ? NULL
                       : rd_kafka_DescribeConsumerGroups_result_groups(result, &count);
    if (count != 1 || rd_kafka_ConsumerGroupDescription_error(groups[0]) != NULL ||
        rd_kafka_ConsumerGroupDescription_state(groups[0]) !=
            RD_KAFKA_CONSUMER_GROUP_STATE_STABLE) {
        return STATUS_UNAVAILABLE;
    }
    size_t members = rd_kafka_ConsumerGroupDescription_member_count(groups[0]);
    for (size_t i = 0; i < members; i++) {
        if (!member_read(q, topic,
                         rd_kafka_ConsumerGroupDescription_member(groups[0], i))) {
            return STATUS_NO_MEMORY;
        }
    }
    return STATUS_OK;
}

/* In slices, so that nobody waits for the thread for longer than one. */
static rd_kafka_event_t *
answer_wait(struct group_members *m, rd_kafka_queue_t *queue)
{
    rd_kafka_event_t *event = NULL;
    for (int ms = 0; event == NULL && ms < ANSWER_MS && !atomic_load(&m->stopping);
         ms += POLL_MS) {
        event = rd_kafka_queue_poll(queue, POLL_MS);
    }
    return event;
}

static void
group_ask(struct group_members *m, struct question *q)
{
    char why[WORDS_SIZE];
    const char *groups[] = {m->config.group};
    q->status = STATUS_UNAVAILABLE;
    q->count = 0;
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(m->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(m->rk);
    if (rd_kafka_AdminOptions_set_request_timeout(
            options, ANSWER_MS, why, sizeof(why)) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_DescribeConsumerGroups(m->rk, groups, 1, options, queue);
        rd_kafka_event_t *event = answer_wait(m, queue);
        if (event != NULL &&
            rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            q->status = group_read(q, m->config.topic, event);
        }
        if (event != NULL) {
            rd_kafka_event_destroy(event);
        }
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
}

static void *
members_work(void *arg)
{
    struct group_members *m = arg;
    for (;;) {
        struct question *q = queue_wait(m->asked, 3600 * NS_PER_S);
        if (q == &m->stop) {
            return NULL;
        }
        if (q != NULL) {
            group_ask(m, q);
            enum status status = queue_give(m->answered, q);
            (void)status; /* holds the one question there is */
        }
    }
}

static void
members_answer(void *arg, uint32_t events)
{
    struct group_members *m = arg;
    (void)events;
    struct question *q = queue_take(m->answered);
    if (q != NULL) {
        m->config.fn(m->config.arg, q->status, q->shares, q->count);
    }
}

static enum status
members_open(struct group_members *m, const struct bus_config *bus, struct fault *fault)
{
    rd_kafka_conf_t *settings = NULL;
    enum status status = client_settings(&settings, bus, CLIENT_ADMIN, NULL, 0, fault);
    if (status == STATUS_OK) {
        status = client_create(&m->rk, settings, CLIENT_ADMIN, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = queue_create(&m->asked, 2);
    if (status == STATUS_OK) {
        status = queue_create(&m->answered, 1);
    }
    if (status == STATUS_OK) {
        status = loop_watch(m->loop, queue_fd(m->answered), EPOLLIN, members_answer, m);
    }
    if (status == STATUS_OK) {
        m->has_thread = pthread_create(&m->thread, NULL, members_work, m) == 0;
        status = m->has_thread ? STATUS_OK : STATUS_IO;
    }
    if (status != STATUS_OK) {
        fault_set(fault, status, "kafka group: %s", status_name(status));
    }
    return status;
}

enum status
group_members_create(struct group_members **out,
                     struct loop *loop,
                     const struct bus_config *bus,
                     const struct group_members_config *config,
                     struct fault *fault)
{
    struct group_members *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "kafka group: no memory");
    }
    m->loop = loop;
    m->config = *config;
    enum status status = members_open(m, bus, fault);
    if (status != STATUS_OK) {
        group_members_destroy(&m);
        return status;
    }
    *out = m;
    return STATUS_OK;
}

void
group_members_destroy(struct group_members **members)
{
    struct group_members *m = *members;
    *members = NULL;
    if (m == NULL) {
        return;
    }
    if (m->has_thread) {
        atomic_store(&m->stopping, true);
        enum status status = queue_give(m->asked, &m->stop);
        (void)status; /* has a place beside the one question */
        pthread_join(m->thread, NULL);
    }
    if (m->answered != NULL) {
        loop_unwatch(m->loop, queue_fd(m->answered));
    }
    queue_destroy(&m->asked);
    queue_destroy(&m->answered);
    if (m->rk != NULL) {
        rd_kafka_destroy(m->rk);
    }
    free(m->question.shares);
    free(m);
}

void
group_members_ask(struct group_members *members)
{
    enum status status = queue_give(members->asked, &members->question);
    (void)status; /* has a place for the one question */
}
