/* SPDX-License-Identifier: Apache-2.0 */
/* leat webhook listen: a receiver to try webhooks with. */
#include "base/clock.h"
#include "base/http_server.h"
#include "base/stop.h"
#include "cli/verb.h"
#include "cli/webhook.h"
#include "results/results.h"

#include <stdio.h>

struct listener {
    const struct webhook_options *options;
    struct loop *loop;
    int64_t received;
};

static void
print_text(const char *name, struct span text)
{
    printf("%s%.*s\n", name, (int)text.size, (const char *)text.data);
}

static void
on_webhook(void *arg, struct http_exchange *x)
{
    struct listener *l = arg;
    struct fault fault = {.text = "verified"};
    const struct webhook_message message = {
        .id = http_header(x, "webhook-id"),
        .timestamp = http_header(x, "webhook-timestamp"),
        .signature = http_header(x, "webhook-signature"),
        .body = http_body(x),
    };
    bool good = webhook_verify(l->options->secret_file, &message,
                               clock_wall_us() / 1000000, &fault) == STATUS_OK;
    printf("%s: %s\n", good ? "good" : "BAD", fault.text);
    print_text("  webhook-id ", message.id);
    print_text("  ", message.body);
    fflush(stdout);
    http_respond(x, good ? 204 : 401, NULL, 0, NULL);
    l->received++;
}

static void
on_stop(void *arg, int signal_number)
{
    (void)signal_number;
    loop_stop(arg);
}

/* One turn more than needed: the last answer is to leave. */
static int64_t
on_turn(void *arg, int64_t now_ns)
{
    struct listener *l = arg;
    if (l->options->count > 0 && l->received >= l->options->count) {
        loop_stop(l->loop);
        return now_ns;
    }
    return TIME_NEVER;
}

static int
listen_on(struct listener *l)
{
    struct http_server_config config;
    struct http_server *server = NULL;
    struct fault fault = {.text = ""};
    http_server_defaults(&config);
    config.listen = l->options->listen;
    if (http_server_create(&server, l->loop, &config, on_webhook, l, &fault) !=
        STATUS_OK) {
        fprintf(stderr, "leat webhook: %s\n", fault.text);
        return EXIT_FAILED;
    }
    printf("listening on http://%s/\n", http_server_address(server));
    fflush(stdout);
    int result =
        loop_each_turn(l->loop, on_turn, l) == STATUS_OK ? EXIT_DONE : EXIT_FAILED;
    if (result == EXIT_DONE) {
        loop_run(l->loop);
        loop_no_turn(l->loop, on_turn, l);
    }
    http_server_destroy(&server);
    return result;
}

int
webhook_listen(const struct webhook_options *options)
{
    struct listener l = {.options = options};
    if (loop_create(&l.loop) != STATUS_OK) {
        fprintf(stderr, "leat webhook: no loop\n");
        return EXIT_FAILED;
    }
    int result = EXIT_FAILED;
    if (stop_watch(l.loop, on_stop, l.loop) == STATUS_OK) {
        result = listen_on(&l);
        stop_unwatch(l.loop);
    }
    loop_destroy(&l.loop);
    return result;
}
