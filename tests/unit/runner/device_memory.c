/* SPDX-License-Identifier: Apache-2.0 */
/* What loads have taken of a device, by a driver of ours (tests/support/plugins). */
#include "runner/device_memory.h"

#include <criterion/criterion.h>

#include <dlfcn.h>

/* Memory of its second device. */
static size_t *
open_driver(void)
{
    void *driver = dlopen(LEAT_PLUGIN_DIR "/driver.so", RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(driver);
    return dlsym(driver, "driver_free_bytes");
}

Test(device_memory, tells_what_was_taken_once_over_all_instances)
{
    size_t *left = open_driver();
    device_memory_begin("cuda:1");
    *left -= 1000;
    device_memory_begin("cuda:1"); /* of a second instance */
    *left -= 500;
    cr_assert_eq(device_memory_claim(), 1500);
    cr_assert_eq(device_memory_claim(), 0);
    *left -= 200;
    cr_assert_eq(device_memory_claim(), 200);
}

Test(device_memory, takes_what_others_give_back_for_nothing)
{
    size_t *left = open_driver();
    device_memory_begin("cuda:1");
    *left += 1000;
    cr_assert_eq(device_memory_claim(), 0);
    *left -= 3000;
    cr_assert_eq(device_memory_claim(), 2000);
    *left += 500;
    cr_assert_eq(device_memory_claim(), 0);
}

Test(device_memory, knows_nothing_of_what_is_no_cuda_device_or_not_there)
{
    size_t *left = open_driver();
    device_memory_begin("cpu");
    *left -= 1000;
    cr_assert_eq(device_memory_claim(), 0);
    device_memory_begin("cuda:7");
    *left -= 1000;
    cr_assert_eq(device_memory_claim(), 0);
    device_memory_begin("cuda"); /* of which this driver does not say what is free */
    *left -= 1000;
    cr_assert_eq(device_memory_claim(), 0);
}

Test(device_memory, does_without_a_driver)
{
    device_memory_begin("cpu:1");
    cr_assert_eq(device_memory_claim(), 0);
}
