/* SPDX-License-Identifier: Apache-2.0 */
/* What the batcher of a stage says of what runs. */
#include "base/arena.h"
#include "schemas/codec.h"
#include "tests/flow/batcher_stage_state.h"

#include <string.h>

void
batcher_stage_note_running(struct batcher_stage *s, const struct record *r)
{
    static const char key[] = "running:m@";
    if (r->key.size < sizeof key - 1 || memcmp(r->key.data, key, sizeof key - 1) != 0) {
        return;
    }
    s->running_told++;
    s->running_count = 0;
    if (r->value.size == 0) {
        return;
    }
    struct arena arena;
    struct running running;
    struct fault fault = {.text = ""};
    arena_init(&arena, 1 << 20);
    stage_must(running_decode(r->value, &arena, &running, &fault), &fault);
    cr_assert(span_is_text(running.model, "m"));
    for (size_t i = 0; i < running.id_count && i < STAGE_RUNNING_MAX; i++) {
        s->running[s->running_count++] = running.ids[i];
    }
    arena_fini(&arena);
}

size_t
batcher_stage_running_told(const struct batcher_stage *s)
{
    return s->running_told;
}

bool
batcher_stage_says_running(const struct batcher_stage *s,
                           const struct stage_result *result)
{
    for (size_t i = 0; i < s->running_count; i++) {
        if (uuid_equal(&s->running[i], &result->id)) {
            return true;
        }
    }
    return false;
}

void
batcher_stage_wait_running_told(struct batcher_stage *s, size_t count)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (s->running_told < count) {
        cr_assert_lt(clock_mono_ns(), end_ns, "told %zu times", s->running_told);
        loop_turn(s->loop, 10 * NS_PER_MS);
    }
}
