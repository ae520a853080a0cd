/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of cancels, for whom, how long and how much of it. */
#include "batcher/cancel.h"

#include <criterion/criterion.h>

enum { MOST = 4, KEEP = 1000 };

static struct cancels cancels;

static void
start(void)
{
    cancels_init(&cancels, MOST, KEEP, 7);
}

static void
finish(void)
{
    cancels_fini(&cancels);
}

TestSuite(cancels, .init = start, .fini = finish);

static struct uuid
id_of(uint8_t number)
{
    return (struct uuid){.bytes = {[3] = number, [15] = number}};
}

static void
add(uint8_t number, const char *tenant, int64_t now_ns)
{
    struct uuid id = id_of(number);
    cr_assert_eq(cancels_add(&cancels, &id, span_of_text(tenant), now_ns), STATUS_OK);
}

static bool
has(uint8_t number, const char *tenant, int64_t now_ns)
{
    struct uuid id = id_of(number);
    return cancels_has(&cancels, &id, span_of_text(tenant), now_ns);
}

Test(cancels, nothing_is_cancelled_at_first)
{
    cr_assert_not(has(1, "", 0));
}

Test(cancels, a_cancel_is_known_for_its_id_and_tenant_only)
{
    add(1, "acme", 0);
    cr_assert(has(1, "acme", 0));
    cr_assert_not(has(1, "", 0));
    cr_assert_not(has(1, "acm", 0));
    cr_assert_not(has(2, "acme", 0));
}

Test(cancels, a_stranger_cannot_undo_what_the_tenant_cancelled)
{
    add(1, "stranger", 0);
    add(1, "acme", 0);
    add(1, "stranger", 1);
    cr_assert(has(1, "acme", 1));
    cr_assert(has(1, "stranger", 1));
}

Test(cancels, a_cancel_is_forgotten_after_its_time)
{
    add(1, "", 10);
    cr_assert(has(1, "", 10 + KEEP - 1));
    cr_assert_not(has(1, "", 10 + KEEP));
    add(2, "", 10 + KEEP);
    cr_assert_eq(cancels.by_key.count, 1);
}

Test(cancels, the_oldest_is_forgotten_when_there_are_too_many)
{
    for (uint8_t i = 0; i <= MOST; i++) {
        add(i, "", i);
    }
    cr_assert_not(has(0, "", MOST));
    for (uint8_t i = 1; i <= MOST; i++) {
        cr_assert(has(i, "", MOST));
    }
    cr_assert_eq(cancels.by_key.count, MOST);
}

Test(cancels, a_cancel_said_twice_is_kept_once)
{
    add(1, "", 0);
    add(1, "", 5);
    cr_assert_eq(cancels.by_key.count, 1);
    cr_assert_not(has(1, "", KEEP));
    add(1, "", KEEP);
    cr_assert(has(1, "", KEEP + 1));
}
