/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for a model to be loaded. */
#include "batcher/lobby.h"

#include "base/clock.h"

#include <criterion/criterion.h>

enum { COUNT = 4 };

static struct lobby lobby;
static struct item items[COUNT];

/* Two partitions in turn; deadlines at 40, 30, 20 and never. */
static void
set_up(void)
{
    lobby_init(&lobby);
    for (int i = 0; i < COUNT; i++) {
        items[i] =
            (struct item){.entry = {.partition = i % 2,
                                    .deadline_ns = i == 3 ? TIME_NEVER : 40 - 10 * i}};
        lobby_add(&lobby, &items[i]);
    }
}

TestSuite(lobby, .init = set_up);

Test(lobby, gives_out_in_order_of_arrival)
{
    cr_assert_eq(lobby_count(&lobby), COUNT);
    for (int i = 0; i < COUNT; i++) {
        cr_assert(items[i].in_lobby);
        cr_assert_eq(lobby_take(&lobby, -1), &items[i]);
        cr_assert_not(items[i].in_lobby);
    }
    cr_assert_null(lobby_take(&lobby, -1));
}

Test(lobby, gives_out_what_came_from_one_partition)
{
    cr_assert_eq(lobby_take(&lobby, 1), &items[1]);
    cr_assert_eq(lobby_take(&lobby, 1), &items[3]);
    cr_assert_null(lobby_take(&lobby, 1));
    cr_assert_eq(lobby_count(&lobby), 2);
}

Test(lobby, gives_out_what_is_past_its_deadline_and_says_when_the_next_is)
{
    cr_assert_eq(lobby.due_ns, 20);
    cr_assert_null(lobby_expired(&lobby, 19));
    cr_assert_eq(lobby_expired(&lobby, 30), &items[1]);
    cr_assert_eq(lobby_expired(&lobby, 30), &items[2]);
    cr_assert_null(lobby_expired(&lobby, 30));
    cr_assert_eq(lobby.due_ns, 40);
    cr_assert_eq(lobby_expired(&lobby, 40), &items[0]);
    cr_assert_null(lobby_expired(&lobby, INT64_MAX - 1));
    cr_assert_eq(lobby.due_ns, TIME_NEVER);
    cr_assert_eq(lobby_count(&lobby), 1);
}

Test(lobby, lets_any_one_leave)
{
    lobby_remove(&lobby, &items[1]);
    lobby_remove(&lobby, &items[3]);
    cr_assert_eq(lobby_take(&lobby, -1), &items[0]);
    cr_assert_eq(lobby_take(&lobby, -1), &items[2]);
    cr_assert_eq(lobby_count(&lobby), 0);
}
