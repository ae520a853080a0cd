/* SPDX-License-Identifier: Apache-2.0 */
/* What a log line looks like to those who parse it, and that repeats are limited. */
#include "base/log.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 };

static char text[TEXT_MAX];
static int kept = -1;
static int file = -1;

static void
capture(void)
{
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    file = memfd_create("log", MFD_CLOEXEC);
    cr_assert_geq(file, 0);
    cr_assert_geq(dup2(file, STDERR_FILENO), 0);
}

/* What was logged since capture(). */
static const char *
captured(void)
{
    dup2(kept, STDERR_FILENO);
    ssize_t size = pread(file, text, sizeof(text) - 1, 0);
    cr_assert_geq(size, 0);
    text[size] = '\0';
    close(file);
    close(kept);
    return text;
}

static unsigned
count_of(const char *where, const char *what)
{
    unsigned count = 0;
    for (const char *at = where; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}

Test(log, writes_logfmt_with_quotes_only_where_they_are_needed)
{
    log_setup("unit", LOG_INFO, LOG_LOGFMT);
    capture();
    log_info("it_happened", log_text("plain", "a-b.c:1/2"), log_text("spaced", "a b"),
             log_text("equals", "a=b"), log_text("empty", ""), log_int("count", -7),
             log_real("ratio", 0.25), log_status(STATUS_NOT_FOUND));
    const char *line = captured();
    cr_assert_eq(strncmp(line, "ts=20", 5), 0, "%s", line);
    cr_assert_not_null(strstr(line, " level=info component=unit msg=it_happened "
                                    "plain=a-b.c:1/2 spaced=\"a b\" equals=\"a=b\" "
                                    "empty=\"\" count=-7 ratio=0.25 "
                                    "status=not_found\n"),
                       "%s", line);
}

Test(log, keeps_a_value_from_breaking_its_line)
{
    log_setup("unit", LOG_INFO, LOG_LOGFMT);
    capture();
    log_warn("quoted", log_text("text", "say \"hi\"\\\nlevel=error\r\x01\x7f"),
             log_span("zero", span_of("a\0b", 3)));
    const char *line = captured();
    cr_assert_eq(count_of(line, "\n"), 1, "%s", line);
    cr_assert_not_null(strstr(line, "text=\"say \\\"hi\\\"\\\\\\nlevel=error\\u000d"
                                    "\\u0001\\u007f\" zero=\"a\\u0000b\"\n"),
                       "%s", line);
}

Test(log, writes_json_that_gives_back_every_value)
{
    char every[0x80];
    for (int i = 0; i < 0x7f; i++) {
        every[i] = (char)(i + 1);
    }
    every[0x7f] = '\0';
    log_setup("unit", LOG_INFO, LOG_JSON);
    capture();
    log_error("all", log_text("every", every), log_text("beyond", "é€𝄞"),
              log_int("least", INT64_MIN), log_real("real", 1e300));
    json_error_t error;
    json_t *o = json_loads(captured(), 0, &error);
    cr_assert_not_null(o, "%s: %s", error.text, text);
    cr_assert_str_eq(json_string_value(json_object_get(o, "level")), "error");
    cr_assert_str_eq(json_string_value(json_object_get(o, "component")), "unit");
    cr_assert_str_eq(json_string_value(json_object_get(o, "msg")), "all");
    cr_assert_str_eq(json_string_value(json_object_get(o, "every")), every);
    cr_assert_str_eq(json_string_value(json_object_get(o, "beyond")), "é€𝄞");
    cr_assert_eq(json_integer_value(json_object_get(o, "least")), INT64_MIN);
    cr_assert_float_eq(json_real_value(json_object_get(o, "real")) / 1e300, 1, 1e-5);
    json_decref(o);
}

Test(log, cuts_a_line_that_is_too_long)
{
    char *much = malloc(100000);
    memset(much, '"', 99999);
    much[99999] = '\0';
    log_setup("unit", LOG_INFO, LOG_LOGFMT);
    capture();
    log_info("much", log_text("text", much));
    log_event(LOG_INFO, "next");
    const char *lines = captured();
    cr_assert_eq(count_of(lines, "\n"), 2);
    cr_assert_lt(strlen(lines), 8192);
    cr_assert_not_null(strstr(lines, "\nts="));
    cr_assert_not_null(strstr(lines, "msg=next\n"));
    free(much);
}

Test(log, leaves_out_what_is_below_its_level)
{
    log_setup("unit", LOG_WARN, LOG_LOGFMT);
    capture();
    log_event(LOG_DEBUG, "no");
    log_event(LOG_INFO, "no");
    log_event(LOG_WARN, "yes");
    log_event(LOG_ERROR, "yes");
    const char *lines = captured();
    cr_assert_eq(count_of(lines, "msg=yes"), 2);
    cr_assert_eq(count_of(lines, "msg=no"), 0);
}

/* The n of every " repeats_left_out=n". */
static unsigned
left_out(const char *lines)
{
    static const char key[] = "repeats_left_out=";
    unsigned sum = 0;
    for (const char *at = lines; (at = strstr(at, key)) != NULL; at++) {
        sum += (unsigned)strtoul(at + strlen(key), NULL, 10);
    }
    return sum;
}

Test(log, writes_an_event_twenty_times_a_second_and_tells_how_often_it_was_more)
{
    static const char event[] = "again";
    log_setup("unit", LOG_INFO, LOG_LOGFMT);
    capture();
    unsigned calls = 0;
    int64_t second = clock_mono_ns() / NS_PER_S;
    while (calls < 1000) {
        log_event(LOG_INFO, event);
        calls++;
    }
    int64_t last = clock_mono_ns() / NS_PER_S;
    while (clock_mono_ns() / NS_PER_S == last) {
        const struct timespec nap = {.tv_nsec = NS_PER_MS};
        nanosleep(&nap, NULL);
    }
    log_event(LOG_INFO, event);
    calls++;
    const char *lines = captured();
    unsigned written = count_of(lines, "msg=again");
    cr_assert_leq(written, 20 * (unsigned)(last - second + 1) + 1);
    cr_assert_eq(written + left_out(lines), calls, "%s", lines);
}
