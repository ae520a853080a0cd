/* SPDX-License-Identifier: Apache-2.0 */
/* leat topics create [MODEL...]: makes what is missing, leaves what is there alone. */
#include "base/clock.h"
#include "base/log.h"
#include "bus/admin.h"
#include "cli/model_names.h"
#include "cli/topic_plan.h"
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define KAFKA_WAIT_NS (15 * NS_PER_S)
#define LOOK_EACH_NS  (20 * NS_PER_MS)

struct topics_config {
    const char *models; /* repository whose models get request topics */
};

static const struct option topics_options[] = {
    {.name = "models",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct topics_config, models),
     .fallback = "./models",
     .help = "Model repository; each model in it gets a request topic. Models may be "
             "named as operands instead."},
};

static const char usage[] =
    "  leat topics create --kafka.bootstrap.servers=HOST:9092 --models=./models\n"
    "  leat topics create digits resnet --topics.requests.partitions=32\n";

/* In KRaft mode the controller answers before the brokers know the topic, and whatever
 * is started next asks a broker. */
static enum status
wait_known(struct admin *admin, const char *name, struct fault *fault)
{
    int64_t end_ns = clock_mono_ns() + KAFKA_WAIT_NS;
    struct topic_view view = {.exists = false};
    while (clock_mono_ns() < end_ns) {
        enum status status =
            admin_describe_topic(admin, name, KAFKA_WAIT_NS, &view, fault);
        if (status != STATUS_OK || view.exists) {
            return status;
        }
        const struct timespec nap = {.tv_nsec = LOOK_EACH_NS};
        nanosleep(&nap, NULL);
    }
    return fault_set(fault, STATUS_UNAVAILABLE,
                     "created, but not known to the broker yet");
}

static int
create_all(struct admin *admin, const struct topic_spec *specs, size_t count)
{
    int failures = 0;
    for (size_t i = 0; i < count; i++) {
        struct fault fault = {.text = ""};
        enum status status =
            admin_create_topic(admin, &specs[i], KAFKA_WAIT_NS, &fault);
        if (status == STATUS_OK) {
            status = wait_known(admin, specs[i].name, &fault);
        }
        if (status == STATUS_OK) {
            printf("created  %s (%d partitions)\n", specs[i].name, specs[i].partitions);
        } else if (status == STATUS_CONFLICT) {
            printf("exists   %s\n", specs[i].name);
        } else {
            fprintf(stderr, "leat topics: %s: %s\n", specs[i].name, fault.text);
            failures++;
        }
        if (status == STATUS_UNAVAILABLE) {
            return EXIT_UNAVAILABLE;
        }
    }
    return failures == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int
create_topics(struct bus_config *bus,
              const struct topic_sizes *sizes,
              const char *const *models,
              size_t model_count,
              struct arena *arena)
{
    struct fault fault = {.text = ""};
    struct topic_plan plan = {0};
    struct admin *admin = NULL;
    enum status status =
        topic_plan(bus, sizes, models, model_count, arena, &plan, &fault);
    if (status == STATUS_OK) {
        status = bus_check(bus, &fault);
    }
    if (status == STATUS_OK) {
        status = admin_create(&admin, bus, &fault);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "leat topics: %s\n", fault.text);
        return EXIT_CONFIG;
    }
    int result = create_all(admin, plan.specs, plan.count);
    admin_destroy(&admin);
    return result;
}

static int
create_for(struct bus_config *bus,
           const struct topic_sizes *sizes,
           const char *repository,
           const struct option_set *set)
{
    struct arena arena;
    arena_init(&arena, (size_t)8 << 20);
    const char **models = set->operands + 1;
    size_t model_count = set->operand_count - 1;
    int result = EXIT_FAILED;
    if (model_count == 0 &&
        model_names_read(repository, &arena, &models, &model_count) != STATUS_OK) {
        fprintf(stderr, "leat topics: no model repository at '%s' (--models=DIR)\n",
                repository);
    } else {
        result = create_topics(bus, sizes, models, model_count, &arena);
    }
    arena_fini(&arena);
    return result;
}

int
verb_topics(int argc, const char *const *argv)
{
    struct bus_config bus = {.dev = false};
    struct topic_sizes sizes;
    struct topics_config config;
    const struct option_table tables[] = {
        {"topics", topics_options, 1, &config},
        {"topics", topic_options, topic_option_count, &sizes},
        {"bus", bus_options, bus_option_count, &bus},
    };
    struct option_set set = {.program = "leat topics",
                             .summary = "create the topics that Leat needs",
                             .usage = usage,
                             .tables = tables,
                             .table_count = sizeof(tables) / sizeof(tables[0]),
                             .passthrough = &bus.extra};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        if (set.operand_count == 0 || strcmp(set.operands[0], "create") != 0) {
            fprintf(stderr, "leat topics: usage: leat topics create [MODEL...]\n");
        } else {
            log_setup("topics", LOG_ERROR, LOG_AUTO);
            result = create_for(&bus, &sizes, config.models, &set);
        }
    }
    option_fini(&set);
    return result;
}
