/* SPDX-License-Identifier: Apache-2.0 */
#include "results/results.h"

#include <criterion/criterion.h>

#include <string.h>

static void
digest(const char *a, const char *b, uint8_t out[static RESULTS_DIGEST_BYTES])
{
    const struct span parts[] = {span_of_text(a), span_of_text(b)};
    cr_assert_eq(results_digest(parts, 2, out), STATUS_OK);
}

Test(digest, differs_where_the_parts_are_cut_differently)
{
    uint8_t one[RESULTS_DIGEST_BYTES];
    uint8_t other[RESULTS_DIGEST_BYTES];
    digest("tenant", "key", one);
    digest("tenant", "key", other);
    cr_assert_eq(memcmp(one, other, sizeof(one)), 0);
    digest("tenan", "tkey", other);
    cr_assert_neq(memcmp(one, other, sizeof(one)), 0);
    digest("", "tenantkey", other);
    cr_assert_neq(memcmp(one, other, sizeof(one)), 0);
}

Test(digest, takes_absent_parts_as_empty_ones)
{
    uint8_t one[RESULTS_DIGEST_BYTES];
    uint8_t other[RESULTS_DIGEST_BYTES];
    const struct span absent[] = {span_of(NULL, 0), span_of_text("b")};
    cr_assert_eq(results_digest(absent, 2, one), STATUS_OK);
    digest("", "b", other);
    cr_assert_eq(memcmp(one, other, sizeof(one)), 0);
}
