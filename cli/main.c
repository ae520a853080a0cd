/* SPDX-License-Identifier: Apache-2.0 */
/* leat VERB ...: a table of verbs; usage is printed from it. */
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

struct verb {
    const char *name;
    int (*run)(int argc, const char *const *argv);
    const char *help;
};

static const struct verb verbs[] = {
    {"dev", verb_dev, "the whole product in one process, without a Kafka server"},
    {"infer", verb_infer, "send a body to a model and print the answer"},
    {"get", verb_get, "print what is known of a job"},
    {"cancel", verb_cancel, "ask that a job be not run"},
    {"webhooks", verb_webhooks, "list webhook deliveries, or begin one anew"},
    {"webhook", verb_webhook, "receive webhooks and print them, or verify one"},
    {"models", verb_models, "check a model repository, or begin a model"},
    {"topics", verb_topics, "create the topics that Leat needs"},
    {"doctor", verb_doctor,
     "look at connection, topics and settings; say what is weak"},
    {"keys", verb_keys, "make an API key"},
    {"demo", verb_demo, "send the example digits to a running Leat, four ways"},
};

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

static void
usage(FILE *out)
{
    fprintf(out, "leat - Kafka-backed batch inference\n\nUsage:\n"
                 "  leat dev --models=./models\n"
                 "  leat infer digits models/digits/examples/seven.json\n"
                 "  leat VERB --help\n\nVerbs:\n");
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].help);
    }
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    const char *const *rest = (const char *const *)argv + 2;
    for (unsigned i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) {
            return verbs[i].run(argc - 2, rest);
        }
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("leat %s\n", LEAT_VERSION);
        return EXIT_DONE;
    }
    fprintf(stderr, "leat: unknown verb '%s'\n\n", argv[1]);
    usage(stderr);
    return EXIT_USAGE;
}
