/* SPDX-License-Identifier: Apache-2.0 */
/* buf, arena, heap, map, uuid: what the rest of the code leans on, checked at its
 * edges. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/uuid.h"

#include <criterion/criterion.h>

#include <stdlib.h>

Test(buf, refuses_to_pass_its_limit_and_keeps_what_it_has)
{
    struct buf b;
    buf_init(&b, 10);
    buf_append_text(&b, "12345678");
    buf_append_text(&b, "90x");
    cr_assert_eq(b.status, STATUS_TOO_LARGE);
    cr_assert_eq(b.size, 8);
    buf_append_byte(&b, 'y');
    cr_assert_eq(b.size, 8, "a failed buffer stays failed");
    buf_reset(&b);
    buf_append_format(&b, "%d-%s", 12345, "abc");
    cr_assert(span_is_text(buf_span(&b), "12345-abc"));
    buf_fini(&b);
}

Test(buf, hands_its_memory_over)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_append_text(&b, "hello");
    size_t size = 0;
    uint8_t *data = buf_take(&b, &size);
    cr_assert_eq(size, 5);
    cr_assert_eq(b.size, 0);
    cr_assert_null(b.data);
    free(data);
    buf_fini(&b);
}

Test(arena, gives_zeroed_aligned_memory_up_to_its_limit)
{
    struct arena a;
    arena_init(&a, 100000);
    for (unsigned round = 0; round < 3; round++) {
        size_t given = 0;
        uint8_t *at = NULL;
        while ((at = arena_alloc(&a, 777)) != NULL) {
            cr_assert_eq((uintptr_t)at % 16, 0);
            cr_assert_eq(at[0] | at[776], 0);
            memset(at, 0xff, 777);
            given += 777;
        }
        cr_assert(given > 50000 && given <= 100000);
        arena_reset(&a);
    }
    cr_assert_null(arena_array(&a, SIZE_MAX / 2, 4), "overflow is refused");
    arena_fini(&a);
}

struct number {
    struct heap_node node;
    int value;
};

static bool
number_less(const struct heap_node *a, const struct heap_node *b)
{
    return ((const struct number *)(const void *)a)->value <
           ((const struct number *)(const void *)b)->value;
}

Test(heap, moves_a_node_whose_order_has_changed)
{
    enum { COUNT = 300 };
    static struct number numbers[COUNT];
    struct heap h;
    heap_init(&h, COUNT, number_less);
    srand(5);
    for (unsigned i = 0; i < COUNT; i++) {
        numbers[i] = (struct number){.node.at = HEAP_OUTSIDE, .value = rand() % 500};
        cr_assert_eq(heap_insert(&h, &numbers[i].node), STATUS_OK);
    }
    for (unsigned i = 0; i < 1000; i++) {
        struct number *n = &numbers[rand() % COUNT];
        n->value = rand() % 500;
        heap_update(&h, &n->node);
    }
    int last = -1;
    for (struct heap_node *n = NULL; (n = heap_pop(&h)) != NULL;) {
        int value = ((struct number *)(void *)n)->value;
        cr_assert_geq(value, last);
        last = value;
    }
    heap_fini(&h);
}

Test(heap, pops_in_order_after_random_inserts_and_removals)
{
    enum { COUNT = 2000 };
    static struct number numbers[COUNT];
    struct heap h;
    heap_init(&h, COUNT, number_less);
    srand(7);
    for (unsigned i = 0; i < COUNT; i++) {
        numbers[i] = (struct number){.node.at = HEAP_OUTSIDE, .value = rand() % 500};
        cr_assert_eq(heap_insert(&h, &numbers[i].node), STATUS_OK);
    }
    struct number extra = {.node.at = HEAP_OUTSIDE};
    cr_assert_eq(heap_insert(&h, &extra.node), STATUS_FULL);
    for (unsigned i = 0; i < COUNT; i += 3) {
        heap_remove(&h, &numbers[i].node);
        cr_assert_eq(numbers[i].node.at, HEAP_OUTSIDE);
        heap_remove(&h, &numbers[i].node);
    }
    int last = -1;
    size_t popped = 0;
    for (struct heap_node *n = NULL; (n = heap_pop(&h)) != NULL; popped++) {
        int value = ((struct number *)(void *)n)->value;
        cr_assert_geq(value, last);
        last = value;
    }
    cr_assert_eq(popped, COUNT - (COUNT + 2) / 3);
    heap_fini(&h);
}

Test(map, agrees_with_a_plain_array_under_random_operations)
{
    enum { COUNT = 700 };
    static struct uuid ids[COUNT];
    static bool present[COUNT];
    struct uuid_source source;
    uuid_source_init(&source);
    struct map m;
    map_init(&m, COUNT, 12345);
    for (unsigned i = 0; i < COUNT; i++) {
        ids[i] = uuid_mint(&source, 1000000);
    }
    srand(3);
    for (unsigned step = 0; step < 100000; step++) {
        unsigned i = (unsigned)rand() % COUNT;
        if (rand() % 2 == 0) {
            enum status want = present[i] ? STATUS_CONFLICT : STATUS_OK;
            cr_assert_eq(map_insert(&m, &ids[i], &ids[i]), want);
            present[i] = true;
        } else {
            cr_assert_eq(map_remove(&m, &ids[i]), present[i] ? &ids[i] : NULL);
            present[i] = false;
        }
        unsigned j = (unsigned)rand() % COUNT;
        cr_assert_eq(map_find(&m, &ids[j]), present[j] ? &ids[j] : NULL);
    }
    map_fini(&m);
}

Test(map, is_full_at_its_limit)
{
    struct uuid_source source;
    uuid_source_init(&source);
    struct map m;
    map_init(&m, 2, 1);
    int value = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct uuid id = uuid_mint(&source, 5);
        cr_assert_eq(map_insert(&m, &id, &value), i < 2 ? STATUS_OK : STATUS_FULL);
    }
    map_fini(&m);
}

Test(map, lists_the_ids_of_its_entries)
{
    enum { COUNT = 100 };
    struct uuid_source source;
    uuid_source_init(&source);
    struct map m;
    map_init(&m, COUNT, 1);
    struct uuid ids[COUNT];
    cr_assert_eq(map_ids(&m, ids, COUNT), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        struct uuid id = uuid_mint(&source, 5);
        cr_assert_eq(map_insert(&m, &id, &m), STATUS_OK);
    }
    cr_assert_eq(map_ids(&m, ids, COUNT), COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        cr_assert_eq(map_remove(&m, &ids[i]), &m);
    }
    cr_assert_eq(m.count, 0);
    map_fini(&m);
}

Test(uuid, is_version_7_and_reads_back)
{
    struct uuid_source source;
    uuid_source_init(&source);
    for (unsigned i = 0; i < 1000; i++) {
        struct uuid id = uuid_mint(&source, clock_wall_us());
        char text[UUID_TEXT + 1] = "";
        uuid_format(&id, text);
        cr_assert_eq(text[14], '7');
        cr_assert(strchr("89ab", text[19]) != NULL);
        struct uuid read;
        cr_assert_eq(uuid_parse(span_of_text(text), &read), STATUS_OK);
        cr_assert(uuid_equal(&id, &read));
    }
}

Test(uuid, keeps_its_time_and_version_when_varied)
{
    struct uuid_source source;
    uuid_source_init(&source);
    struct uuid id = uuid_mint(&source, 1700000000000000);
    struct uuid varied = id;
    uuid_vary(&source, &varied);
    cr_assert_eq(memcmp(id.bytes, varied.bytes, UUID_BYTES - 2), 0);
}

Test(uuid, refuses_what_is_not_one)
{
    static const char *const bad[] = {
        "",
        "0192d3a4-5b6c-7d8e-9f0a-1b2c3d4e5f6",
        "0192d3a4-5b6c-7d8e-9f0a-1b2c3d4e5f601",
        "0192d3a4x5b6c-7d8e-9f0a-1b2c3d4e5f60",
        "0192d3a4-5b6c-7d8e-9f0a-1b2c3d4e5fg0",
        "0192d3a45b6c-7d8e-9f0a-1b2c-3d4e5f60",
    };
    struct uuid id;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(uuid_parse(span_of_text(bad[i]), &id), STATUS_INVALID, "%s",
                     bad[i]);
    }
}
