/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/idempotency_key.h"

#include <criterion/criterion.h>

#include <string.h>

static void
expect_key(const char *header, const char *wanted)
{
    struct idempotency_key key;
    cr_assert_eq(idempotency_key_parse(span_of_text(header), &key), STATUS_OK, "%s",
                 header);
    cr_assert_eq(key.size, strlen(wanted), "%s", header);
    cr_assert_eq(memcmp(key.text, wanted, key.size), 0, "%s", header);
}

Test(idempotency_key, reads_a_string_of_a_structured_field)
{
    expect_key("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
               "8e03978e-40d5-43dd-bc93-6894a57f9324");
    expect_key("  \"a b,c;d\" ", "a b,c;d");
    expect_key("\"say \\\"so\\\" \\\\\"", "say \"so\" \\");
}

Test(idempotency_key, reads_one_without_quotes_as_the_same)
{
    expect_key("8e03978e", "8e03978e");
    expect_key("\t8e03978e ", "8e03978e");
    expect_key("a\\b=c/d", "a\\b=c/d");
}

Test(idempotency_key, refuses_what_is_neither)
{
    static const char *const headers[] = {
        "",
        " ",
        "\"\"",
        "\"",
        "\"open",
        "open\"",
        "\"a\"b\"",
        "\"a\\\"",
        "\"a\\n\"",
        "a b",
        "a,b",
        "a;q=1",
        "\"a\";q",
        "a\x01"
        "b",
        "\"a\x7f\"",
        "\"\xc3\xa4\"",
        "\xc3\xa4",
        "\"a\\",
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct idempotency_key key;
        cr_assert_eq(idempotency_key_parse(span_of_text(headers[i]), &key),
                     STATUS_INVALID, "%s", headers[i]);
    }
}

Test(idempotency_key, takes_255_characters_and_no_more)
{
    char text[IDEMPOTENCY_KEY_MAX + 2];
    memset(text, 'k', sizeof(text));
    text[IDEMPOTENCY_KEY_MAX] = '\0';
    expect_key(text, text);
    text[IDEMPOTENCY_KEY_MAX] = 'k';
    struct idempotency_key key;
    cr_assert_eq(idempotency_key_parse(span_of(text, IDEMPOTENCY_KEY_MAX + 1), &key),
                 STATUS_INVALID);
}
