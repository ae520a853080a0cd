/* SPDX-License-Identifier: Apache-2.0 */
/* Asked by the prober's thread, as librdkafka's call for it blocks. */
#include "bus/doubt.h"

#include "base/clock.h"

#define ASK_EVERY_NS (250 * NS_PER_MS)

static void
doubt_answered(void *context, struct probe *probe)
{
    struct doubt *d = context;
    rd_kafka_topic_destroy(probe->topic[0]);
    d->lent = false;
    if (d->state == DOUBT_ASKING && probe->answered && probe->partitions > 0) {
        d->state = DOUBT_OVER;
    }
}

void
doubt_raise(struct doubt *d)
{
    d->state = DOUBT_ASKING;
}

static void
doubt_ask(struct doubt *d, const char *topic)
{
    if (d->prober == NULL &&
        prober_create(&d->prober, d->loop, doubt_answered, d) != STATUS_OK) {
        return;
    }
    rd_kafka_topic_t *handle = rd_kafka_topic_new(d->rk, topic, NULL);
    if (handle == NULL) {
        return;
    }
    d->probe = (struct probe){.rk = {d->rk}, .topic = {handle}};
    d->lent = prober_ask(d->prober, &d->probe) == STATUS_OK;
    if (!d->lent) {
        rd_kafka_topic_destroy(handle);
    }
}

int64_t
doubt_turn(struct doubt *d, const char *topic, int64_t now_ns)
{
    if (d->state != DOUBT_ASKING || d->lent) {
        return TIME_NEVER;
    }
    if (now_ns >= d->ask_ns) {
        d->ask_ns = now_ns + ASK_EVERY_NS;
        doubt_ask(d, topic);
    }
    return d->ask_ns;
}

void
doubt_fini(struct doubt *d)
{
    prober_destroy(&d->prober);
    if (d->lent) {
        rd_kafka_topic_destroy(d->probe.topic[0]);
    }
    *d = (struct doubt){0};
}
