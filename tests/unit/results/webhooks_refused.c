/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries that are not made: by their URL, the bound, the events or the secrets. */
#include "base/clock.h"
#include "webhook_side.h"

#include <criterion/criterion.h>

#include <string.h>

TestSuite(webhooks_refused, .init = hook_setup, .fini = hook_teardown);

Test(webhooks_refused, to_private_addresses_are_refused_by_default)
{
    struct webhooks_config config = hook_config(hook_secret(SECRET));
    config.allow_private = false;
    hook_start(&config);
    struct reply reply = hook_deliver();
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_EXHAUSTED);
    cr_assert_eq(hook.receiver.calls, 0);
}

Test(webhooks_refused, go_only_to_who_wanted_this_ending)
{
    const struct span failed[] = {span_of_text("failed"), span_of_text("expired")};
    hook_start_plain();
    struct reply reply = hook_reply("/hook");
    reply.webhook.events = failed;
    reply.webhook.event_count = 2;
    hook_push(&reply);
    cr_assert_not(hook_is_known(&reply));
    reply = hook_reply("/hook");
    reply.webhook.events = failed;
    reply.webhook.event_count = 2;
    reply.status = REPLY_EXPIRED;
    hook.receiver.codes[0] = 200;
    hook_push(&reply);
    hook_settle(&reply);
    cr_assert_not_null(strstr(hook.receiver.bodies[0], "\"inference.expired\""));
}

Test(webhooks_refused, over_the_bound_end_at_once)
{
    struct webhooks_config config = hook_config(hook_secret(SECRET));
    config.pending_max = 1;
    hook_start(&config);
    struct reply first = hook_begin();
    struct reply second = hook_begin();
    cr_assert_eq(hook_view(&first).state, WEBHOOK_PENDING);
    cr_assert_eq(hook_view(&second).state, WEBHOOK_EXHAUSTED);
}

Test(webhooks_refused, without_a_secret_end_at_once)
{
    struct webhooks_config config = hook_config(NULL);
    hook_start(&config);
    cr_assert_not(webhooks_enabled(hook.webhooks));
    struct reply reply = hook_begin();
    cr_assert_eq(hook_view(&reply).state, WEBHOOK_EXHAUSTED);
}

Test(webhooks_refused, with_urls_that_are_none_end_at_once)
{
    static const char *const urls[] = {"hook", "file:///etc/passwd", "http://[::1",
                                       "gopher://127.0.0.1/"};
    hook_start_plain();
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct reply reply = hook_reply("/hook");
        reply.webhook.url = span_of_text(urls[i]);
        hook_push(&reply);
        hook_settle(&reply);
        cr_assert_eq(hook_view(&reply).state, WEBHOOK_EXHAUSTED, "%s", urls[i]);
    }
}

Test(webhooks_refused, are_not_created_with_a_bad_secret_file)
{
    struct fault fault;
    struct webhooks_config config = hook_config(hook_secret("nonsense\n"));
    cr_assert_eq(
        webhooks_create(&hook.webhooks, hook.loop, hook.store, &config, &fault),
        STATUS_INVALID);
    cr_assert_null(hook.webhooks);
}

Test(webhooks_refused, are_signed_with_the_new_secrets_after_a_reload)
{
    hook.receiver.codes[0] = 200;
    hook.receiver.codes[1] = 200;
    hook_start_plain();
    hook_deliver();
    cr_assert_null(strchr(hook.receiver.signatures[0], ' '));
    directory_write(&hook.directory, "secret",
                    SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    cr_assert_eq(webhooks_reload(hook.webhooks, NULL), STATUS_OK);
    hook_deliver();
    cr_assert_not_null(strchr(hook.receiver.signatures[1], ' '));
    directory_write(&hook.directory, "secret", "nonsense\n");
    cr_assert_eq(webhooks_reload(hook.webhooks, NULL), STATUS_INVALID);
    cr_assert(webhooks_enabled(hook.webhooks));
}
