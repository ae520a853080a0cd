/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures against the example of the specification, and secrets in files. */
#include "results/signature.h"

#include "directory.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define KEY            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define EXAMPLE_SECRET "whsec_" KEY
#define SECOND_SECRET  "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static struct directory directory;

static void
setup(void)
{
    directory_create(&directory);
}

static void
teardown(void)
{
    directory_remove(&directory);
}

TestSuite(signature, .init = setup, .fini = teardown);

static enum status
read_text(struct secrets *s, const char *text, struct fault *fault)
{
    return secrets_read(s, directory_write(&directory, "secrets", text), fault);
}

static void
check_example(const struct secrets *s, const char *expected)
{
    struct buf b;
    buf_init(&b, 4096);
    signature_write(s, span_of_text("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                    span_of_text("{\"test\": 2432232314}"), &b);
    cr_assert_eq(b.status, STATUS_OK);
    buf_append_byte(&b, '\0');
    cr_assert_str_eq((const char *)b.data, expected);
    buf_fini(&b);
}

/* Example of the reference libraries of standard-webhooks; computed anew with Python's
 * hmac module. */
Test(signature, is_the_one_of_the_specification)
{
    struct secrets s;
    cr_assert_eq(read_text(&s, EXAMPLE_SECRET "\n", NULL), STATUS_OK);
    check_example(&s, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

Test(signature, is_given_once_for_each_secret)
{
    struct secrets s;
    const char *text = "# new\n" SECOND_SECRET "\r\n\n# old\n" EXAMPLE_SECRET;
    cr_assert_eq(read_text(&s, text, NULL), STATUS_OK);
    cr_assert_eq(s.count, 2);
    check_example(&s, "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI= "
                      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    secrets_fini(&s);
    cr_assert_eq(s.count, 0);
}

Test(signature, refuses_secret_files_that_are_none_naming_the_line)
{
    static const char *const bad[] = {
        "\n\nMfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "\n\nwhsec_\n",
        "\n\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==\n",
        "\n\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!\n",
        "\n\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\n",
        "\n\nwhsec_" KEY KEY KEY "\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct secrets s;
        struct fault fault;
        cr_assert_eq(read_text(&s, bad[i], &fault), STATUS_INVALID, "case %zu", i);
        cr_assert_not_null(strstr(fault.text, "line 3"), "%s", fault.text);
        cr_assert_null(strstr(fault.text, "MfKQ"));
    }
}

Test(signature, refuses_a_missing_and_an_empty_secret_file)
{
    struct secrets s;
    struct fault fault;
    cr_assert_eq(secrets_read(&s, "/nonexistent/secret", &fault), STATUS_IO);
    cr_assert_not_null(strstr(fault.text, "/nonexistent/secret"));
    cr_assert_eq(read_text(&s, "# none yet\n", &fault), STATUS_INVALID);
}
