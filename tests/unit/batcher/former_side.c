/* SPDX-License-Identifier: Apache-2.0 */
/* The costs are observed often enough that no deviation is left. */
#include "former_side.h"

#include <criterion/criterion.h>

int64_t
side_run_ns(uint32_t rows)
{
    return NS_PER_MS + 100 * NS_PER_US * rows;
}

int64_t
side_stage_ns(uint32_t rows)
{
    return 100 * NS_PER_US + NS_PER_US * rows;
}

static void
learn(struct cost *c, int64_t (*cost_ns)(uint32_t))
{
    cost_init(c, 64, NULL, 0);
    for (uint32_t rows = 1; rows <= 64; rows *= 2) {
        for (int i = 0; i < 100; i++) {
            cost_observe(c, rows, cost_ns(rows));
        }
    }
}

void
side_open(struct side *s, size_t entries_max, struct former_config config)
{
    *s = (struct side){0};
    learn(&s->run, side_run_ns);
    learn(&s->stage, side_stage_ns);
    s->ask = (struct former_ask){
        .rows_max = 16, .bytes_max = 1 << 16, .run = &s->run, .stage = &s->stage};
    config.entries_max = entries_max;
    config.bytes_max = config.bytes_max > 0 ? config.bytes_max : 1 << 20;
    cr_assert_eq(former_create(&s->f, &config), STATUS_OK);
}

void
side_close(struct side *s)
{
    former_destroy(&s->f);
}

struct former_entry
side_entry(int64_t deadline_ns)
{
    return (struct former_entry){.deadline_ns = deadline_ns,
                                 .signature = 1,
                                 .tenant = 1,
                                 .level = 1,
                                 .rows = 1,
                                 .bytes = 8};
}

void
side_add(struct side *s, struct former_entry *e)
{
    cr_assert_eq(former_add(s->f, e), STATUS_OK);
}

void
side_add_all(struct side *s,
             struct former_entry *entries,
             int count,
             int64_t deadline_ns)
{
    for (int i = 0; i < count; i++) {
        entries[i] = side_entry(deadline_ns);
        side_add(s, &entries[i]);
    }
}

struct former_list
side_take(struct side *s)
{
    struct former_list batch;
    struct former_list shed;
    former_take(s->f, &s->ask, &batch, &shed);
    cr_assert_eq(shed.count, 0);
    return batch;
}
