/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat dev: ingest and one batcher in one process on the in-process broker. Two
 * threads, one loop each, as in production two processes have; everything that is kept
 * lies in a folder that is removed at the end, because the broker forgets with the
 * process.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "batcher/batcher.h"
#include "bus/dev_broker.h"
#include "cli/dev_folder.h"
#include "cli/model_names.h"
#include "cli/topic_plan.h"
#include "cli/verb.h"
#include "ingest/ingest.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static const char usage[] =
    "  leat dev --models=./models\n"
    "  leat dev --models=./models --http.listen=127.0.0.1:9000\n";

struct dev_config {
    struct bus_config bus;
    struct ingest_config ingest;
    struct results_config results;
    struct batcher_config batcher;
    struct log_config log;
};

struct dev {
    struct dev_config config;
    struct dev_folder folder;
    struct dev_broker *broker;
    struct loop *ingest_loop;
    struct loop *batcher_loop;
    struct ingest *ingest;
    struct batcher *batcher;
    bool announced;            /* the ready lines were printed */
    bool draining;             /* batcher thread: drain begun */
    atomic_bool batcher_stops; /* set by the main thread */
    atomic_bool batcher_reloads;
    atomic_bool batcher_is_up;
    atomic_int result;
};

static enum status
make_topics(struct dev *d, struct fault *fault)
{
    struct arena arena;
    arena_init(&arena, (size_t)8 << 20);
    const struct topic_sizes sizes = {
        .request_partitions = 16, .reply_partitions = 16, .replication = 1};
    const char **models = NULL;
    size_t model_count = 0;
    struct topic_plan plan = {0};
    enum status status =
        model_names_read(d->config.batcher.models, &arena, &models, &model_count);
    if (status != STATUS_OK || model_count == 0) {
        status =
            fault_set(fault, STATUS_NOT_FOUND,
                      "no model in '%s': a model is a folder with a model.properties "
                      "(--models=DIR)",
                      d->config.batcher.models);
    } else {
        status = topic_plan(&d->config.bus, &sizes, models, model_count, &arena, &plan,
                            fault);
    }
    for (size_t i = 0; status == STATUS_OK && i < plan.count; i++) {
        status = dev_broker_create_topic(d->broker, plan.specs[i].name,
                                         plan.specs[i].partitions);
    }
    arena_fini(&arena);
    return status;
}

/* Ready lines for a person; the log has its own. */
static void
announce(struct dev *d)
{
    const char *http = ingest_address(d->ingest);
    const char *kafka = dev_broker_bootstrap(d->broker);
    log_info("ready", log_text("http", http), log_text("kafka", kafka),
             log_text("secret", d->config.results.secret_file));
    printf("Leat is ready. The broker lives in this process and keeps 5 MiB a "
           "partition in "
           "memory: for trying, not for keeping.\n"
           "  dashboard  http://%s/\n"
           "  try        leat infer MODEL FILE --address=%s\n"
           "  kafka      %s\n",
           http, http, kafka);
    fflush(stdout);
}

static int64_t
ingest_turn(void *arg, int64_t now_ns)
{
    struct dev *d = arg;
    const char *waiting_for = "";
    if (!d->announced && atomic_load(&d->batcher_is_up) &&
        ingest_ready(d->ingest, &waiting_for)) {
        d->announced = true;
        announce(d);
    }
    return d->announced ? TIME_NEVER : now_ns + 20 * NS_PER_MS;
}

static int64_t
batcher_turn(void *arg, int64_t now_ns)
{
    struct dev *d = arg;
    const char *waiting_for = "";
    if (!atomic_load(&d->batcher_is_up) && batcher_ready(d->batcher, &waiting_for)) {
        atomic_store(&d->batcher_is_up, true);
        loop_wake(d->ingest_loop);
    }
    if (atomic_load(&d->batcher_stops) && !d->draining) {
        d->draining = true;
        batcher_drain(d->batcher);
    }
    if (atomic_exchange(&d->batcher_reloads, false)) {
        batcher_reload(d->batcher);
    }
    return atomic_load(&d->batcher_is_up) ? TIME_NEVER : now_ns + 20 * NS_PER_MS;
}

static void *
batcher_thread(void *arg)
{
    struct dev *d = arg;
    struct fault fault = {.text = ""};
    enum status status = batcher_create(&d->batcher, d->batcher_loop, &d->config.bus,
                                        &d->config.batcher, &fault);
    if (status == STATUS_OK) {
        status = loop_each_turn(d->batcher_loop, batcher_turn, d);
    }
    if (status != STATUS_OK) {
        log_error("batcher_failed", log_status(status), log_text("reason", fault.text));
        atomic_store(&d->result, EXIT_FAILED);
        loop_stop(d->ingest_loop);
        return NULL;
    }
    loop_run(d->batcher_loop);
    if (batcher_exit_status(d->batcher) != 0) {
        atomic_store(&d->result, batcher_exit_status(d->batcher));
    }
    batcher_destroy(&d->batcher);
    return NULL;
}

static void
stopped(void *arg, int signal_number)
{
    struct dev *d = arg;
    log_info("stopping", log_int("signal", signal_number));
    ingest_drain(d->ingest);
}

static void
reloads(void *arg, int signal_number)
{
    struct dev *d = arg;
    log_info("reloading", log_int("signal", signal_number));
    ingest_reload(d->ingest);
    atomic_store(&d->batcher_reloads, true);
    loop_wake(d->batcher_loop);
}

/* Ingest drains first: what it holds is answered by the batcher. */
static enum status
serve(struct dev *d, struct fault *fault)
{
    pthread_t thread;
    enum status status = ingest_create(&d->ingest, d->ingest_loop, &d->config.bus,
                                       &d->config.ingest, &d->config.results, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = loop_each_turn(d->ingest_loop, ingest_turn, d);
    if (status == STATUS_OK && pthread_create(&thread, NULL, batcher_thread, d) != 0) {
        status = fault_set(fault, STATUS_NO_MEMORY, "a thread could not be started");
    }
    if (status == STATUS_OK) {
        loop_run(d->ingest_loop);
        atomic_store(&d->batcher_stops, true);
        loop_wake(d->batcher_loop);
        pthread_join(thread, NULL);
    }
    ingest_destroy(&d->ingest);
    return status;
}

static enum status
setup(struct dev *d, struct fault *fault)
{
    enum status status = dev_folder_create(&d->folder, fault);
    if (status != STATUS_OK) {
        return status;
    }
    struct dev_config *c = &d->config;
    c->results.store = d->folder.store;
    c->results.allow_private = true;
    c->batcher.admin_listen = NULL; /* the ingest's shows the whole process */
    if (c->results.secret_file == NULL) {
        c->results.secret_file = d->folder.secret;
    }
    if (loop_create(&d->ingest_loop) != STATUS_OK ||
        loop_create(&d->batcher_loop) != STATUS_OK ||
        stop_watch(d->ingest_loop, stopped, d) != STATUS_OK ||
        stop_watch_reload(d->ingest_loop, reloads, d) != STATUS_OK) {
        return fault_set(fault, STATUS_IO, "the event loop could not be made");
    }
    status = dev_broker_create(&d->broker, fault);
    if (status != STATUS_OK) {
        return status;
    }
    c->bus.dev = true;
    c->bus.bootstrap_servers = dev_broker_bootstrap(d->broker);
    return make_topics(d, fault);
}

static void
teardown(struct dev *d)
{
    dev_broker_destroy(&d->broker);
    if (d->ingest_loop != NULL) {
        stop_unwatch(d->ingest_loop);
    }
    loop_destroy(&d->batcher_loop);
    loop_destroy(&d->ingest_loop);
    dev_folder_remove(&d->folder);
}

static int
dev(struct dev *d)
{
    log_configure("dev", &d->config.log);
    struct fault fault = {.text = ""};
    enum status status = setup(d, &fault);
    if (status == STATUS_OK) {
        status = serve(d, &fault);
    }
    teardown(d);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat dev: %s\n", fault.text);
        return EXIT_FAILED;
    }
    log_event(LOG_INFO, "stopped");
    return atomic_load(&d->result);
}

int
verb_dev(int argc, const char *const *argv)
{
    static struct dev d;
    struct dev_config *c = &d.config;
    const struct option_table tables[] = {
        {"ingest", ingest_options, ingest_option_count, &c->ingest},
        {"results", results_options, results_option_count, &c->results},
        {"batcher", batcher_options, batcher_option_count, &c->batcher},
        {"bus", bus_options, bus_option_count, &c->bus},
        {"log", log_options, log_option_count, &c->log},
    };
    struct option_set set = {.program = "leat dev",
                             .summary =
                                 "the whole product in one process, without Kafka",
                             .usage = usage,
                             .tables = tables,
                             .table_count = sizeof(tables) / sizeof(tables[0]),
                             .passthrough = &c->bus.extra};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        result = dev(&d);
    }
    option_fini(&set);
    return result;
}
