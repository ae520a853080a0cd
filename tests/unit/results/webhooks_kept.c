/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries over time and owners: after a restart, by what the journal says, begun
 * anew and listed.
 */
#include "base/clock.h"
#include "webhook_side.h"

#include <criterion/criterion.h>

TestSuite(webhooks_kept, .init = hook_setup, .fini = hook_teardown);

Test(webhooks_kept, go_on_after_a_restart)
{
    hook.receiver.codes[0] = 500;
    hook.receiver.retry_after = "1";
    hook_start_plain();
    struct reply reply = hook_begin();
    hook_await_attempt(&reply);
    webhooks_destroy(&hook.webhooks);
    store_close(&hook.store);
    hook_open_store();
    hook.receiver.codes[1] = 200;
    hook_start_plain();
    hook_settle(&reply);
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_eq(hook_view(&reply).attempts, 2);
    cr_assert_str_eq(hook.receiver.ids[0], hook.receiver.ids[1]);
}

Test(webhooks_kept, are_made_again_after_a_stop_in_the_middle_of_a_call)
{
    hook_start_plain();
    struct reply reply = hook_begin();
    hook_await_calls(1);
    webhooks_destroy(&hook.webhooks);
    hook.receiver.codes[1] = 200;
    hook_start_plain();
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_PENDING);
    hook_settle(&reply);
    cr_assert_str_eq(hook.receiver.ids[0], hook.receiver.ids[1]);
}

Test(webhooks_kept, write_each_outcome_into_the_journal_by_rising_revision)
{
    hook.receiver.codes[0] = 500;
    hook.receiver.codes[1] = 200;
    hook_start_plain();
    hook_deliver();
    cr_assert_eq(hook.journal_count, 3, "begun, failed, delivered");
    for (size_t i = 0; i < hook.journal_count; i++) {
        cr_assert_eq(hook.journal[i].revision, (int64_t)i + 1);
        cr_assert_eq(hook.journal[i].attempts, (int32_t)i);
        cr_assert_eq(hook.journal[i].state == WEBHOOK_DELIVERED, i == 2);
    }
}

Test(webhooks_kept, wait_until_the_journal_is_known_and_go_only_where_it_says_nothing)
{
    hook.receiver.codes[0] = 200;
    hook_start_plain();
    hook.foreign = true;
    struct reply done = hook_reply("/done");
    hook_push(&done);
    struct reply reply = hook_begin();
    for (int i = 0; i < 20; i++) {
        hook_turn();
    }
    cr_assert_eq(hook.receiver.calls, 0);
    cr_assert_eq(hook.journal_count, 0);
    const struct webhook_record delivered = {.id = done.id,
                                             .state = WEBHOOK_DELIVERED,
                                             .revision = 2,
                                             .attempts = 1,
                                             .due_us = clock_wall_us()};
    struct buf b;
    buf_init(&b, 4096);
    webhook_record_encode(&delivered, &b);
    webhooks_learn(hook.webhooks, &delivered, buf_span(&b));
    buf_fini(&b);
    hook.foreign = false;
    webhooks_ownership_changed(hook.webhooks);
    hook_settle(&reply);
    cr_assert_eq(hook.receiver.calls, 1);
    cr_assert_eq(hook_view(&done).state, WEBHOOK_DELIVERED);
    cr_assert_eq(hook_view(&done).revision, 2);
}

Test(webhooks_kept, of_another_owner_are_no_longer_made)
{
    hook.receiver.codes[0] = 500;
    hook.receiver.retry_after = "1";
    hook_start_plain();
    struct reply reply = hook_begin();
    hook_await_attempt(&reply);
    hook.foreign = true;
    webhooks_ownership_changed(hook.webhooks);
    cr_assert_geq(webhooks_turn(hook.webhooks, clock_mono_ns() + 5 * NS_PER_S),
                  clock_mono_ns());
    cr_assert_eq(hook.receiver.calls, 1);
}

Test(webhooks_kept, that_ended_are_begun_anew_when_asked_for)
{
    hook.receiver.codes[0] = 410;
    hook.receiver.codes[1] = 200;
    hook_start_plain();
    struct reply reply = hook_deliver();
    int64_t revision = hook_view(&reply).revision;
    cr_assert_eq(webhooks_redeliver(hook.webhooks, &reply, clock_mono_ns()), STATUS_OK);
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_PENDING);
    cr_assert_eq(hook_view(&reply).attempts, 0);
    hook_settle(&reply);
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_DELIVERED);
    cr_assert_gt(hook_view(&reply).revision, revision);
    cr_assert_str_eq(hook.receiver.ids[0], hook.receiver.ids[1]);
    cr_assert_str_eq(hook.receiver.bodies[0], hook.receiver.bodies[1]);
    reply.webhook.url = span_of(NULL, 0);
    cr_assert_eq(webhooks_redeliver(hook.webhooks, &reply, clock_mono_ns()),
                 STATUS_NOT_FOUND);
}

static void
count_listed(void *arg, const struct webhook_record *record)
{
    size_t *count = arg;
    cr_assert_eq(record->state, WEBHOOK_STOPPED);
    ++*count;
}

Test(webhooks_kept, are_listed_page_by_page_to_their_tenant_only)
{
    enum { COUNT = 5 };
    size_t listed = 0;
    struct webhook_page page = {
        .tenant = span_of_text("default"), .state = WEBHOOK_STOPPED, .limit = 3};
    hook_start_plain();
    for (size_t i = 0; i < COUNT; i++) {
        hook.receiver.codes[i] = 410;
        struct reply reply = hook_reply("/hook");
        reply.tenant = span_of_text(i == 2 ? "other" : "default");
        hook_push(&reply);
        hook_settle(&reply);
    }
    struct delivery_book *book = webhooks_book(hook.webhooks);
    cr_assert(delivery_book_list(book, &page, count_listed, &listed, &page.from));
    cr_assert_eq(listed, 3);
    cr_assert_not(delivery_book_list(book, &page, count_listed, &listed, &page.from));
    cr_assert_eq(listed, 4);
    page.state = WEBHOOK_DELIVERED;
    page.from = (struct uuid){{0}};
    cr_assert_not(delivery_book_list(book, &page, count_listed, &listed, &page.from));
    cr_assert_eq(listed, 4);
}
