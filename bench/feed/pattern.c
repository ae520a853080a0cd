/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A quarter of a bursty stream is busy: 0.25 x 3 + 0.75 x 1/3 = 1, so the mean is the
 * rate. Phases have exponential lengths, 50 ms and 150 ms in the mean, as in the
 * simulator. A gap that would reach into the next phase is drawn anew from its begin,
 * which an exponential one does not notice.
 */
#include "bench/feed/pattern.h"

#include "base/clock.h"

#include <math.h>

#define BUSY_NS (50.0 * NS_PER_MS)
#define CALM_NS (150.0 * NS_PER_MS)

static double
random_unit(struct pattern *p)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return ((double)(p->random >> 11) + 0.5) / 9007199254740992.0;
}

static double
mean_gap_ns(const struct pattern *p, double factor)
{
    const struct pattern_config *c = p->config;
    double all = (double)c->tenants;
    return 1e9 / (c->rate * factor * (all - 1 + c->flood) / all);
}

static double
random_exponential(struct pattern *p)
{
    return -log(random_unit(p));
}

static int64_t
bursty_gap_ns(struct pattern *p)
{
    int64_t at_ns = p->next_ns;
    for (;;) {
        double mean_ns = mean_gap_ns(p, p->busy ? 3 : 1 / 3.0);
        int64_t gap_ns = (int64_t)(random_exponential(p) * mean_ns);
        if (at_ns + gap_ns < p->phase_end_ns) {
            return at_ns + gap_ns - p->next_ns;
        }
        at_ns = p->phase_end_ns;
        p->busy = !p->busy;
        p->phase_end_ns +=
            (int64_t)(random_exponential(p) * (p->busy ? BUSY_NS : CALM_NS));
    }
}

static int64_t
gap_ns(struct pattern *p)
{
    const struct pattern_config *c = p->config;
    if (c->rate <= 0) {
        return 0;
    }
    if (c->bursty) {
        return bursty_gap_ns(p);
    }
    return (int64_t)(mean_gap_ns(p, 1) * (c->poisson ? random_exponential(p) : 1));
}

void
pattern_init(struct pattern *p, const struct pattern_config *config, int64_t now_ns)
{
    *p = (struct pattern){.config = config,
                          .begin_ns = now_ns + config->warm_up_ns,
                          .next_ns = now_ns,
                          .phase_end_ns = now_ns,
                          .random = (uint64_t)config->seed * 0x9e3779b97f4a7c15U};
    p->end_ns = p->begin_ns + config->duration_ns;
    for (int i = 0; i < 8; i++) {
        random_unit(p); /* neighbouring seeds begin alike */
    }
}

int64_t
pattern_next(const struct pattern *p)
{
    int64_t most = p->config->requests;
    bool over = most > 0 ? p->taken >= most : p->next_ns >= p->end_ns;
    return over ? TIME_NEVER : p->next_ns;
}

/* Tenant 0 is drawn `flood` times as often as each of the others. */
static uint32_t
tenant_draw(struct pattern *p)
{
    double others = (double)p->config->tenants - 1;
    double at = random_unit(p) * (others + p->config->flood);
    return at >= others ? 0 : 1 + (uint32_t)at;
}

struct due
pattern_take(struct pattern *p)
{
    const struct pattern_config *c = p->config;
    struct due due = {.due_ns = p->next_ns, .slo_ns = c->slo_ns};
    due.tenant = c->tenants > 1 ? tenant_draw(p) : 0;
    due.second = c->slo2_ns > 0 && random_unit(p) < c->slo2_share;
    if (due.second) {
        due.slo_ns = c->slo2_ns;
    }
    due.counted = p->next_ns >= p->begin_ns;
    p->taken++;
    p->next_ns += gap_ns(p);
    return due;
}
