/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of seconds; a slot is cleared when its second comes round again. Latencies
 * fall into buckets that grow by a quarter, so a percentile is right within 12 %.
 */
#include "ingest/pulse.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

enum { LATENCY_BUCKETS = 64, LATENCY_SECONDS = 10, LATENCY_LEAST_NS = 50000 };

struct second {
    int64_t number; /* whole seconds of the monotonic clock; which second this is */
    uint32_t taken;
    uint32_t answered;
    uint64_t batch_rows;
    uint32_t batches;
    uint32_t latencies[LATENCY_BUCKETS];
};

struct pulse {
    struct second seconds[PULSE_SECONDS];
};

enum status
pulse_create(struct pulse **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

void
pulse_destroy(struct pulse **pulse)
{
    free(*pulse);
    *pulse = NULL;
}

static struct second *
second_of(struct pulse *pulse, int64_t number)
{
    struct second *second = &pulse->seconds[number % PULSE_SECONDS];
    if (second->number != number) {
        *second = (struct second){.number = number};
    }
    return second;
}

void
pulse_taken(struct pulse *pulse, int64_t now_ns)
{
    second_of(pulse, now_ns / NS_PER_S)->taken++;
}

void
pulse_answered(struct pulse *pulse,
               int64_t now_ns,
               int64_t latency_ns,
               int32_t batch_size)
{
    struct second *second = second_of(pulse, now_ns / NS_PER_S);
    second->answered++;
    if (batch_size > 0) {
        second->batch_rows += (uint64_t)batch_size;
        second->batches++;
    }
    unsigned bucket = 0;
    for (int64_t top = LATENCY_LEAST_NS; latency_ns > top; top += top / 4) {
        if (++bucket == LATENCY_BUCKETS - 1) {
            break;
        }
    }
    second->latencies[bucket]++;
}

static double
bucket_ms(unsigned bucket)
{
    int64_t top = LATENCY_LEAST_NS;
    for (unsigned i = 0; i < bucket; i++) {
        top += top / 4;
    }
    return (double)top / (double)NS_PER_MS;
}

/* Smallest bucket under which the share of all falls; -1 without any. */
static double
percentile_ms(const uint64_t *buckets, uint64_t all, unsigned percent)
{
    uint64_t seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += buckets[i];
        if (all > 0 && seen * 100 >= all * percent) {
            return bucket_ms(i);
        }
    }
    return -1;
}

static void
latency_write(struct pulse *pulse, int64_t number, struct buf *out)
{
    uint64_t buckets[LATENCY_BUCKETS] = {0};
    uint64_t all = 0;
    for (int64_t n = number - LATENCY_SECONDS + 1; n <= number; n++) {
        const struct second *second = second_of(pulse, n);
        for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
            buckets[i] += second->latencies[i];
            all += second->latencies[i];
        }
    }
    if (all == 0) {
        buf_append_text(out, "\"latency_ms\":null");
        return;
    }
    buf_append_format(out, "\"latency_ms\":{\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f}",
                      percentile_ms(buckets, all, 50), percentile_ms(buckets, all, 95),
                      percentile_ms(buckets, all, 99));
}

void
pulse_write(struct pulse *pulse, int64_t now_ns, struct buf *out)
{
    int64_t number = now_ns / NS_PER_S;
    buf_append_text(out, "\"seconds\":[");
    for (int64_t n = number - PULSE_SECONDS + 1; n <= number; n++) {
        const struct second *second = second_of(pulse, n);
        double batch =
            second->batches == 0 ? 0 : (double)second->batch_rows / second->batches;
        buf_append_format(
            out, "%s{\"taken\":%" PRIu32 ",\"answered\":%" PRIu32 ",\"batch\":%.2f}",
            n == number - PULSE_SECONDS + 1 ? "" : ",", second->taken, second->answered,
            batch);
    }
    buf_append_text(out, "],");
    latency_write(pulse, number, out);
}
