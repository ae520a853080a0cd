/* SPDX-License-Identifier: Apache-2.0 */
/* The parent's side of the control messages of runner/protocol.h. */
#include "batcher/loader.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "batcher/metrics.h"
#include "batcher/model_spec.h"
#include "runner/protocol.h"

#include <stdio.h>

#define BACKOFF_FIRST_NS (100 * NS_PER_MS)
#define BACKOFF_MOST_NS  (10 * NS_PER_S)
#define END_TIMEOUT_NS   (5 * NS_PER_S)

enum { FIRST_LOAD_DEATHS = 5, REASON_BYTES = 240 };

static void
loader_end(struct loader *l, const char *reason, bool no_memory)
{
    if (l->given_up) {
        return;
    }
    l->given_up = true;
    l->start_at_ns = TIME_NEVER;
    l->load_until_ns = TIME_NEVER;
    if (l->runner != NULL) {
        runner_process_kill(l->runner);
    }
    l->events.failed(l->arg, reason, no_memory);
}

static void
loader_give_up(struct loader *l, const char *reason)
{
    loader_end(l, reason, false);
}

/* Only as long as a load may take: the first one is not tried again, since what waits
 * for its end (other models for memory, a caller for the outcome, requests for the old
 * version where it went first) would wait that much longer. */
static void
on_late(struct loader *l)
{
    char reason[sizeof l->kill_reason];
    l->load_until_ns = TIME_NEVER;
    snprintf(
        reason, sizeof reason,
        "killed: the model was not loaded and warmed up within load.timeout (%g s)",
        (double)l->source->load_timeout_ns / (double)NS_PER_S);
    loader_kill(l, reason);
    if (!l->was_loaded) {
        loader_give_up(l, reason);
    }
}

static void
plan_restart(struct loader *l)
{
    l->start_at_ns = clock_mono_ns() + l->backoff_ns;
    l->backoff_ns = l->backoff_ns == 0 ? BACKOFF_FIRST_NS : l->backoff_ns * 2;
    if (l->backoff_ns > BACKOFF_MOST_NS) {
        l->backoff_ns = BACKOFF_MOST_NS;
    }
}

/* What the runner says. */

static void
on_hello(struct loader *l, struct span version)
{
    char ours[16];
    snprintf(ours, sizeof ours, "%d", RUNNER_PROTOCOL_VERSION);
    if (!span_is_text(version, ours)) {
        loader_give_up(l, "the runner speaks another version of the protocol");
    }
}

static void
on_loaded(struct loader *l, struct span message)
{
    struct fault fault = {.text = ""};
    if (l->loaded == 0 && !l->was_loaded &&
        l->events.described(l->arg, message, &fault) != STATUS_OK) {
        loader_give_up(l, fault.text);
    }
    l->events.measured(l->arg, message, l->loaded == 0);
    l->loaded++;
    if (l->given_up || l->loaded < l->instance_count) {
        return;
    }
    l->load_until_ns = TIME_NEVER;
    l->was_loaded = true;
    log_info("model_loaded", log_text("model", l->source->name),
             log_text("version", l->files->name),
             log_text("platform", l->source->platform),
             log_int("runner_pid", runner_process_pid(l->runner)));
    l->events.loaded(l->arg);
}

static void
on_load_failed(struct loader *l, struct span message)
{
    char words[REASON_BYTES];
    char text[REASON_BYTES];
    struct span reason = control_value(message, "reason");
    snprintf(words, sizeof words, "%.*s", (int)reason.size, (const char *)reason.data);
    unsigned line = repository_model_line_of(l->source, words);
    if (line != 0) {
        snprintf(text, sizeof text, "model.properties:%u: %.200s", line, words);
    } else {
        snprintf(text, sizeof text, "%s", words);
    }
    bool no_memory = span_is_text(control_value(message, "cause"), "out_of_memory");
    if (!l->was_loaded) {
        loader_end(l, text, no_memory);
        return;
    }
    if (no_memory) {
        l->events.starved(l->arg);
    }
    log_error("model_not_reloaded", log_text("model", l->source->name),
              log_text("reason", text));
    loader_kill(l, "killed: it could not load the model again");
}

static void
on_log(const struct loader *l, struct span message)
{
    struct span level = control_value(message, "level");
    enum log_level at = LOG_INFO;
    if (span_is_text(level, "error")) {
        at = LOG_ERROR;
    } else if (span_is_text(level, "warn")) {
        at = LOG_WARN;
    }
    log_write(at, "runner",
              LOG_FIELDS(log_text("model", l->source->name),
                         log_span("text", control_value(message, "text"))));
}

static void
on_message(void *arg, struct span text)
{
    struct loader *l = arg;
    struct span type = control_value(text, "type");
    if (span_is_text(type, "hello")) {
        on_hello(l, control_value(text, "version"));
    } else if (span_is_text(type, "loaded")) {
        on_loaded(l, text);
    } else if (span_is_text(type, "failed")) {
        on_load_failed(l, text);
    } else if (span_is_text(type, "log")) {
        on_log(l, text);
    }
}

static void
on_died(void *arg, const char *how)
{
    struct loader *l = arg;
    if (l->ending) {
        l->kill_at_ns = TIME_NEVER;
        runner_process_destroy(&l->runner);
        return;
    }
    char why[sizeof l->kill_reason];
    snprintf(why, sizeof why, "%s", l->kill_reason[0] != '\0' ? l->kill_reason : how);
    log_warn("runner_died", log_text("model", l->source->name),
             log_int("pid", runner_process_pid(l->runner)), log_text("how", why));
    metric_add(&batcher_metrics[METRIC_RUNNER_DEATHS], 1);
    l->kill_reason[0] = '\0';
    l->load_until_ns = TIME_NEVER;
    runner_process_destroy(&l->runner);
    if (l->given_up) {
        return;
    }
    l->deaths += l->was_loaded ? 0 : 1;
    if (l->deaths >= FIRST_LOAD_DEATHS) {
        loader_give_up(l, "the runner died again and again while it loaded the model");
        return;
    }
    plan_restart(l);
    l->events.died(l->arg, why);
}

/* What we say. */

static enum status
write_load(const struct loader *l, const struct instance *in, struct buf *b)
{
    const struct repository_model *s = l->source;
    buf_append_format(b,
                      "type=load\ninstance=%u\nmodel=%s\nversion=%s\ndir=%s\n"
                      "platform=%s\nslot_bytes=%llu\nmax_batch_size=%u\ndevice=%s\n",
                      in->index, s->name, l->files->name, l->files->path, s->platform,
                      (unsigned long long)in->slab.slot_bytes, s->max_batch_size,
                      s->device);
    for (size_t i = 0; i < s->properties.count; i++) {
        buf_append_format(b, "property.%s=%s\n", s->properties.items[i].key,
                          s->properties.items[i].value);
    }
    return b->status;
}

static enum status
send_load(struct loader *l, struct instance *in)
{
    struct buf b;
    buf_init(&b, CONTROL_BYTES);
    enum status status = instance_renew(in);
    if (status == STATUS_OK) {
        status = write_load(l, in, &b);
    }
    if (status == STATUS_OK) {
        const int fds[] = {in->slab.fd, in->submit, in->complete};
        status = runner_process_send(l->runner, buf_span(&b), fds, 3);
    }
    buf_fini(&b);
    return status;
}

static void
loader_start(struct loader *l, int64_t now_ns)
{
    const struct runner_events events = {.message = on_message, .died = on_died};
    struct fault fault = {.text = ""};
    l->start_at_ns = TIME_NEVER;
    l->loaded = 0;
    struct runner_command command;
    enum status status = runner_command_find(
        &command, &l->programs, l->source->platform, &l->source->properties, &fault);
    if (status == STATUS_OK) {
        status =
            runner_process_start(&l->runner, l->loop, &command, &events, l, &fault);
    }
    if (status != STATUS_OK && !l->was_loaded) {
        loader_give_up(l, fault.text);
        return;
    }
    if (status != STATUS_OK) {
        log_error("runner_not_started", log_text("reason", fault.text));
        plan_restart(l);
        return;
    }
    l->load_until_ns = now_ns + l->source->load_timeout_ns;
    runner_memory_reset(&l->memory, now_ns);
    for (unsigned i = 0; i < l->instance_count; i++) {
        if (send_load(l, &l->instances[i]) != STATUS_OK) {
            loader_kill(l, "killed: it could not be told what to load");
            return;
        }
    }
}

void
loader_init(struct loader *l)
{
    l->start_at_ns = l->source->broken == NULL ? 0 : TIME_NEVER;
    l->load_until_ns = TIME_NEVER;
    l->kill_at_ns = TIME_NEVER;
    if (l->source->broken != NULL) {
        loader_give_up(l, l->source->broken);
    }
}

void
loader_stop(struct loader *l)
{
    l->start_at_ns = TIME_NEVER;
    runner_process_destroy(&l->runner);
}

void
loader_unload(struct loader *l, int64_t now_ns)
{
    if (l->ending) {
        return;
    }
    l->ending = true;
    l->start_at_ns = TIME_NEVER;
    l->load_until_ns = TIME_NEVER;
    if (l->runner == NULL) {
        return;
    }
    l->kill_at_ns = now_ns + END_TIMEOUT_NS;
    /* While it loads it may not listen. */
    if (l->loaded < l->instance_count ||
        runner_process_send(l->runner, span_of_text("type=stop\n"), NULL, 0) !=
            STATUS_OK) {
        runner_process_kill(l->runner);
    }
}

bool
loader_is_over(const struct loader *l)
{
    return (l->ending || l->given_up) && l->runner == NULL;
}

int64_t
loader_memory(const struct loader *l)
{
    return l->runner == NULL ? 0 : runner_process_memory(l->runner);
}

int64_t
loader_turn(struct loader *l, int64_t now_ns)
{
    if (now_ns >= l->start_at_ns && l->runner == NULL) {
        loader_start(l, now_ns);
    }
    if (now_ns >= l->load_until_ns) {
        on_late(l);
    }
    if (now_ns >= l->kill_at_ns) {
        l->kill_at_ns = TIME_NEVER;
        runner_process_kill(l->runner);
    }
    int64_t due_ns =
        l->start_at_ns < l->load_until_ns ? l->start_at_ns : l->load_until_ns;
    due_ns = due_ns < l->kill_at_ns ? due_ns : l->kill_at_ns;
    bool looks = l->runner != NULL && l->memory.look_at_ns < due_ns;
    return looks ? l->memory.look_at_ns : due_ns;
}

enum memory_verdict
loader_memory_verdict(struct loader *l, int64_t now_ns)
{
    return l->runner == NULL
               ? MEMORY_FINE
               : runner_memory_look(&l->memory, runner_process_pid(l->runner), now_ns);
}

void
loader_kill(struct loader *l, const char *reason)
{
    if (l->runner != NULL && l->kill_reason[0] == '\0') {
        snprintf(l->kill_reason, sizeof l->kill_reason, "%s", reason);
        runner_process_kill(l->runner);
    }
}

void
loader_praise(struct loader *l)
{
    l->backoff_ns = 0;
}
