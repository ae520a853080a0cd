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
#include "batcher/announce.h"
#include "batcher/control.h"
#include "batcher/device.h"
#include "batcher/metrics.h"
#include "batcher/model.h"
#include "batcher/repository.h"

#include <stdlib.h>

#define ANNOUNCE_EVERY_NS (5 * NS_PER_S)
#define ANNOUNCE_RETRY_NS (50 * NS_PER_MS)

/* As long as leat.control keeps an order; a request waits longer only if nobody reads
 * its topic. */
#define CANCEL_KEPT_NS (600 * NS_PER_S)

enum { CANCELS_MAX = 65536 };

enum { EXIT_OUT_OF_TIME = 1, EXIT_DEVICE_GONE = 75 };

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
    struct outbox *outbox;
    struct replier replier;
    struct devices devices;
    struct repository repository;
    struct model **models; /* one per entry of the repository */
    size_t model_count;
    struct announcer *announcer;
    struct cancels cancels;
    struct control_topic *control;
    struct http_server *admin;
    enum batcher_phase phase;
    int64_t announce_at_ns;
    int64_t drain_until_ns;
    int exit_status;
    bool has_turn;
};

static void
batcher_changed(void *arg)
{
    struct batcher *b = arg;
    b->announce_at_ns = 0;
}

static void
batcher_cancel(void *arg, const struct control *c)
{
    struct batcher *b = arg;
    if (cancels_add(&b->cancels, &c->id, c->tenant, loop_now(b->loop)) != STATUS_OK) {
        log_event(LOG_ERROR, "no_memory");
    }
    for (size_t i = 0; i < b->model_count; i++) {
        model_cancel(b->models[i], &c->id, c->tenant);
    }
}

static void
announce_all(struct batcher *b, int64_t now_ns)
{
    b->announce_at_ns = now_ns + ANNOUNCE_EVERY_NS;
    for (size_t i = 0; i < b->model_count; i++) {
        struct model_info info = model_info(b->models[i]);
        if (b->phase != BATCHER_SERVING && info.state == MODEL_READY) {
            info.state = MODEL_UNAVAILABLE;
            info.reason = span_of_text("the batcher stops");
        }
        if (announcer_send(b->announcer, i, &info) != STATUS_OK) {
            b->announce_at_ns = now_ns + ANNOUNCE_RETRY_NS;
        }
    }
}

static bool
models_are_idle(const struct batcher *b)
{
    for (size_t i = 0; i < b->model_count; i++) {
        if (!model_is_idle(b->models[i])) {
            return false;
        }
    }
    return true;
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
    if (b->phase == BATCHER_DRAINING && models_are_idle(b)) {
        b->phase = BATCHER_LEAVING;
        announce_all(b, now_ns);
    }
    if (b->phase == BATCHER_LEAVING && outbox_open(b->outbox) == 0 &&
        b->announce_at_ns > now_ns + ANNOUNCE_RETRY_NS) {
        batcher_end(b);
        return;
    }
    bool leaving = b->phase == BATCHER_DRAINING || b->phase == BATCHER_LEAVING;
    if (leaving && now_ns >= b->drain_until_ns) {
        log_error("drain_out_of_time",
                  log_int("unacknowledged", (int64_t)outbox_open(b->outbox)));
        b->exit_status = EXIT_OUT_OF_TIME;
        batcher_end(b);
    }
}

static void
check_devices(struct batcher *b)
{
    for (size_t i = 0; i < b->model_count && b->phase == BATCHER_SERVING; i++) {
        if (model_device_is_gone(b->models[i])) {
            log_event(LOG_ERROR, "device_gone");
            b->exit_status = EXIT_DEVICE_GONE;
            batcher_drain(b);
        }
    }
}

static int64_t
models_turn(struct batcher *b, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    size_t waiting = 0;
    for (size_t i = 0; i < b->model_count; i++) {
        int64_t model_ns = model_turn(b->models[i], now_ns);
        due_ns = model_ns < due_ns ? model_ns : due_ns;
    }
    int64_t devices_ns = devices_dispatch(&b->devices, now_ns);
    due_ns = devices_ns < due_ns ? devices_ns : due_ns;
    for (size_t i = 0; i < b->model_count; i++) {
        int64_t model_ns = model_take_in(b->models[i], now_ns);
        due_ns = model_ns < due_ns ? model_ns : due_ns;
        waiting += model_waiting(b->models[i]);
    }
    metric_set(&batcher_metrics[METRIC_WAITING], (int64_t)waiting);
    metric_set(&batcher_metrics[METRIC_REPLY_TIME],
               outbox_reply_time(b->outbox) / NS_PER_US);
    return due_ns;
}

static int64_t
batcher_turn(void *arg, int64_t now_ns)
{
    struct batcher *b = arg;
    if (b->phase == BATCHER_STOPPED) {
        return TIME_NEVER;
    }
    int64_t outbox_ns = outbox_turn(b->outbox, now_ns);
    int64_t due_ns = models_turn(b, now_ns);
    due_ns = outbox_ns < due_ns ? outbox_ns : due_ns;
    check_devices(b);
    if (now_ns >= b->announce_at_ns) {
        announce_all(b, now_ns);
    }
    batcher_leave(b, now_ns);
    due_ns = b->announce_at_ns < due_ns ? b->announce_at_ns : due_ns;
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
                                          .changed = batcher_changed,
                                          .arg = b};
    enum status status =
        repository_open(&b->repository, b->config.models, b->config.models_load, fault);
    if (status != STATUS_OK) {
        return status;
    }
    b->models = calloc(b->repository.count, sizeof(struct model *));
    if (b->models == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the models");
    }
    for (size_t i = 0; i < b->repository.count; i++) {
        status = model_create(&b->models[i], &context, &b->repository.models[i], fault);
        if (status != STATUS_OK) {
            return status;
        }
        b->model_count++;
    }
    return announcer_create(&b->announcer, b->outbox, &b->bus, b->config.group_instance,
                            b->model_count, fault);
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
batcher_open(struct batcher *b, struct fault *fault)
{
    enum status status = outbox_create(&b->outbox, b->loop, &b->bus, fault);
    if (status == STATUS_OK) {
        status = replier_init(&b->replier, b->outbox, &b->bus, &b->config, fault);
    }
    if (status == STATUS_OK) {
        status = create_models(b, fault);
    }
    if (status == STATUS_OK) {
        status =
            control_topic_open(&b->control, b->loop, &b->bus, batcher_cancel, b, fault);
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
    for (size_t i = 0; i < batcher->model_count; i++) {
        if (!model_is_settled(batcher->models[i], waiting_for)) {
            return false;
        }
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
    size_t count = 0;
    for (size_t i = 0; i < batcher->model_count; i++) {
        count += model_info(batcher->models[i]).state == MODEL_READY ? 1 : 0;
    }
    return count;
}

size_t
batcher_partitions(const struct batcher *batcher)
{
    size_t count = 0;
    for (size_t i = 0; i < batcher->model_count; i++) {
        count += model_partitions(batcher->models[i]);
    }
    return count;
}

const char *
batcher_admin_address(const struct batcher *batcher)
{
    return batcher->admin == NULL ? NULL : http_server_address(batcher->admin);
}

void
batcher_drain(struct batcher *batcher)
{
    if (batcher->phase != BATCHER_SERVING) {
        return;
    }
    batcher->phase = BATCHER_DRAINING;
    batcher->drain_until_ns = clock_mono_ns() + batcher->config.drain_timeout_ns;
    for (size_t i = 0; i < batcher->model_count; i++) {
        model_drain(batcher->models[i]);
    }
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
    for (size_t i = 0; i < b->model_count; i++) {
        model_stop(b->models[i]);
    }
    outbox_destroy(&b->outbox);
    for (size_t i = 0; i < b->model_count; i++) {
        model_destroy(&b->models[i]);
    }
    devices_fini(&b->devices);
    announcer_destroy(&b->announcer);
    free(b->models);
    repository_close(&b->repository);
    cancels_fini(&b->cancels);
    free(b);
    *batcher = NULL;
}
