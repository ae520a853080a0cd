/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From argv, environment and file to typed structs. Values are gathered as text first
 * (one per option, with its origin), the strongest source wins, then each is read once
 * by its kind: so --print-config can show what counts and where it came from.
 */
#include "base/option.h"

#include "base/option_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* Text of one option as it stands; parallel to the options of all tables in order. */
struct option_origin {
    const char *text;
    const char *source; /* "default", "file", "environment", "flag" */
};

/* Options of all tables counted through; NULL past the last. */
static const struct option *
option_at(const struct option_set *set, size_t index, const struct option_table **table)
{
    for (size_t t = 0; t < set->table_count; t++) {
        if (index < set->tables[t].count) {
            *table = &set->tables[t];
            return &set->tables[t].options[index];
        }
        index -= set->tables[t].count;
    }
    return NULL;
}

/* Sets every option of that name: rooms of one process may share a key. */
static bool
set_options(struct option_set *set, const char *name, struct option_origin origin)
{
    bool found = false;
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        if (strcmp(o->name, name) == 0) {
            set->origins[i] = origin;
            found = true;
        }
    }
    return found;
}

/* Whether an earlier table has the key, too: then it is printed there. */
static bool
is_repeated(const struct option_set *set, const char *name, size_t index)
{
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; i < index && (o = option_at(set, i, &table)) != NULL; i++) {
        if (strcmp(o->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *
nearest_name(const struct option_set *set, const char *name)
{
    const char *nearest = "";
    size_t least = SIZE_MAX;
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        size_t distance = option_distance(name, o->name);
        if (distance < least) {
            least = distance;
            nearest = o->name;
        }
    }
    return nearest;
}

static bool
passthrough_add(struct option_set *set, const char *key, const char *value)
{
    struct property_list *list = set->passthrough;
    if (list == NULL || strncmp(key, "kafka.", 6) != 0) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].key, key + 6) == 0) {
            list->items[i].value = value;
            return true;
        }
    }
    struct property *items = arena_array(&set->arena, list->count + 1, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof(*items));
    }
    items[list->count] = (struct property){.key = key + 6, .value = value};
    list->items = items;
    list->count++;
    return true;
}

/* Takes copies of key and value. */
static bool
set_text(struct option_set *set, struct span key, struct span value, const char *source)
{
    const char *name = arena_text(&set->arena, key);
    const char *text = arena_text(&set->arena, value);
    if (name == NULL || text == NULL) {
        fprintf(stderr, "%s: out of memory for options\n", set->program);
        return false;
    }
    if (set_options(set, name,
                    (struct option_origin){.text = text, .source = source})) {
        return true;
    }
    if (passthrough_add(set, name, text)) {
        return true;
    }
    fprintf(stderr,
            "%s: unknown option '%s' (%s); did you mean '%s'? --help lists all\n",
            set->program, name, source, nearest_name(set, name));
    return false;
}

static struct span
trimmed(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t')) {
        begin++;
    }
    while (end > begin && strchr(" \t\r\n", end[-1]) != NULL) {
        end--;
    }
    return span_of(begin, (size_t)(end - begin));
}

static bool
load_line(struct option_set *set, const char *path, unsigned number, const char *line)
{
    struct span text = trimmed(line, line + strlen(line));
    if (text.size == 0 || text.data[0] == '#' || text.data[0] == '!') {
        return true;
    }
    const char *equals = memchr(text.data, '=', text.size);
    if (equals == NULL) {
        fprintf(stderr, "%s: %s:%u: a line is key=value\n", set->program, path, number);
        return false;
    }
    const char *begin = (const char *)text.data;
    struct span key = trimmed(begin, equals);
    struct span value = trimmed(equals + 1, begin + text.size);
    if (!set_text(set, key, value, "file")) {
        fprintf(stderr, "%s: that was %s:%u\n", set->program, path, number);
        return false;
    }
    return true;
}

static bool
load_file(struct option_set *set, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot open %s\n", set->program, path);
        return false;
    }
    char line[4096];
    bool good = true;
    for (unsigned number = 1; good && fgets(line, sizeof(line), file) != NULL;
         number++) {
        good = load_line(set, path, number, line);
    }
    fclose(file);
    return good;
}

static void
load_environment(struct option_set *set)
{
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        char name[128];
        option_environment_name(o->name, name, sizeof(name));
        const char *text = getenv(name); /* NOLINT(concurrency-mt-unsafe): at start */
        if (text != NULL) {
            set->origins[i] =
                (struct option_origin){.text = text, .source = "environment"};
        }
    }
}

/* Reads `--key=value` and `--key value`; the latter takes the next argument. */
static bool
load_flag(struct option_set *set, int argc, const char *const *argv, int *at)
{
    const char *key = argv[*at] + 2;
    const char *equals = strchr(key, '=');
    if (equals != NULL) {
        struct span name = span_of(key, (size_t)(equals - key));
        return set_text(set, name, span_of_text(equals + 1), "flag");
    }
    if (*at + 1 >= argc) {
        fprintf(stderr, "%s: --%s needs a value: --%s=VALUE\n", set->program, key, key);
        return false;
    }
    (*at)++;
    return set_text(set, span_of_text(key), span_of_text(argv[*at]), "flag");
}

static bool
is_switch(const char *argument)
{
    static const char *const switches[] = {"--help", "-h", "--print-config",
                                           "--check-config", "--version"};
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (strcmp(argument, switches[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool
has_switch(int argc, const char *const *argv, const char *name)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool
load_files(struct option_set *set, int argc, const char *const *argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-F") != 0) {
            continue;
        }
        if (i + 1 >= argc) {
            fprintf(stderr, "%s: -F needs a file name\n", set->program);
            return false;
        }
        if (!load_file(set, argv[++i])) {
            return false;
        }
    }
    return true;
}

static bool
load_flags(struct option_set *set, int argc, const char *const *argv)
{
    set->operands = arena_array(&set->arena, (size_t)argc + 1, sizeof(char *));
    if (set->operands == NULL) {
        return false;
    }
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "-F") == 0) {
            i++;
        } else if (is_switch(argv[i])) {
            continue;
        } else if (strncmp(argv[i], "--", 2) == 0 && argv[i][2] != '\0') {
            if (!load_flag(set, argc, argv, &i)) {
                return false;
            }
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            fprintf(stderr, "%s: unknown flag '%s'; --help lists all\n", set->program,
                    argv[i]);
            return false;
        } else {
            set->operands[set->operand_count++] = argv[i];
        }
    }
    return true;
}

static bool
apply_all(struct option_set *set)
{
    bool good = true;
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        struct fault fault = {.text = ""};
        void *field = (char *)table->target + o->offset;
        if (option_value_read(o, set->origins[i].text, field, &fault) != STATUS_OK) {
            fprintf(stderr, "%s: %s (%s)\n", set->program, fault.text,
                    set->origins[i].source);
            good = false;
        }
    }
    return good;
}

static void
print_help(const struct option_set *set)
{
    printf("%s - %s\n\n%s%sOptions (--key=value, or LEAT_KEY in the environment, or a "
           "line in -F file.properties):\n",
           set->program, set->summary, set->usage == NULL ? "" : set->usage,
           set->usage == NULL ? "" : "\n");
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        if (is_repeated(set, o->name, i)) {
            continue;
        }
        printf("  --%s=%s%s%s\n      %s\n", o->name, o->fallback,
               o->choices == NULL ? "" : "   ", o->choices == NULL ? "" : o->choices,
               o->help);
    }
    if (set->passthrough != NULL) {
        printf(
            "  --kafka.KEY=VALUE\n      Any setting of librdkafka; kafka.producer.KEY "
            "and kafka.consumer.KEY for one kind of client.\n");
    }
    printf("  -F FILE, --print-config, --check-config, --version, --help\n");
}

static void
print_config(const struct option_set *set)
{
    const struct option_table *table = NULL;
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        if (is_repeated(set, o->name, i)) {
            continue;
        }
        printf("%s=%s  # %s\n", o->name, set->origins[i].text, set->origins[i].source);
    }
    for (size_t i = 0; set->passthrough != NULL && i < set->passthrough->count; i++) {
        const struct property *p = &set->passthrough->items[i];
        bool secret = option_is_secret(p->key);
        printf("kafka.%s=%s\n", p->key, secret ? "********" : p->value);
    }
}

static enum option_action
gather(struct option_set *set, int argc, const char *const *argv)
{
    const struct option_table *table = NULL;
    size_t count = 0;
    while (option_at(set, count, &table) != NULL) {
        count++;
    }
    arena_init(&set->arena, (size_t)4 << 20);
    set->origins = arena_array(&set->arena, count + 1, sizeof(*set->origins));
    if (set->origins == NULL) {
        return OPTION_EXIT_USAGE;
    }
    const struct option *o = NULL;
    for (size_t i = 0; (o = option_at(set, i, &table)) != NULL; i++) {
        set->origins[i] =
            (struct option_origin){.text = o->fallback, .source = "default"};
    }
    bool good = load_files(set, argc, argv);
    load_environment(set);
    good = good && load_flags(set, argc, argv) && apply_all(set);
    return good ? OPTION_RUN : OPTION_EXIT_USAGE;
}

enum option_action
option_load(struct option_set *set, int argc, const char *const *argv)
{
    set->operand_count = 0;
    if (has_switch(argc, argv, "--help") || has_switch(argc, argv, "-h")) {
        print_help(set);
        return OPTION_EXIT_OK;
    }
    if (has_switch(argc, argv, "--version")) {
        printf("%s %s\n", set->program, LEAT_VERSION);
        return OPTION_EXIT_OK;
    }
    enum option_action action = gather(set, argc, argv);
    if (action != OPTION_RUN) {
        return action;
    }
    if (has_switch(argc, argv, "--print-config")) {
        print_config(set);
        return OPTION_EXIT_OK;
    }
    if (has_switch(argc, argv, "--check-config")) {
        printf("%s: the configuration is good\n", set->program);
        return OPTION_EXIT_OK;
    }
    return OPTION_RUN;
}

void
option_fini(struct option_set *set)
{
    arena_fini(&set->arena);
}
