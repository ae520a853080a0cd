/* SPDX-License-Identifier: Apache-2.0 */
/* leat-batcher: options in, one loop until SIGTERM, everything closed in reverse. */
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/option.h"
#include "base/stop.h"
#include "batcher/batcher.h"
#include "bus/config.h"

#include <stdio.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct program {
    struct loop *loop;
    struct batcher *batcher;
    struct bus_config bus;
    struct batcher_config config;
    struct log_config log;
    bool announced;
};

static void
on_stop(void *arg, int signal_number)
{
    struct program *program = arg;
    log_info("stopping", log_int("signal", signal_number));
    batcher_drain(program->batcher);
}

static void
on_reload(void *arg, int signal_number)
{
    const struct program *program = arg;
    log_info("reloading", log_int("signal", signal_number));
    batcher_reload(program->batcher);
}

/* The one line that scripts wait for. */
static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct program *program = arg;
    const char *waiting_for = NULL;
    if (program->announced) {
        return TIME_NEVER;
    }
    if (!batcher_ready(program->batcher, &waiting_for)) {
        return now_ns + 10 * NS_PER_MS;
    }
    program->announced = true;
    const char *admin = batcher_admin_address(program->batcher);
    int64_t models = (int64_t)batcher_models(program->batcher);
    int64_t partitions = (int64_t)batcher_partitions(program->batcher);
    log_info("ready", log_int("models", models), log_int("partitions", partitions),
             log_text("admin", admin == NULL ? "off" : admin));
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
    status = batcher_create(&program->batcher, program->loop, &program->bus,
                            &program->config, fault);
    if (status != STATUS_OK) {
        return status;
    }
    return loop_each_turn(program->loop, on_turn, program);
}

static void
teardown(struct program *program)
{
    batcher_destroy(&program->batcher);
    if (program->loop != NULL) {
        stop_unwatch(program->loop);
    }
    loop_destroy(&program->loop);
}

static int
serve(struct program *program)
{
    log_configure("batcher", &program->log);
    struct fault fault = {.text = ""};
    enum status status = setup(program, &fault);
    int result = EXIT_FAILED;
    if (status == STATUS_OK) {
        loop_run(program->loop);
        result = batcher_exit_status(program->batcher);
    }
    teardown(program);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat-batcher: %s\n",
                fault.text[0] != '\0' ? fault.text : status_name(status));
        return EXIT_FAILED;
    }
    log_info("stopped", log_int("exit", result));
    return result;
}

int
main(int argc, char **argv)
{
    static struct program program;
    const struct option_table tables[] = {
        {"batcher", batcher_options, batcher_option_count, &program.config},
        {"bus", bus_options, bus_option_count, &program.bus},
        {"log", log_options, log_option_count, &program.log},
    };
    struct option_set set = {
        .program = "leat-batcher",
        .summary = "takes inference requests from Kafka, runs them in batches and "
                   "sends the answers back through Kafka",
        .usage = "  leat-batcher --models=./models "
                 "--kafka.bootstrap.servers=127.0.0.1:9092\n",
        .tables = tables,
        .table_count = sizeof tables / sizeof tables[0],
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
