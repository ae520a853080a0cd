/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the room together: one outbox, the models of the repository, announcements, the
 * admin listener, and the two ways to an end: drained, or out of time.
 */
#include "batcher/batcher.h"

#include "base/clock.h"
#include "base/http_server.h"
#include "base/log.h"
#include "batcher/admin_page.h"
#include "batcher/control.h"
#include "batcher/device.h"
#include "batcher/exactly_once.h"
#include "batcher/metrics.h"
#include "batcher/models.h"

#include <stdlib.h>

/* As long as leat.control keeps an order; a request waits longer only if nobody reads
 * its topic. */
#define CANCEL_KEPT_NS (600 * NS_PER_S)

/* How long requests are not read for the sake of orders that came before them. */
#define ORDERS_WAIT_NS (2 * NS_PER_S)

enum { CANCELS_MAX = 65536 };

enum {
    EXIT_OUT_OF_TIME = 1,
    EXIT_REFUSED = 1,
    EXIT_DEVICE_GONE = 75,
    EXIT_FENCED = 78
};

enum batcher_phase {
    BATCHER_SERVING,
    BATCHER_DRAINING, /* until nothing is unanswered */
    BATCHER_LEAVING,  /* the models are announced as gone */
    BATCHER_STOPPED
};

struct batcher {
    struct loop *loop;
    struct bus_config bus;
    struct batcher_config config;
    struct outbox *outbox;  /* of answers */
    struct outbox *notices; /* of announcements: outbox, unless that has transactions */
    struct exactly_once exactly_once;
    struct replier replier;
    struct devices devices;
    struct models *models;
    struct cancels cancels;
    struct control_topic *control;
    int64_t orders_until_ns;
    bool orders_read;
    struct http_server *admin;
    enum batcher_phase phase;
    int64_t drain_until_ns;
    int exit_status;
    bool has_turn;
};

/** Orders for models that were given before we started are older than what the
 * repository says. */
static void
batcher_obey(void *arg, const struct control *c)
{
    struct batcher *b = arg;
    if (c->type != CONTROL_CANCEL) {
        if (control_topic_caught_up(b->control)) {
            models_order(b->models, c);
        }
        return;
    }
    if (cancels_add(&b->cancels, &c->id, c->tenant, loop_now(b->loop)) != STATUS_OK) {
        log_event(LOG_ERROR, "no_memory");
    }
    models_cancel(b->models, &c->id, c->tenant);
}

static void
batcher_end(struct batcher *b)
{
    b->phase = BATCHER_STOPPED;
    loop_stop(b->loop);
}

/** Takes the drain on by one step where that is possible now. */
static void
batcher_leave(struct batcher *b, int64_t now_ns)
{
    if (b->phase == BATCHER_DRAINING && models_are_idle(b->models)) {
        b->phase = BATCHER_LEAVING;
        models_announce(b->models, now_ns);
    }
    if (b->phase == BATCHER_LEAVING && outbox_open(b->notices) == 0 &&
        models_are_announced(b->models, now_ns)) {
        batcher_end(b);
        return;
    }
    bool leaving = b->phase == BATCHER_DRAINING || b->phase == BATCHER_LEAVING;
    if (leaving && now_ns >= b->drain_until_ns) {
        log_error("drain_out_of_time",
                  log_int("unacknowledged", (int64_t)outbox_open(b->outbox)));
        b->exit_status = b->exit_status == 0 ? EXIT_OUT_OF_TIME : b->exit_status;
        batcher_end(b);
    }
}

/** Ends what cannot go on: a twin of ours does what we would still do, or another host
 * may do better. */
static void
check_ends(struct batcher *b)
{
    if (b->phase != BATCHER_SERVING) {
        return;
    }
    if (models_device_is_gone(b->models)) {
        log_event(LOG_ERROR, "device_gone");
        b->exit_status = EXIT_DEVICE_GONE;
        batcher_drain(b);
    } else if (models_are_fenced(b->models)) {
        b->exit_status = EXIT_FENCED;
        batcher_drain(b);
    }
}

static int64_t
outboxes_turn(struct batcher *b, int64_t now_ns)
{
    int64_t due_ns = outbox_turn(b->outbox, now_ns);
    if (b->notices == b->outbox) {
        return due_ns;
    }
    int64_t notices_ns = outbox_turn(b->notices, now_ns);
    return notices_ns < due_ns ? notices_ns : due_ns;
}

static int64_t
batcher_turn(void *arg, int64_t now_ns)
{
    struct batcher *b = arg;
    if (b->phase == BATCHER_STOPPED) {
        return TIME_NEVER;
    }
    b->orders_read = b->orders_read || now_ns >= b->orders_until_ns ||
                     control_topic_caught_up(b->control);
    int64_t due_ns = outboxes_turn(b, now_ns);
    int64_t models_ns = models_turn(b->models, now_ns);
    due_ns = models_ns < due_ns ? models_ns : due_ns;
    metric_set(&batcher_metrics[METRIC_WAITING], (int64_t)models_waiting(b->models));
    metric_set(&batcher_metrics[METRIC_REPLY_TIME],
               outbox_reply_time(b->outbox) / NS_PER_US);
    if (!b->orders_read && b->orders_until_ns < due_ns) {
        due_ns = b->orders_until_ns;
    }
    check_ends(b);
    batcher_leave(b, now_ns);
    return b->drain_until_ns < due_ns ? b->drain_until_ns : due_ns;
}

static enum status
create_models(struct batcher *b, struct fault *fault)
{
    const struct model_context context = {.loop = b->loop,
                                          .bus = &b->bus,
                                          .config = &b->config,
                                          .replier = &b->replier,
                                          .devices = &b->devices,
                                          .seed = b->cancels.by_key.seed,
                                          .cancels = &b->cancels,
                                          .orders_read = &b->orders_read};
    return models_create(&b->models, &context, b->notices, fault);
}

static enum status
create_admin(struct batcher *b, struct fault *fault)
{
    if (b->config.admin_listen == NULL) {
        return STATUS_OK;
    }
    struct http_server_config config;
    http_server_defaults(&config);
    config.listen = b->config.admin_listen;
    return http_server_create(&b->admin, b->loop, &config, admin_page, b, fault);
}

static enum status
collect_offsets(void *arg, uint32_t number, struct transactor *transactor)
{
    struct batcher *b = arg;
    return models_collect(b->models, number, transactor);
}

static void
transactions_failed(void *arg, enum status status, const char *reason)
{
    struct batcher *b = arg;
    bool fenced = status == STATUS_FENCED;
    log_error(fenced ? "fenced" : "transactions_refused", log_text("reason", reason),
              log_text("advice", fenced ? "another batcher runs under this "
                                          "group.instance.id, or Kafka was away for "
                                          "longer than transaction.timeout"
                                        : "see what Kafka says"));
    b->exit_status = fenced ? EXIT_FENCED : EXIT_REFUSED;
    batcher_end(b);
}

static enum status
create_outboxes(struct batcher *b, struct fault *fault)
{
    if (!exactly_once_wanted(&b->config)) {
        enum status status =
            outbox_create(&b->outbox, "replies", b->loop, &b->bus, NULL, fault);
        b->notices = b->outbox;
        return status;
    }
    struct transaction_config *config = &b->exactly_once.config;
    enum status status =
        exactly_once_init(&b->exactly_once, &b->bus, &b->config, fault);
    config->collect = collect_offsets;
    config->failed = transactions_failed;
    config->arg = b;
    if (status == STATUS_OK) {
        status = outbox_create(&b->outbox, "replies", b->loop, &b->bus, config, fault);
    }
    if (status == STATUS_OK) {
        status =
            outbox_create(&b->notices, "announcements", b->loop, &b->bus, NULL, fault);
    }
    return status;
}

static enum status
batcher_open(struct batcher *b, struct fault *fault)
{
    enum status status = create_outboxes(b, fault);
    if (status == STATUS_OK) {
        status = replier_init(&b->replier, b->outbox, &b->bus, &b->config, fault);
    }
    if (status == STATUS_OK) {
        status = create_models(b, fault);
    }
    if (status == STATUS_OK) {
        status =
            control_topic_open(&b->control, b->loop, &b->bus, batcher_obey, b, fault);
    }
    if (status == STATUS_OK) {
        status = create_admin(b, fault);
    }
    if (status == STATUS_OK) {
        status = loop_each_turn(b->loop, batcher_turn, b);
        b->has_turn = status == STATUS_OK;
    }
    return status;
}

enum status
batcher_create(struct batcher **out,
               struct loop *loop,
               const struct bus_config *bus,
               const struct batcher_config *config,
               struct fault *fault)
{
    static bool registered;
    if (!registered) {
        registered = true;
        metric_register(batcher_metrics, METRIC_COUNT);
    }
    struct batcher *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a batcher");
    }
    b->loop = loop;
    b->bus = *bus;
    b->config = *config;
    b->drain_until_ns = TIME_NEVER;
    b->orders_until_ns = clock_mono_ns() + ORDERS_WAIT_NS;
    cancels_init(&b->cancels, CANCELS_MAX, CANCEL_KEPT_NS, (uint64_t)clock_mono_ns());
    enum status status = batcher_open(b, fault);
    if (status != STATUS_OK) {
        batcher_destroy(&b);
        return status;
    }
    *out = b;
    return STATUS_OK;
}

bool
batcher_ready(const struct batcher *batcher, const char **waiting_for)
{
    if (batcher->phase != BATCHER_SERVING) {
        *waiting_for = "its end: it drains";
        return false;
    }
    if (!models_are_settled(batcher->models, waiting_for)) {
        return false;
    }
    if (!outbox_connected(batcher->outbox)) {
        *waiting_for = "Kafka";
        return false;
    }
    *waiting_for = "";
    return true;
}

size_t
batcher_models(const struct batcher *batcher)
{
    return models_ready_count(batcher->models);
}

size_t
batcher_partitions(const struct batcher *batcher)
{
    return models_partitions(batcher->models);
}

const char *
batcher_admin_address(const struct batcher *batcher)
{
    return batcher->admin == NULL ? NULL : http_server_address(batcher->admin);
}

void
batcher_reload(struct batcher *batcher)
{
    models_reload(batcher->models);
    loop_wake(batcher->loop);
}

void
batcher_write_metrics(struct batcher *batcher, struct buf *out)
{
    metric_render(out);
    models_write_memory(batcher->models, out);
}

void
batcher_drain(struct batcher *batcher)
{
    if (batcher->phase != BATCHER_SERVING) {
        return;
    }
    batcher->phase = BATCHER_DRAINING;
    batcher->drain_until_ns = clock_mono_ns() + batcher->config.drain_timeout_ns;
    models_drain(batcher->models);
    outbox_flush(batcher->outbox);
    loop_wake(batcher->loop);
}

int
batcher_exit_status(const struct batcher *batcher)
{
    return batcher->exit_status;
}

void
batcher_destroy(struct batcher **batcher)
{
    struct batcher *b = *batcher;
    if (b == NULL) {
        return;
    }
    if (b->has_turn) {
        loop_no_turn(b->loop, batcher_turn, b);
    }
    http_server_destroy(&b->admin);
    control_topic_close(&b->control);
    if (b->models != NULL) {
        models_stop(b->models);
    }
    if (b->notices != b->outbox) {
        outbox_destroy(&b->notices);
    }
    outbox_destroy(&b->outbox);
    models_destroy(&b->models);
    devices_fini(&b->devices);
    cancels_fini(&b->cancels);
    free(b);
    *batcher = NULL;
}
