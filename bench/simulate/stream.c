/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A unit exponential is spent over the phases at the rate of each. Phases have
 * exponential lengths, 50 ms busy and 150 ms calm in the mean: the reference does
 * not tell theirs, these reproduce them.
 */
#include "bench/simulate/stream.h"

#include "base/clock.h"

#include <math.h>

#define BUSY_NS   (50.0 * NS_PER_MS)
#define CALM_NS   (150.0 * NS_PER_MS)
#define BUSY_RATE 3.0
#define CALM_RATE (1.0 / 3)

enum { PHASES_SEED = 104729 };

void
stream_init(struct stream *s, const struct load *load)
{
    *s = (struct stream){.load = load, .busy = true};
    random_init(&s->random, load->seed);
    random_init(&s->phases, load->seed + PHASES_SEED);
    if (!load->bursty) {
        s->phase_end_ns = (double)INFINITY;
    }
}

/** Rate now relative to the mean; begins the next phase where one has ended. */
static double
stream_phase(struct stream *s)
{
    if (!s->load->bursty) {
        return 1;
    }
    if (s->at_ns >= s->phase_end_ns) {
        s->busy = !s->busy;
        s->phase_end_ns =
            s->at_ns + random_exponential(&s->phases) * (s->busy ? BUSY_NS : CALM_NS);
    }
    return s->busy ? BUSY_RATE : CALM_RATE;
}

static void
stream_advance(struct stream *s)
{
    double gap = random_exponential(&s->random);
    for (;;) {
        double per_ns = stream_phase(s) * s->load->rate / 1e9;
        double left = per_ns * (s->phase_end_ns - s->at_ns);
        if (gap <= left) {
            s->at_ns += gap / per_ns;
            return;
        }
        gap -= left;
        s->at_ns = s->phase_end_ns;
    }
}

bool
stream_next(struct stream *s, struct request *r)
{
    const struct load *load = s->load;
    stream_advance(s);
    if (s->at_ns >= (double)load->duration_ns) {
        return false;
    }
    unsigned kind = 0;
    if (load->kind_count > 1 && random_uniform(&s->random) >= load->kinds[0].share) {
        kind = 1;
    }
    const struct kind *k = &load->kinds[kind];
    uint32_t tenant = (uint32_t)(random_uniform(&s->random) * k->tenants);
    int64_t arrived_ns = (int64_t)s->at_ns;
    *r = (struct request){.kind = kind, .number = s->count++};
    r->entry = (struct former_entry){.node = {.at = HEAP_OUTSIDE},
                                     .arrival = r->number,
                                     .arrived_ns = arrived_ns,
                                     .deadline_ns = arrived_ns + k->slo_ns,
                                     .signature = 1,
                                     .tenant = k->first_tenant + tenant,
                                     .level = k->level,
                                     .rows = 1,
                                     .bytes = 1};
    return true;
}
