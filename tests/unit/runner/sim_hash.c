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

Test(sim_hash, has_a_number_below_one_to_go_with_it)
{
    cr_assert_eq(sim_value(0), 0.0F);
    cr_assert_eq(sim_value(UINT64_C(1) << 63), 0.5F);
    cr_assert_lt(sim_value(UINT64_MAX), 1.0F);
}
