/* SPDX-License-Identifier: Apache-2.0 */
/* Records of what runs: how many ids they hold, and that no model's state is one. */
#include "schemas/codec.h"

#include <criterion/criterion.h>

enum { LIMIT = 1 << 20 };

static struct arena arena;
static struct buf record;
static struct fault fault;

static void
start(void)
{
    arena_init(&arena, LIMIT);
    buf_init(&record, LIMIT);
}

static void
finish(void)
{
    arena_fini(&arena);
    buf_fini(&record);
}

TestSuite(codec_running, .init = start, .fini = finish);

static enum status
decode_running(struct span bytes)
{
    struct running r;
    fault = (struct fault){0};
    arena_reset(&arena);
    return running_decode(bytes, &arena, &r, &fault);
}

Test(codec_running, more_ids_than_allowed_and_cut_ones_are_refused)
{
    static struct uuid ids[RUNNING_IDS_MAX + 1];
    struct running r = {
        .model = span_of_text("m"), .ids = ids, .id_count = RUNNING_IDS_MAX};
    running_encode(&r, &record);
    cr_assert_eq(decode_running(buf_span(&record)), STATUS_OK, "%s", fault.text);
    cr_assert_eq(decode_running(span_of(record.data, record.size - 2)), STATUS_INVALID);
    static const char cut[] = "ids[1023]: the record ends inside 16 bytes";
    cr_assert_eq(strncmp(fault.text, cut, strlen(cut)), 0, "%s", fault.text);
    buf_reset(&record);
    r.id_count++;
    running_encode(&r, &record);
    cr_assert_eq(decode_running(buf_span(&record)), STATUS_TOO_LARGE, "%s", fault.text);
}

Test(codec_running, a_model_state_and_what_runs_are_not_taken_for_each_other)
{
    const struct running r = {.model = span_of_text("m")};
    struct model_info info;
    running_encode(&r, &record);
    arena_reset(&arena);
    cr_assert_eq(model_info_decode(buf_span(&record), &arena, &info, &fault),
                 STATUS_UNSUPPORTED);
    info = (struct model_info){.model = span_of_text("m")};
    buf_reset(&record);
    model_info_encode(&info, &record);
    cr_assert_eq(decode_running(buf_span(&record)), STATUS_UNSUPPORTED);
}
