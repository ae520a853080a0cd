/* SPDX-License-Identifier: Apache-2.0 */
/* Stores on a directory of their own. */
#include "store_side.h"

#include "base/clock.h"

#include <criterion/criterion.h>

struct directory side_directory;
int64_t side_now_us;

void
side_setup(void)
{
    directory_create(&side_directory);
    side_now_us = clock_wall_us();
}

void
side_teardown(void)
{
    directory_remove(&side_directory);
}

struct store *
side_open(int64_t bytes_max)
{
    const struct store_config config = {.directory = side_directory.path,
                                        .topic = "leat.replies",
                                        .bytes_max = bytes_max,
                                        .ttl_us = TTL_US,
                                        .delivered_ttl_us = SHORT_TTL_US};
    struct store *s = NULL;
    struct fault fault = {0};
    cr_assert_eq(store_open(&s, &config, &fault), STATUS_OK, "%s", fault.text);
    return s;
}

struct uuid
side_id(uint64_t n)
{
    struct uuid id = {{0}};
    for (int i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    }
    return id;
}

enum status
side_put(
    struct store *s, uint64_t n, bool terminal, const char *text, int64_t arrived_us)
{
    struct uuid id = side_id(n);
    const struct stored r = {
        .arrived_us = arrived_us, .terminal = terminal, .bytes = span_of_text(text)};
    return store_put(s, &id, &r);
}

void
side_set_next(struct store *s, int32_t partition, int64_t next)
{
    store_offset_set(s, partition, (struct store_position){next, side_now_us});
}

int64_t
side_next(struct store *s, int32_t partition)
{
    struct store_position at = {.next = -1};
    enum status status = store_offset_get(s, partition, &at);
    cr_assert_eq(status, at.next < 0 ? STATUS_NOT_FOUND : STATUS_OK);
    return at.next;
}

bool
side_holds(struct store *s, uint64_t n, const char *text, int64_t wall_us)
{
    struct uuid id = side_id(n);
    struct stored r;
    return store_get(s, &id, wall_us, &r) == STATUS_OK && span_is_text(r.bytes, text);
}
