/* SPDX-License-Identifier: Apache-2.0 */
/* The hash that other rooms and tools compute for themselves. */
#include "runner/sim_hash.h"

#include <criterion/criterion.h>

/* Vectors of draft-eastlake-fnv, appendix C (FNV-1a, 64 bits). */
Test(sim_hash, is_fnv_1a)
{
    cr_assert_eq(sim_hash(span_of_text("")), UINT64_C(0xcbf29ce484222325));
    cr_assert_eq(sim_hash(span_of_text("a")), UINT64_C(0xaf63dc4c8601ec8c));
    cr_assert_eq(sim_hash(span_of_text("foobar")), UINT64_C(0x85944171f73967e8));
}
