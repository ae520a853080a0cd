/* SPDX-License-Identifier: Apache-2.0 */
/* leat-ingest: options in, one loop until SIGTERM, everything closed in reverse. */
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/option.h"
#include "base/stop.h"
#include "bus/config.h"
#include "ingest/ingest.h"
#include "results/results.h"

#include <stdio.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct program {
    struct loop *loop;
    struct ingest *ingest;
    struct bus_config bus;
    struct ingest_config config;
    struct results_config results;
    struct log_config log;
    bool announced;
};

static void
on_stop(void *arg, int signal_number)
{
    struct program *program = arg;
    log_info("stopping", log_int("signal", signal_number));
    ingest_drain(program->ingest);
}

static void
on_reload(void *arg, int signal_number)
{
    const struct program *program = arg;
    log_info("reloading", log_int("signal", signal_number));
    ingest_reload(program->ingest);
}

/* The one line that scripts wait for. */
static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct program *program = arg;
    const char *waiting_for = NULL;
    if (program->announced || !ingest_ready(program->ingest, &waiting_for)) {
        return program->announced ? TIME_NEVER : now_ns + 10 * NS_PER_MS;
    }
    program->announced = true;
    const char *admin = ingest_admin_address(program->ingest);
    const char *internal = ingest_internal_address(program->ingest);
    log_info("ready", log_text("http", ingest_address(program->ingest)),
             log_text("admin", admin == NULL ? "off" : admin),
             log_text("internal", internal == NULL ? "off" : internal));
    return TIME_NEVER;
}

static enum status
setup(struct program *program, struct fault *fault)
{
    if (loop_create(&program->loop) != STATUS_OK ||
        stop_watch(program->loop, on_stop, program) != STATUS_OK ||
        stop_watch_reload(program->loop, on_reload, program) != STATUS_OK) {
        return fault_set(fault, STATUS_IO, "the event loop could not be made");
    }
    enum status status = bus_check(&program->bus, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = ingest_create(&program->ingest, program->loop, &program->bus,
                           &program->config, &program->results, fault);
    if (status != STATUS_OK) {
        return status;
    }
    return loop_each_turn(program->loop, on_turn, program);
}

static void
teardown(struct program *program)
{
    ingest_destroy(&program->ingest);
    if (program->loop != NULL) {
        stop_unwatch(program->loop);
    }
    loop_destroy(&program->loop);
}

static int
serve(struct program *program)
{
    log_configure("ingest", &program->log);
    struct fault fault = {.text = ""};
    enum status status = setup(program, &fault);
    if (status == STATUS_OK) {
        loop_run(program->loop);
    }
    teardown(program);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat-ingest: %s\n",
                fault.text[0] != '\0' ? fault.text : status_name(status));
        return EXIT_FAILED;
    }
    log_event(LOG_INFO, "stopped");
    return 0;
}

int
main(int argc, char **argv)
{
    static struct program program;
    const struct option_table tables[] = {
        {"ingest", ingest_options, ingest_option_count, &program.config},
        {"results", results_options, results_option_count, &program.results},
        {"bus", bus_options, bus_option_count, &program.bus},
        {"log", log_options, log_option_count, &program.log},
    };
    struct option_set set = {
        .program = "leat-ingest",
        .summary = "takes inference requests over HTTP, stores them in Kafka and gives "
                   "the answers back",
        .usage = "  leat-ingest --http.listen=127.0.0.1:8080 "
                 "--kafka.bootstrap.servers=127.0.0.1:9092\n",
        .tables = tables,
        .table_count = sizeof(tables) / sizeof(tables[0]),
        .passthrough = &program.bus.extra,
    };
    enum option_action action =
        option_load(&set, argc - 1, (const char *const *)argv + 1);
    int result = action == OPTION_EXIT_OK ? 0 : EXIT_USAGE;
    if (action == OPTION_RUN) {
        result = serve(&program);
    }
    option_fini(&set);
    return result;
}
