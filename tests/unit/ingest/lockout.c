/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/lockout.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <string.h>

static struct lockout l;
static uint8_t v4[LOCKOUT_ADDRESS_BYTES] = {
    [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 0, [14] = 0, [15] = 1};

static void
setup(void)
{
    lockout_init(&l, 42);
}

TestSuite(lockout, .init = setup);

static int64_t
fail_times(const uint8_t *address, int times, int64_t now_ns)
{
    int64_t wait_s = 0;
    for (int i = 0; i < times; i++) {
        wait_s = lockout_fail(&l, address, now_ns);
    }
    return wait_s;
}

Test(lockout, begins_after_so_many_failures_and_ends_with_the_minute)
{
    cr_assert_eq(fail_times(v4, LOCKOUT_FAILURES, NS_PER_S), 0);
    cr_assert_eq(lockout_fail(&l, v4, 31 * NS_PER_S), 30);
    cr_assert_eq(lockout_fail(&l, v4, 61 * NS_PER_S), 0);
    cr_assert_eq(fail_times(v4, LOCKOUT_FAILURES - 1, 61 * NS_PER_S), 0);
    cr_assert_eq(lockout_fail(&l, v4, 61 * NS_PER_S), 60);
}

Test(lockout, tells_ipv4_addresses_apart_and_takes_a_64_of_ipv6_for_one)
{
    uint8_t other[LOCKOUT_ADDRESS_BYTES];
    memcpy(other, v4, sizeof(other));
    other[15] = 2;
    cr_assert_gt(fail_times(v4, LOCKOUT_FAILURES + 1, 0), 0);
    cr_assert_eq(lockout_fail(&l, other, 0), 0);
    uint8_t v6[LOCKOUT_ADDRESS_BYTES] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    cr_assert_eq(fail_times(v6, LOCKOUT_FAILURES, 0), 0);
    v6[15] = 77;
    cr_assert_gt(lockout_fail(&l, v6, 0), 0);
    v6[7] = 1;
    cr_assert_eq(lockout_fail(&l, v6, 0), 0);
}

Test(lockout, is_not_forgotten_in_a_storm_from_many_addresses)
{
    cr_assert_gt(fail_times(v4, LOCKOUT_FAILURES + 10, 0), 0);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t address[LOCKOUT_ADDRESS_BYTES] = {0x20, 0x01};
        memcpy(address + 3, &i, sizeof(i));
        lockout_fail(&l, address, 0);
    }
    cr_assert_gt(lockout_fail(&l, v4, 0), 0);
}
