/* SPDX-License-Identifier: Apache-2.0 */
/* The table of policies. */
#include "bench/simulate/policy.h"

#include "base/clock.h"

#include <string.h>

const struct policy policies[] = {
    {"fixed-32-10ms", &policy_fixed, 32, 10 * NS_PER_MS, 1},
    {"fixed-full-5ms", &policy_fixed, 0, 5 * NS_PER_MS, 1},
    {"fixed-full-2ms", &policy_fixed, 0, 2 * NS_PER_MS, 1},
    {"greedy", &policy_fixed, 0, 0, 1},
    {"eager", &policy_fixed, 0, 0, 2},
    {"aimd", &policy_aimd, 0, 0, 1},
    {"bentoml", &policy_bentoml, 0, 0, 1},
    {"jit-edf", &policy_jit, 0, 0, FORMER_DEPTH},
    {NULL, NULL, 0, 0, 0},
};

const struct policy *
policy_find(const char *name)
{
    const struct policy *p = policies;
    while (p->name != NULL && strcmp(p->name, name) != 0) {
        p++;
    }
    return p->name == NULL ? NULL : p;
}
