/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat doctor: compares what Kafka has with what Leat wants. Each finding says what is
 * wrong, why it matters and what to do; exit status 1 only for what breaks a promise.
 */
#include "base/clock.h"
#include "base/log.h"
#include "bus/admin.h"
#include "cli/model_names.h"
#include "cli/topic_plan.h"
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "  leat doctor --kafka.bootstrap.servers=HOST:9092 --models=./models\n";

struct doctor_config {
    const char *models;
    int64_t results_ttl_ns;
};

static const struct option doctor_options[] = {
    {.name = "models",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct doctor_config, models),
     .fallback = "./models",
     .help = "Model repository whose request topics are looked at."},
    {.name = "results.ttl",
     .kind = OPTION_DURATION,
     .offset = offsetof(struct doctor_config, results_ttl_ns),
     .least = NS_PER_S,
     .most = INT64_MAX,
     .fallback = "1h",
     .help = "As leat-ingest has it; replies must be kept at least as long."},
};

struct doctor {
    struct admin *admin;
    int brokers;
    int64_t results_ttl_ns;
    const struct topic_spec *specs;
    size_t spec_count;
    int32_t reply_partitions; /* of the first topic, the replies */
    unsigned broken;
    unsigned weak;
};

static void
finding(
    struct doctor *d, bool broken, const char *what, const char *why, const char *cure)
{
    printf("%s %s\n     why: %s\n     do:  %s\n", broken ? "FAIL" : "weak", what, why,
           cure);
    d->broken += broken ? 1 : 0;
    d->weak += broken ? 0 : 1;
}

static void
check_replicas(struct doctor *d, const char *name, const struct topic_view *view)
{
    char what[400];
    if (view->replication < 3) {
        snprintf(what, sizeof(what), "%s has %d replica(s)", name, view->replication);
        finding(d, false, what, "a broker that dies takes accepted requests with it",
                d->brokers < 3
                    ? "run three brokers or more, then --topics.replication=3"
                    : "make it again with --topics.replication=3");
    }
    if (view->replication >= 3 && view->min_insync < 2) {
        snprintf(what, sizeof(what), "%s has min.insync.replicas=%lld", name,
                 (long long)view->min_insync);
        finding(d, false, what, "an acknowledged record may be on one disk only",
                "kafka-configs --alter --add-config min.insync.replicas=2");
    }
    if (view->in_sync < view->replication) {
        snprintf(what, sizeof(what), "%s: a partition has %d of %d replicas in sync",
                 name, view->in_sync, view->replication);
        finding(d, false, what, "a broker is away or behind",
                "look at the brokers' logs");
    }
}

static void
check_replies(struct doctor *d, const struct topic_view *view)
{
    d->reply_partitions = view->partitions;
    if (view->retention_ms >= 0 && view->retention_ms < d->results_ttl_ns / NS_PER_MS) {
        finding(
            d, true, "the replies are kept for less than results.ttl",
            "a result store that is lost could not be rebuilt from the topic",
            "kafka-configs --alter --add-config retention.ms=... on the replies topic");
    }
}

static void
check_shape(struct doctor *d,
            const struct topic_spec *spec,
            const struct topic_view *view)
{
    char what[400];
    bool wants_compaction =
        spec->config_count > 0 &&
        strncmp(spec->config[0].value, "compact", strlen("compact")) == 0;
    if (wants_compaction && !view->compacted) {
        snprintf(what, sizeof(what), "%s is not compacted", spec->name);
        finding(d, true, what, "its records are state, the last one per key must stay",
                "kafka-configs --alter --add-config cleanup.policy=compact");
    }
    if (view->partitions < spec->partitions) {
        snprintf(what, sizeof(what), "%s has %d partitions, %d are planned", spec->name,
                 view->partitions, spec->partitions);
        finding(
            d, false, what, "no more batchers than partitions can share the work",
            "set topics.requests.partitions or topics.replies.partitions to what is "
            "wanted, or make the topic again");
    }
}

static enum status
check_topic(struct doctor *d, size_t at)
{
    const struct topic_spec *spec = &d->specs[at];
    struct topic_view view = {.exists = false};
    struct fault fault = {.text = ""};
    enum status status =
        admin_describe_topic(d->admin, spec->name, 10 * NS_PER_S, &view, &fault);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat doctor: %s: %s\n", spec->name, fault.text);
        return status;
    }
    if (!view.exists) {
        char what[400];
        snprintf(what, sizeof(what), "topic %s is missing", spec->name);
        finding(d, true, what, "Leat does not create topics while serving",
                "leat topics create with the same options");
        return STATUS_OK;
    }
    printf("ok   %s: %d partitions, %d replicas\n", spec->name, view.partitions,
           view.replication);
    check_shape(d, spec, &view);
    check_replicas(d, spec->name, &view);
    if (at == 0) {
        check_replies(d, &view);
    }
    if (at == 1 && view.partitions != d->reply_partitions) {
        finding(d, true, "replies and webhooks have different partition counts",
                "the owner of a result must own its webhook too",
                "make the webhooks topic again with the count of the replies topic");
    }
    return STATUS_OK;
}

static int
examine(struct doctor *d, const struct bus_config *bus)
{
    struct fault fault = {.text = ""};
    if (admin_brokers(d->admin, 10 * NS_PER_S, &d->brokers, &fault) != STATUS_OK) {
        printf(
            "FAIL no broker answers at %s\n     why: %s\n     do:  check the address "
            "(--kafka.bootstrap.servers), the listener and its advertised name, TLS "
            "and "
            "SASL settings (--kafka.*)\n",
            bus->bootstrap_servers, fault.text);
        return EXIT_UNAVAILABLE;
    }
    printf("ok   Kafka at %s: %d broker(s); librdkafka %s\n", bus->bootstrap_servers,
           d->brokers, bus_library_version());
    for (size_t i = 0; i < d->spec_count; i++) {
        if (check_topic(d, i) != STATUS_OK) {
            return EXIT_UNAVAILABLE;
        }
    }
    printf("%u broken, %u weak\n", d->broken, d->weak);
    return d->broken == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int
doctor(struct bus_config *bus,
       const struct topic_sizes *sizes,
       const struct doctor_config *config)
{
    struct arena arena;
    arena_init(&arena, (size_t)8 << 20);
    struct doctor d = {.results_ttl_ns = config->results_ttl_ns};
    struct fault fault = {.text = ""};
    const char **models = NULL;
    size_t model_count = 0;
    if (model_names_read(config->models, &arena, &models, &model_count) != STATUS_OK) {
        printf("weak no model repository at '%s'; request topics are not looked at\n",
               config->models);
    }
    struct topic_plan plan = {0};
    enum status status =
        topic_plan(bus, sizes, models, model_count, &arena, &plan, &fault);
    d.specs = plan.specs;
    d.spec_count = plan.count;
    if (status == STATUS_OK) {
        status = bus_check(bus, &fault);
    }
    if (status == STATUS_OK) {
        status = admin_create(&d.admin, bus, &fault);
    }
    int result = EXIT_CONFIG;
    if (status == STATUS_OK) {
        result = examine(&d, bus);
    } else {
        fprintf(stderr, "leat doctor: %s\n", fault.text);
    }
    admin_destroy(&d.admin);
    arena_fini(&arena);
    return result;
}

int
verb_doctor(int argc, const char *const *argv)
{
    struct bus_config bus = {.dev = false};
    struct topic_sizes sizes;
    struct doctor_config config;
    const struct option_table tables[] = {
        {"doctor", doctor_options, 2, &config},
        {"topics", topic_options, topic_option_count, &sizes},
        {"bus", bus_options, bus_option_count, &bus},
    };
    struct option_set set = {.program = "leat doctor",
                             .summary = "look at connection, topics and settings",
                             .usage = usage,
                             .tables = tables,
                             .table_count = sizeof(tables) / sizeof(tables[0]),
                             .passthrough = &bus.extra};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        log_setup("doctor", LOG_ERROR, LOG_AUTO);
        result = doctor(&bus, &sizes, &config);
    }
    option_fini(&set);
    return result;
}
