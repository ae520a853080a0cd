/* SPDX-License-Identifier: Apache-2.0 */
/* The rate is a moving average over whole seconds; a quiet second counts as such. */
#include "ingest/admission.h"

#include "base/clock.h"

#include <assert.h>

enum { RETRY_LEAST_S = 1, RETRY_STALLED_S = 10, RETRY_MOST_S = 60, DRAIN_SHARE = 10 };

void
admission_init(struct admission *a, size_t requests_max, size_t bytes_max)
{
    *a = (struct admission){.requests_max = requests_max, .bytes_max = bytes_max};
}

enum status
admission_take(struct admission *a, size_t bytes)
{
    if (bytes > a->bytes_max) {
        return STATUS_TOO_LARGE;
    }
    if (a->requests >= a->requests_max || bytes > a->bytes_max - a->bytes) {
        return STATUS_FULL;
    }
    a->requests++;
    a->bytes += bytes;
    return STATUS_OK;
}

void
admission_give(struct admission *a, size_t bytes, int64_t now_ns)
{
    assert(a->requests > 0 && a->bytes >= bytes);
    a->requests--;
    a->bytes -= bytes;
    a->left++;
    int64_t elapsed_ns = now_ns - a->second_ns;
    if (elapsed_ns >= NS_PER_S) {
        double rate = (double)a->left * (double)NS_PER_S / (double)elapsed_ns;
        a->rate_per_s = a->rate_per_s > 0 ? (a->rate_per_s + rate) / 2 : rate;
        a->left = 0;
        a->second_ns = now_ns;
    }
}

int64_t
admission_retry_s(const struct admission *a, int64_t now_ns)
{
    double idle_s = (double)(now_ns - a->second_ns) / (double)NS_PER_S;
    double rate = a->rate_per_s;
    if (idle_s > 1) {
        rate = (double)a->left / idle_s;
    }
    if (rate <= 0) {
        return RETRY_STALLED_S;
    }
    double wanted_s = ((double)a->requests_max / DRAIN_SHARE) / rate;
    if (wanted_s >= RETRY_MOST_S) {
        return RETRY_MOST_S;
    }
    int64_t seconds = (int64_t)wanted_s;
    return seconds < RETRY_LEAST_S ? RETRY_LEAST_S : seconds;
}
