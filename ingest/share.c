/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast room appears is a moving average over whole seconds; a quiet second counts
 * as such.
 */
#include "ingest/share.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>

enum { RETRY_MOST_S = 3600, STALLED_S = 10 };

int64_t
share_retry_s(int64_t due_ns, int64_t now_ns)
{
    int64_t seconds =
        due_ns <= now_ns ? 0 : (due_ns - now_ns + NS_PER_S - 1) / NS_PER_S;
    if (seconds > RETRY_MOST_S) {
        return RETRY_MOST_S;
    }
    return seconds < 1 ? 1 : seconds;
}

int64_t
share_slot(int64_t *slot_ns, int64_t earliest_ns, double rate_per_s)
{
    int64_t due_ns = *slot_ns > earliest_ns ? *slot_ns : earliest_ns;
    *slot_ns = due_ns + (int64_t)((double)NS_PER_S / rate_per_s);
    return due_ns;
}

/* Requests that leave in a second. Before anything is known of it: as if a full server
 * took STALLED_S to be empty. */
static double
leaving_per_s(const struct share *s, int64_t now_ns)
{
    double quiet_s = (double)(now_ns - s->second_ns) / (double)NS_PER_S;
    double rate = quiet_s > 1 ? (double)s->left / quiet_s : s->left_per_s;
    double least = (double)(s->requests + 1) / STALLED_S;
    return s->left_per_s > 0 && rate > 0 ? rate : least;
}

/* Requests that have to leave until one more of so many bytes fits; 0: it fits. */
static double
overhang(const struct share *s, const struct tenant_limits *limits, size_t bytes)
{
    double over = 0;
    if (limits->inflight_max > 0 && s->requests >= (size_t)limits->inflight_max) {
        over = (double)(s->requests - (size_t)limits->inflight_max + 1);
    }
    size_t most = (size_t)limits->inflight_bytes_max;
    if (most > 0 && s->bytes + bytes > most) {
        double each = s->requests == 0 ? 1 : (double)s->bytes / (double)s->requests;
        double needed = ceil((double)(s->bytes + bytes - most) / each);
        over = needed > over ? needed : over;
    }
    return over;
}

static double
burst_of(const struct tenant_limits *limits)
{
    double burst = limits->burst > 0 ? limits->burst : limits->rate_per_s;
    return burst < 1 ? 1 : burst;
}

static void
refill(struct share *s, const struct tenant_limits *limits, int64_t now_ns)
{
    double elapsed_s = (double)(now_ns - s->filled_ns) / (double)NS_PER_S;
    s->spent -= elapsed_s * limits->rate_per_s;
    s->spent = s->spent < 0 ? 0 : s->spent;
    s->filled_ns = now_ns;
}

enum status
share_check(struct share *s,
            const struct tenant_limits *limits,
            size_t bytes,
            int64_t now_ns,
            int64_t *due_ns)
{
    if (limits->inflight_bytes_max > 0 && bytes > (size_t)limits->inflight_bytes_max) {
        return STATUS_TOO_LARGE;
    }
    double over = overhang(s, limits, bytes);
    if (over > 0) {
        double rate = leaving_per_s(s, now_ns);
        int64_t earliest_ns = now_ns + (int64_t)(over / rate * (double)NS_PER_S);
        *due_ns = share_slot(&s->room_slot_ns, earliest_ns, rate);
        return STATUS_FULL;
    }
    if (limits->rate_per_s <= 0) {
        return STATUS_OK;
    }
    refill(s, limits, now_ns);
    double missing = s->spent + 1 - burst_of(limits);
    if (missing <= 0) {
        return STATUS_OK;
    }
    double wait_ns = missing / limits->rate_per_s * (double)NS_PER_S;
    *due_ns =
        share_slot(&s->token_slot_ns, now_ns + (int64_t)wait_ns, limits->rate_per_s);
    return STATUS_FULL;
}

void
share_take(struct share *s, const struct tenant_limits *limits, size_t bytes)
{
    s->requests++;
    s->bytes += bytes;
    s->spent += limits->rate_per_s > 0 ? 1 : 0;
}

void
share_give(struct share *s, size_t bytes, int64_t now_ns)
{
    assert(s->requests > 0 && s->bytes >= bytes);
    s->requests--;
    s->bytes -= bytes;
    s->left++;
    int64_t elapsed_ns = now_ns - s->second_ns;
    if (elapsed_ns >= NS_PER_S) {
        double rate = (double)s->left * (double)NS_PER_S / (double)elapsed_ns;
        s->left_per_s = s->left_per_s > 0 ? (s->left_per_s + rate) / 2 : rate;
        s->left = 0;
        s->second_ns = now_ns;
    }
}

bool
share_tokens(const struct share *s,
             const struct tenant_limits *limits,
             struct share_tokens *tokens)
{
    if (limits->rate_per_s <= 0) {
        return false;
    }
    double burst = burst_of(limits);
    double left = floor(burst - s->spent);
    *tokens = (struct share_tokens){
        .quota = (int64_t)burst,
        .window_s = (int64_t)ceil(burst / limits->rate_per_s),
        .left = left < 0 ? 0 : (int64_t)left,
        .full_in_s = (int64_t)ceil(s->spent / limits->rate_per_s),
    };
    return true;
}
