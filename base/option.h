/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: one typed struct and one const table per module. A program lists the
 * tables it uses; flags, environment, file, --help, --print-config, --check-config and
 * docs/configuration.md all come from them.
 *
 * Precedence: --key=value > environment LEAT_KEY (dots and dashes become underscores)
 * > -F file.properties > default. Unknown keys are an error that names the nearest one.
 * Keys under "kafka." that no table names go to the pass-through list. A key that
 * stands in several tables is set in each.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The C type of the field that each kind fills. */
enum option_kind {
    OPTION_TEXT,     /* const char *; lives as long as the option_set; NULL if empty */
    OPTION_BOOL,     /* bool: true|false */
    OPTION_INT,      /* int64_t */
    OPTION_BYTES,    /* int64_t; "64KiB", "1MiB", plain bytes */
    OPTION_DURATION, /* int64_t ns; "250ms", "30s", "1h", "0" */
    OPTION_REAL,     /* double */
};

struct option {
    const char *name; /* "infer.timeout" */
    enum option_kind kind;
    size_t offset; /* of the field in the module's config struct */
    int64_t least; /* range of INT, BYTES, DURATION (in ns); both 0: any */
    int64_t most;
    const char *fallback; /* as a user would write it; "" = none */
    const char *help;     /* one sentence */
    const char *choices;  /* "a|b|c" for TEXT, or NULL */
};

struct option_table {
    const char *room; /* "ingest": heading in the docs */
    const struct option *options;
    size_t count;
    void *target; /* the config struct to fill */
};

struct property {
    const char *key; /* for pass-through: without a leading "kafka." */
    const char *value;
};

struct property_list {
    struct property *items;
    size_t count;
};

struct option_set {
    const char *program; /* "leat-ingest" */
    const char *summary; /* one line for --help */
    const char *usage;   /* examples, shown first by --help; may be NULL */
    const struct option_table *tables;
    size_t table_count;
    struct property_list *passthrough; /* NULL: none accepted */
    struct arena arena;                /* owns every text */
    const char **operands;             /* what is neither flag nor file; may be empty */
    size_t operand_count;
    struct option_origin *origins; /* kept by option.c */
};

/** What the caller is to do after option_load(). */
enum option_action { OPTION_RUN, OPTION_EXIT_OK, OPTION_EXIT_USAGE };

/**
 * Fills every table's target from argv, the environment, -F file and the defaults.
 * Prints help, the configuration (secrets masked, with the origin of each value) or the
 * verdict of --check-config when asked; prints what is wrong and why to stderr.
 *
 * @param[in] argc count of argv
 * @param[in] argv without the program's name
 * @return OPTION_RUN; OPTION_EXIT_OK after something was printed; OPTION_EXIT_USAGE
 *         after an error was (exit status 2; 78 is for a bad file)
 */
MUST_CHECK enum option_action
option_load(struct option_set *set, int argc, const char *const *argv);
void option_fini(struct option_set *set);

/** The tables as Markdown, the source of docs/configuration.md. */
void option_document(const struct option_table *tables, size_t count, struct buf *out);

#endif
