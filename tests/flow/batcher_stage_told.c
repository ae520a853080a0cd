/* SPDX-License-Identifier: Apache-2.0 */
/* What the batcher of a stage says of its versions: the last word on each is kept. */
#include "base/arena.h"
#include "schemas/codec.h"
#include "tests/flow/batcher_stage_state.h"

#include <stdio.h>
#include <string.h>

static void
read_told(const struct record *r, struct stage_told *told)
{
    struct arena arena;
    struct model_info info;
    struct fault fault = {.text = ""};
    arena_init(&arena, 1 << 20);
    stage_must(model_info_decode(r->value, &arena, &info, &fault), &fault);
    told->state = info.state;
    snprintf(told->version, sizeof told->version, "%.*s/%.*s", (int)info.model.size,
             (const char *)info.model.data, (int)info.version.size,
             (const char *)info.version.data);
    snprintf(told->reason, sizeof told->reason, "%.*s", (int)info.reason.size,
             (const char *)info.reason.data);
    arena_fini(&arena);
}

static struct stage_told *
find(struct batcher_stage *s, const char *version)
{
    size_t i = 0;
    while (i < s->told_count && strcmp(s->told[i].version, version) != 0) {
        i++;
    }
    return i < s->told_count ? &s->told[i] : NULL;
}

void
batcher_stage_note_told(struct batcher_stage *s, const struct record *r)
{
    static const char running[] = "running:";
    size_t size = sizeof running - 1;
    bool is_state = r->key.size < size || memcmp(r->key.data, running, size) != 0;
    if (!is_state || r->value.size == 0) {
        return;
    }
    struct stage_told now;
    read_told(r, &now);
    struct stage_told *before = find(s, now.version);
    if (before == NULL) {
        cr_assert_lt(s->told_count, STAGE_TOLD_MAX);
        before = &s->told[s->told_count++];
    }
    *before = now;
}

void
batcher_stage_wait_told(struct batcher_stage *s,
                        const char *version,
                        enum model_state state,
                        const char *reason)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    const struct stage_told *told = find(s, version);
    while (told == NULL || told->state != state || strcmp(told->reason, reason) != 0) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%s is told to be %s: %s", version,
                     told == NULL ? "nothing" : model_state_name(told->state),
                     told == NULL ? "" : told->reason);
        loop_turn(s->loop, NS_PER_MS);
        told = find(s, version);
    }
}
