/* SPDX-License-Identifier: Apache-2.0 */
/* Options: precedence, units, and errors that name what was meant. */
#include "base/option.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct settings {
    const char *listen;
    const char *mode;
    bool strict;
    int64_t count;
    int64_t bytes;
    int64_t wait_ns;
    double ratio;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct option options[] = {
    {"http.listen", OPTION_TEXT, FIELD(listen), 0, 0, "127.0.0.1:8080", "Address.",
     NULL},
    {"mode", OPTION_TEXT, FIELD(mode), 0, 0, "slow", "Mode.", "slow|fast"},
    {"strict", OPTION_BOOL, FIELD(strict), 0, 0, "false", "Strict.", NULL},
    {"count", OPTION_INT, FIELD(count), 1, 100, "7", "Count.", NULL},
    {"body-max", OPTION_BYTES, FIELD(bytes), 0, 0, "1MiB", "Size.", NULL},
    {"wait", OPTION_DURATION, FIELD(wait_ns), 0, 0, "30s", "Wait.", NULL},
    {"ratio", OPTION_REAL, FIELD(ratio), 0, 0, "0.5", "Ratio.", NULL},
};

static struct settings settings;
static struct property_list extra;

static enum option_action
load(int argc, const char *const *argv)
{
    static struct option_table table;
    static struct option_set set;
    table = (struct option_table){"test", options, 7, &settings};
    set = (struct option_set){
        .program = "prog", .summary = "s", .tables = &table, .table_count = 1};
    set.passthrough = &extra;
    extra = (struct property_list){.count = 0};
    return option_load(&set, argc, argv);
}

#define LOAD(...)                                                                      \
    load((int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),                \
         (const char *[]){__VA_ARGS__})

Test(option, gives_defaults_when_nothing_is_said)
{
    cr_assert_eq(load(0, NULL), OPTION_RUN);
    cr_assert_str_eq(settings.listen, "127.0.0.1:8080");
    cr_assert_eq(settings.count, 7);
    cr_assert_eq(settings.bytes, 1048576);
    cr_assert_eq(settings.wait_ns, 30 * NS_PER_S);
    cr_assert_float_eq(settings.ratio, 0.5, 1e-12);
}

Test(option, prefers_flag_over_environment_over_file_over_default)
{
    char path[] = "/tmp/leat-option-XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "# comment\ncount = 11\nwait=250ms\nbody-max=64KiB\n");
    close(fd);
    setenv("LEAT_WAIT", "2s", 1);
    setenv("LEAT_BODY_MAX", "2KiB", 1);
    cr_assert_eq(LOAD("-F", path, "--body-max=3KiB", "--strict", "true"), OPTION_RUN);
    cr_assert_eq(settings.count, 11);
    cr_assert_eq(settings.wait_ns, 2 * NS_PER_S);
    cr_assert_eq(settings.bytes, 3 * 1024);
    cr_assert(settings.strict);
    unlink(path);
}

Test(option, names_the_nearest_known_key_for_an_unknown_one, .init = cr_redirect_stderr)
{
    cr_assert_eq(LOAD("--http.lisen=x"), OPTION_EXIT_USAGE);
    fflush(stderr);
    cr_assert_stderr_eq_str("prog: unknown option 'http.lisen' (flag); did you mean "
                            "'http.listen'? --help lists all\n");
}

Test(option, refuses_values_of_the_wrong_kind_or_range, .init = cr_redirect_stderr)
{
    static const char *const bad[] = {
        "--count=0",    "--count=101",   "--count=ten",  "--count=1e1",
        "--wait=30",    "--wait=5 m",    "--wait=-",     "--body-max=1mb",
        "--strict=yes", "--mode=medium", "--mode=slow|", "--ratio=large",
        "--count="};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(load(1, &bad[i]), OPTION_EXIT_USAGE, "%s", bad[i]);
    }
}

Test(option, passes_what_is_under_kafka_through)
{
    cr_assert_eq(LOAD("--kafka.linger.ms=3", "--kafka.linger.ms=4"), OPTION_RUN);
    cr_assert_eq(extra.count, 1);
    cr_assert_str_eq(extra.items[0].key, "linger.ms");
    cr_assert_str_eq(extra.items[0].value, "4");
}

Test(option, masks_secrets_when_printed, .init = cr_redirect_stdout)
{
    cr_assert_eq(LOAD("--print-config", "--kafka.sasl.password=hush"), OPTION_EXIT_OK);
    fflush(stdout);
    FILE *out = cr_get_redirected_stdout();
    char text[2000] = "";
    cr_assert_gt(fread(text, 1, sizeof(text) - 1, out), 0);
    cr_assert(strstr(text, "kafka.sasl.password=********") != NULL);
    cr_assert(strstr(text, "hush") == NULL);
    cr_assert(strstr(text, "count=7  # default") != NULL);
}

Test(option, sets_a_key_in_every_table_that_has_it)
{
    struct settings other;
    const struct option_table tables[] = {{"one", options, 7, &settings},
                                          {"other", options, 7, &other}};
    struct option_set set = {
        .program = "prog", .summary = "s", .tables = tables, .table_count = 2};
    const char *const argv[] = {"--wait=3s"};
    cr_assert_eq(option_load(&set, 1, argv), OPTION_RUN);
    cr_assert_eq(settings.wait_ns, 3 * NS_PER_S);
    cr_assert_eq(other.wait_ns, 3 * NS_PER_S);
    option_fini(&set);
}
