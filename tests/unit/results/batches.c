/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of a batch counts, over order, doubles, strangers, closing and time.
 */
#include "results/batches.h"

#include "base/clock.h"
#include "directory.h"
#include "results/owner.h"
#include "results/store.h"

#include <criterion/criterion.h>

#include <string.h>

enum { PARTITIONS = 4 };

#define TTL_US 3600000000LL

static struct directory directory;
static struct owner owner;
static struct store *store;
static struct batches *batches;
static struct uuid batch;
static int64_t now_us;

static bool
all_read(void *arg, int32_t partition)
{
    (void)arg;
    (void)partition;
    return true;
}

static void
open_all(void)
{
    const struct store_config config = {.directory = directory.path,
                                        .topic = "leat.replies",
                                        .bytes_max = 64 << 20,
                                        .ttl_us = TTL_US};
    struct fault fault = {0};
    cr_assert_eq(store_open(&store, &config, &fault), STATUS_OK, "%s", fault.text);
    const struct batches_config of_batches = {
        .store = store, .owner = &owner, .ttl_us = TTL_US, .caught_up = all_read};
    cr_assert_eq(batches_create(&batches, &of_batches), STATUS_OK);
}

static void
close_all(void)
{
    batches_destroy(&batches);
    store_close(&store);
}

static void
setup(void)
{
    directory_create(&directory);
    now_us = clock_wall_us();
    owner_init(&owner);
    cr_assert_eq(owner_resize(&owner, PARTITIONS), STATUS_OK);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        owner_set(&owner, p, true);
        owner_open(&owner, p);
    }
    open_all();
    cr_assert_eq(owner_mint(&owner, now_us, &batch), STATUS_OK);
}

static void
teardown(void)
{
    close_all();
    owner_fini(&owner);
    directory_remove(&directory);
}

TestSuite(batches, .init = setup, .fini = teardown);

static void
note(const struct uuid *id, enum reply_status status, int32_t lines, const char *tenant)
{
    char text[UUID_TEXT];
    uuid_format(&batch, text);
    const struct reply reply = {.id = *id,
                                .model = span_of_text("m"),
                                .status = status,
                                .batch_size = lines,
                                .tenant = span_of_text(tenant),
                                .batch_id = span_of(text, UUID_TEXT)};
    cr_assert_eq(batches_is_own(&reply), uuid_equal(id, &batch));
    batches_note(batches, &reply, now_us);
}

static void
note_own(enum reply_status status, int32_t lines)
{
    note(&batch, status, lines, "default");
}

static void
note_line(uint32_t line, enum reply_status status)
{
    struct uuid id;
    cr_assert_eq(batches_line_id(batches, &batch, line, &id), STATUS_OK);
    note(&id, status, 1, "default");
}

static struct batch_view
view(void)
{
    struct batch_view v = {0};
    cr_assert_eq(batches_find(batches, &batch, span_of_text("default"), &v), STATUS_OK);
    return v;
}

Test(batches, counts_lines_by_how_they_ended)
{
    note_own(REPLY_QUEUED, 0);
    note_line(2, REPLY_SUCCEEDED);
    note_line(1, REPLY_FAILED);
    note_line(3, REPLY_CANCELED);
    note_own(REPLY_SUCCEEDED, 5);
    note_line(4, REPLY_EXPIRED);
    struct batch_view v = view();
    cr_assert_eq(v.lines, 5);
    cr_assert(v.closed);
    cr_assert_eq(v.ended, 4);
    cr_assert_eq(v.counts[REPLY_SUCCEEDED], 1);
    cr_assert_eq(v.counts[REPLY_FAILED], 1);
    cr_assert_eq(v.counts[REPLY_CANCELED], 1);
    cr_assert_eq(v.counts[REPLY_EXPIRED], 1);
}

Test(batches, remembers_in_which_order_lines_ended_over_a_restart)
{
    static const uint32_t order[] = {3, 1, 2};
    note_own(REPLY_QUEUED, 0);
    for (size_t i = 0; i < 3; i++) {
        note_line(order[i], REPLY_SUCCEEDED);
        close_all();
        open_all();
    }
    uint32_t line = 0;
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(batches_ended(batches, &batch, i, &line), STATUS_OK);
        cr_assert_eq(line, order[i]);
    }
    cr_assert_eq(batches_ended(batches, &batch, 3, &line), STATUS_NOT_FOUND);
    cr_assert_eq(view().ended, 3);
}

Test(batches, learns_how_far_an_upload_came_from_records_in_any_order)
{
    note_own(REPLY_QUEUED, 100);
    note_own(REPLY_QUEUED, 40);
    cr_assert_eq(view().lines, 100);
    cr_assert_not(view().closed);
    note_own(REPLY_SUCCEEDED, 120);
    note_own(REPLY_QUEUED, 110);
    note_own(REPLY_SUCCEEDED, 120);
    cr_assert_eq(view().lines, 120);
    cr_assert(view().closed);
}

Test(batches, counts_no_reply_of_a_stranger)
{
    note_own(REPLY_QUEUED, 0);
    struct uuid id;
    cr_assert_eq(owner_mint(&owner, now_us, &id), STATUS_OK);
    note(&id, REPLY_SUCCEEDED, 1, "default"); /* an id that the batch never gave out */
    cr_assert_eq(batches_line_id(batches, &batch, 1, &id), STATUS_OK);
    note(&id, REPLY_SUCCEEDED, 1, "mallory");
    note(&batch, REPLY_SUCCEEDED, 1000, "mallory");
    cr_assert_eq(view().ended, 0);
    cr_assert_eq(view().lines, 0);
}

Test(batches, is_not_found_by_others_and_not_read_where_it_is_not_owned)
{
    struct batch_view v;
    cr_assert_eq(batches_find(batches, &batch, span_of_text("default"), &v),
                 STATUS_NOT_FOUND);
    note_own(REPLY_QUEUED, 0);
    cr_assert_eq(batches_find(batches, &batch, span_of_text("mallory"), &v),
                 STATUS_NOT_FOUND);
    owner_set(&owner, owner_partition(&owner, &batch), false);
    cr_assert_eq(batches_find(batches, &batch, span_of_text("default"), &v),
                 STATUS_MISDIRECTED);
}

Test(batches, is_forgotten_with_all_its_notes_when_its_time_is_over)
{
    enum { LINES = 5000 };
    note_own(REPLY_SUCCEEDED, LINES);
    for (uint32_t line = 1; line <= LINES; line++) {
        note_line(line, REPLY_SUCCEEDED);
    }
    struct uuid old = batch;
    int64_t now_ns = clock_mono_ns();
    now_ns = batches_turn(batches, now_ns, now_us + TTL_US / 2);
    cr_assert_eq(view().ended, LINES);
    cr_assert_eq(owner_mint(&owner, now_us, &batch), STATUS_OK);
    now_us += TTL_US;
    note_own(REPLY_QUEUED, 1); /* one that is to stay */
    for (int i = 0; i < 10; i++) {
        now_ns = batches_turn(batches, now_ns, now_us + TTL_US / 2);
    }
    struct batch_view v;
    uint32_t line = 0;
    cr_assert_eq(batches_find(batches, &old, span_of_text("default"), &v),
                 STATUS_NOT_FOUND);
    cr_assert_eq(batches_ended(batches, &old, 0, &line), STATUS_NOT_FOUND);
    cr_assert_eq(batches_ended(batches, &old, LINES - 1, &line), STATUS_NOT_FOUND);
    cr_assert_eq(view().lines, 1);
}
