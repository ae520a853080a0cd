/* SPDX-License-Identifier: Apache-2.0 */
/* The generator and the distributions by inversion and by Box and Muller. */
#include "bench/simulate/random.h"

#include <math.h>

void
random_init(struct random *r, uint64_t seed)
{
    r->state = seed * UINT64_C(0xD1342543DE82EF95) + 1;
}

static uint64_t
random_bits(struct random *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

double
random_uniform(struct random *r)
{
    return ((double)(random_bits(r) >> 11) + 0.5) * 0x1p-53;
}

double
random_exponential(struct random *r)
{
    return -log(random_uniform(r));
}

double
random_normal(struct random *r)
{
    double radius = sqrt(2 * random_exponential(r));
    return radius * cos(2 * M_PI * random_uniform(r));
}
