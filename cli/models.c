/* SPDX-License-Identifier: Apache-2.0 */
/* leat models check|init: a model repository before it is served. */
#include "cli/models.h"

#include "base/log.h"
#include "base/option.h"
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

static const struct option models_options[] = {
    {.name = "load",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct models_config, load),
     .fallback = "true",
     .help =
         "check: load each version in a runner, as a batcher would, and say what it "
         "takes, gives and costs; false: only read the files."},
    {.name = "platform",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct models_config, platform),
     .fallback = "",
     .help = "init: the backend, where no file of the model tells it."},
};

static const char usage[] = "  leat models check ./models\n"
                            "  leat models check ./models/digits --load=false\n"
                            "  leat models init ./models resnet\n"
                            "  leat models init ./models noise --platform=sim\n"
                            "Options of leat-batcher are taken, too: models.load, "
                            "runner.command and batcher.slot.bytes have a say.\n";

static int
run(const struct models_config *config, const struct option_set *set)
{
    const char *const *operands = set->operands;
    size_t count = set->operand_count;
    if (count >= 1 && count <= 2 && strcmp(operands[0], "check") == 0) {
        return models_check(config, count == 2 ? operands[1] : config->batcher.models);
    }
    if (count == 3 && strcmp(operands[0], "init") == 0) {
        return models_init(config, operands[1], operands[2]);
    }
    fprintf(stderr, "leat models: usage:\n%s", usage);
    return EXIT_USAGE;
}

int
verb_models(int argc, const char *const *argv)
{
    static struct models_config config;
    const struct option_table tables[] = {
        {"models", models_options, sizeof models_options / sizeof *models_options,
         &config},
        {"batcher", batcher_options, batcher_option_count, &config.batcher},
    };
    struct option_set set = {.program = "leat models",
                             .summary = "check a model repository, or begin a model",
                             .usage = usage,
                             .tables = tables,
                             .table_count = sizeof tables / sizeof *tables};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        log_setup("models", LOG_ERROR, LOG_AUTO);
        result = run(&config, &set);
    }
    option_fini(&set);
    return result;
}
