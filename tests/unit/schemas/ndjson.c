/* SPDX-License-Identifier: Apache-2.0 */
/* Lines come out the same however the stream is cut, and never more is held. */
#include "schemas/ndjson.h"

#include <criterion/criterion.h>

#include <stdio.h>

enum { TEXT_SIZE = 256, LINE_MAX = 8 };

/* Each line between brackets, `!` for one that is too long. */
static void
split(const char *text, size_t piece, char seen[static TEXT_SIZE])
{
    struct ndjson n;
    ndjson_init(&n, LINE_MAX);
    struct span left = span_of_text(text);
    size_t used = 0;
    seen[0] = '\0';
    bool more = true;
    while (more) {
        more = left.size > 0;
        size_t size = left.size < piece ? left.size : piece;
        cr_assert_eq(ndjson_feed(&n, span_of(left.data, size)), STATUS_OK);
        left = span_of(left.data + size, left.size - size);
        if (!more) {
            ndjson_end(&n);
        }
        struct span line;
        enum ndjson_found found;
        while ((found = ndjson_next(&n, &line)) != NDJSON_NONE) {
            bool whole = found == NDJSON_LINE;
            used += (size_t)snprintf(seen + used, TEXT_SIZE - used, "[%.*s]",
                                     whole ? (int)line.size : 1,
                                     whole ? (const char *)line.data : "!");
            cr_assert_lt(used, TEXT_SIZE);
        }
    }
    ndjson_fini(&n);
}

static void
expect_lines(const char *text, const char *lines)
{
    for (size_t piece = 1; piece < 40; piece++) {
        char seen[TEXT_SIZE];
        split(text, piece, seen);
        cr_assert_str_eq(seen, lines, "pieces of %zu: %s", piece, seen);
    }
}

Test(ndjson, splits_at_line_ends_however_the_stream_is_cut)
{
    expect_lines("one\ntwo\nthree\n", "[one][two][three]");
    expect_lines("one\r\ntwo\r\n", "[one][two]");
    expect_lines("", "");
}

Test(ndjson, takes_a_last_line_that_nothing_ends)
{
    expect_lines("one\ntwo", "[one][two]");
    expect_lines("x", "[x]");
}

Test(ndjson, tells_of_empty_lines_so_that_numbers_stay_right)
{
    expect_lines("\none\n\n", "[][one][]");
}

Test(ndjson, passes_over_a_line_that_is_too_long_and_goes_on_behind_it)
{
    expect_lines("12345678\n123456789\nnext\n", "[12345678][!][next]");
    expect_lines("12345678\r\n123456789\r\nnext\n", "[12345678][!][next]");
    expect_lines("a\n1234567890123456789012345678901234567890", "[a][!]");
    expect_lines("123456789", "[!]");
}

Test(ndjson, holds_one_line_and_one_piece_at_most)
{
    enum { PIECE = 100, PIECES = 10000 };
    char piece[PIECE];
    memset(piece, 'x', sizeof(piece));
    struct ndjson n;
    ndjson_init(&n, LINE_MAX);
    for (int i = 0; i < PIECES; i++) {
        struct span line;
        cr_assert_eq(ndjson_feed(&n, span_of(piece, sizeof(piece))), STATUS_OK);
        cr_assert_eq(ndjson_next(&n, &line), NDJSON_NONE);
    }
    cr_assert_lt(n.bytes.capacity, 4096);
    ndjson_fini(&n);
}

Test(ndjson, tells_a_line_again_that_was_put_back)
{
    struct ndjson n;
    ndjson_init(&n, LINE_MAX);
    cr_assert_eq(ndjson_feed(&n, span_of_text("1234567890123")), STATUS_OK);
    struct span line;
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_NONE);
    cr_assert_eq(ndjson_waiting(&n), 0);
    cr_assert_eq(ndjson_feed(&n, span_of_text("4\nok\nlast")), STATUS_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(ndjson_next(&n, &line), NDJSON_OVERLONG);
        ndjson_put_back(&n);
    }
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_OVERLONG);
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_LINE);
    ndjson_put_back(&n);
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_LINE);
    cr_assert(span_is_text(line, "ok"));
    ndjson_end(&n);
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_LINE);
    ndjson_put_back(&n);
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_LINE);
    cr_assert(span_is_text(line, "last"));
    cr_assert_eq(ndjson_next(&n, &line), NDJSON_NONE);
    ndjson_fini(&n);
}
