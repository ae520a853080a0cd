/* SPDX-License-Identifier: Apache-2.0 */
/* All latencies are kept and sorted once: no bucket hides a tail. */
#include "bench/load/load.h"

#include <stdio.h>
#include <stdlib.h>

bool
tally_init(struct tally *t, size_t capacity)
{
    *t = (struct tally){.capacity = capacity};
    t->latencies_us = malloc(capacity * sizeof(uint32_t));
    return t->latencies_us != NULL;
}

void
tally_fini(struct tally *t)
{
    free(t->latencies_us);
}

void
tally_add(struct tally *t, enum ending ending, int64_t latency_ns, int code)
{
    t->endings[ending]++;
    if (ending != ENDING_RIGHT) {
        t->last_code = code;
        return;
    }
    if (t->count < t->capacity) {
        t->latencies_us[t->count++] = (uint32_t)(latency_ns / 1000);
    }
}

static int
ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double
quantile_ms(const struct tally *t, double q)
{
    if (t->count == 0) {
        return 0;
    }
    size_t at = (size_t)(q * (double)(t->count - 1) + 0.5);
    return t->latencies_us[at] / 1000.0;
}

void
tally_print(struct tally *t, double seconds)
{
    qsort(t->latencies_us, t->count, sizeof(uint32_t), ascending);
    double sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        sum += t->latencies_us[i];
    }
    printf("{\"right\": %llu, \"wrong\": %llu, \"refused\": %llu, \"failed\": %llu, "
           "\"last_code\": %d, \"seconds\": %.3f, \"rate\": %.1f, \"mean_ms\": %.3f, "
           "\"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"p999_ms\": %.3f, "
           "\"max_ms\": %.3f}\n",
           (unsigned long long)t->endings[ENDING_RIGHT],
           (unsigned long long)t->endings[ENDING_WRONG],
           (unsigned long long)t->endings[ENDING_REFUSED],
           (unsigned long long)t->endings[ENDING_FAILED], t->last_code, seconds,
           (double)t->endings[ENDING_RIGHT] / seconds,
           t->count == 0 ? 0 : sum / (double)t->count / 1000, quantile_ms(t, .5),
           quantile_ms(t, .9), quantile_ms(t, .99), quantile_ms(t, .999),
           quantile_ms(t, 1));
}
