/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/internal.h"

#include "ingest/peer_call.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status
check(const char *listen, const char *advertised, const char *token, struct fault *f)
{
    const struct ingest_config config = {.internal_listen = listen,
                                         .internal_advertised = advertised,
                                         .internal_token_file = token};
    return internal_check(&config, f);
}

Test(internal, needs_nothing_on_a_loopback_address_or_when_off)
{
    struct fault fault;
    cr_assert_eq(check("127.0.0.1:0", NULL, NULL, &fault), STATUS_OK);
    cr_assert_eq(check(NULL, NULL, NULL, &fault), STATUS_OK);
}

Test(internal, refuses_other_machines_without_a_token)
{
    struct fault fault;
    cr_assert_eq(check("10.0.0.1:81", NULL, NULL, &fault), STATUS_INVALID);
    cr_assert(strstr(fault.text, "internal.token.file") != NULL, "%s", fault.text);
    cr_assert_eq(check("10.0.0.1:81", NULL, "/token", &fault), STATUS_OK);
}

Test(internal, wants_to_know_what_to_tell_others_of_a_wildcard)
{
    struct fault fault;
    cr_assert_eq(check("0.0.0.0:81", NULL, "/token", &fault), STATUS_INVALID);
    cr_assert(strstr(fault.text, "internal.advertised") != NULL, "%s", fault.text);
    cr_assert_eq(check("[::]:81", NULL, "/token", &fault), STATUS_INVALID);
    cr_assert_eq(check("0.0.0.0:81", "me:81", "/token", &fault), STATUS_OK);
}

static enum status
open_with(struct peer_caller **out, struct loop *loop, const char *content)
{
    char path[] = "/tmp/leat-token-XXXXXX";
    struct fault fault;
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    enum status status = peer_caller_open(out, loop, path, 4, &fault);
    unlink(path);
    return status;
}

Test(internal, knows_the_token_of_its_file_and_no_other)
{
    struct loop *loop = NULL;
    struct peer_caller *caller = NULL;
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    cr_assert_eq(open_with(&caller, loop, "0123456789abcdef\nsecond line\n"),
                 STATUS_OK);
    cr_assert(peer_token_matches(caller, span_of_text("0123456789abcdef")));
    static const char *const wrong[] = {
        "",
        "0123456789abcde",
        "0123456789abcdeF",
        "0123456789abcdef0",
        "0123456789abcdef0123456789abcdef",
        "loopback",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_assert_not(peer_token_matches(caller, span_of_text(wrong[i])), "%s",
                      wrong[i]);
    }
    cr_assert_not(peer_token_matches(caller, span_of(NULL, 0)));
    peer_caller_close(&caller);
    loop_destroy(&loop);
}

Test(internal, takes_no_token_that_is_short_or_not_visible)
{
    static const char *const contents[] = {"", "\n", "short\n", "0123456789 abcdef\n",
                                           "0123456789\x01"
                                           "bcdef\n"};
    struct loop *loop = NULL;
    struct peer_caller *caller = NULL;
    cr_assert_eq(loop_create(&loop), STATUS_OK);
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        cr_assert_eq(open_with(&caller, loop, contents[i]), STATUS_INVALID, "%zu", i);
    }
    struct fault fault;
    cr_assert_eq(peer_caller_open(&caller, loop, "/there/is/none", 4, &fault),
                 STATUS_INVALID);
    cr_assert(strstr(fault.text, "No such file") != NULL, "%s", fault.text);
    loop_destroy(&loop);
}
