/* SPDX-License-Identifier: Apache-2.0 */
/* Which program holds which model. */
#include "batcher/runner_command.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct property_list none = {.items = NULL};

static struct runner_command
found(const struct runner_programs *programs,
      const char *platform,
      const struct property_list *properties)
{
    static struct runner_command command;
    struct fault fault = {.text = ""};
    cr_assert_eq(runner_command_find(&command, programs, platform, properties, &fault),
                 STATUS_OK, "%s", fault.text);
    return command;
}

Test(runner_command, is_the_runner_beside_this_program_unless_an_option_says_else)
{
    static struct runner_programs programs = {.python = "python3"};
    struct runner_command c = found(&programs, "dense", &none);
    cr_assert_str_eq(c.path, LEAT_BINARY_DIR "/leat-runner");
    cr_assert_null(c.script);
    programs.runner = "/opt/runner";
    c = found(&programs, "python-like", &none);
    cr_assert_str_eq(c.program, "/opt/runner");
    cr_assert_null(c.script);
}

Test(runner_command, is_a_python_with_the_script_that_is_built_or_installed)
{
    const struct runner_programs programs = {.runner = "/opt/runner",
                                             .python = "python3"};
    struct runner_command c = found(&programs, "python", &none);
    cr_assert_str_eq(c.program, "python3");
    cr_assert_str_eq(c.path, LEAT_BINARY_DIR "/../share/leat/python/leat_runner.py");
    struct property own[] = {{.key = "python.class", .value = "Net"},
                             {.key = "python.command", .value = "/venv/bin/python"}};
    const struct property_list properties = {.items = own, .count = 2};
    c = found(&programs, "python", &properties);
    cr_assert_str_eq(c.program, "/venv/bin/python");
}

Test(runner_command, says_where_it_looked_for_a_script_that_is_not_there)
{
    const struct runner_programs programs = {.python = "python3",
                                             .python_script = "/nowhere/runner.py"};
    struct runner_command c;
    struct fault fault = {.text = ""};
    cr_assert_eq(runner_command_find(&c, &programs, "python", &none, &fault),
                 STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "/nowhere/runner.py"), "%s", fault.text);
    cr_assert_not_null(strstr(fault.text, "runner.python.script"));
}
