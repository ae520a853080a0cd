/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/configuration.md is some prose, which stays as it is up to the first section,
 * and then the option tables. LEAT_UPDATE=1 in the environment writes the tables anew.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/option.h"
#include "batcher/batcher.h"
#include "bus/config.h"
#include "cli/topic_plan.h"
#include "ingest/ingest.h"
#include "results/results.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT LEAT_SOURCE_DIR "/docs/configuration.md"

static void
document_write(struct buf *out)
{
    const struct option_table tables[] = {
        {"ingest", ingest_options, ingest_option_count, NULL},
        {"results", results_options, results_option_count, NULL},
        {"batcher", batcher_options, batcher_option_count, NULL},
        {"kafka", bus_options, bus_option_count, NULL},
        {"topics", topic_options, topic_option_count, NULL},
        {"log", log_options, log_option_count, NULL},
    };
    option_document(tables, sizeof(tables) / sizeof(tables[0]), out);
}

/* The file as text; the caller frees it. */
static char *
read_document(void)
{
    enum { DOCUMENT_MAX = 1 << 20 };
    FILE *f = fopen(DOCUMENT, "re");
    cr_assert_not_null(f);
    char *text = calloc(1, DOCUMENT_MAX);
    size_t size = fread(text, 1, DOCUMENT_MAX, f);
    fclose(f);
    cr_assert_lt(size, DOCUMENT_MAX);
    return text;
}

static void
update(const char *prose, size_t prose_size, const char *tables)
{
    FILE *f = fopen(DOCUMENT, "we");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(prose, 1, prose_size, f), prose_size);
    cr_assert_geq(fputs(tables, f), 0);
    fclose(f);
}

Test(configuration, is_documented_as_the_tables_say)
{
    struct buf wanted;
    buf_init(&wanted, 1 << 20);
    document_write(&wanted);
    buf_append_byte(&wanted, '\0');
    cr_assert_eq(wanted.status, STATUS_OK);
    const char *tables = (const char *)wanted.data;
    char *text = read_document();
    const char *section = strstr(text, "\n## ");
    cr_assert_not_null(section);
    const char *wish = getenv("LEAT_UPDATE");
    if (wish != NULL && strcmp(wish, "1") == 0) {
        update(text, (size_t)(section - text), tables);
    } else {
        cr_assert(strcmp(section, tables) == 0,
                  "docs/configuration.md is not what the tables say; run this program "
                  "with LEAT_UPDATE=1");
    }
    free(text);
    buf_fini(&wanted);
}
