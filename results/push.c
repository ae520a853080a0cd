/* SPDX-License-Identifier: Apache-2.0 */
/* Each side is handed to the other as a few functions, so neither includes the other.
 */
#include "results/push.h"

#include "base/clock.h"
#include "results/delivery_log.h"

#include <stdlib.h>

struct push {
    struct loop *loop;
    const struct owner *owner;
    struct webhooks *webhooks;
    struct delivery_log *log; /* NULL while no webhooks can be sent */
};

static bool
is_ours(void *arg, const struct uuid *id)
{
    const struct push *p = arg;
    return p->log != NULL ? delivery_log_is_ours(p->log, id)
                          : owner_has(p->owner, owner_partition(p->owner, id));
}

static void
write_record(void *arg, const struct uuid *id, struct span bytes)
{
    const struct push *p = arg;
    if (p->log != NULL) {
        delivery_log_write(p->log, id, bytes);
    }
}

static void
on_record(void *arg, const struct webhook_record *w, struct span bytes)
{
    const struct push *p = arg;
    webhooks_learn(p->webhooks, w, bytes);
}

static void
on_caught_up(void *arg)
{
    const struct push *p = arg;
    webhooks_ownership_changed(p->webhooks);
}

static enum status
open_webhooks(struct push *p,
              struct loop *loop,
              const struct push_config *config,
              struct fault *fault)
{
    const struct results_config *r = config->results;
    const struct webhooks_config webhooks = {
        .secret_file = r->secret_file,
        .allow_private = r->allow_private,
        .hosts = r->webhook_hosts,
        .ports = r->webhook_ports,
        .timeout_ns = r->webhook_timeout_ns,
        .attempts_max = r->webhook_attempts_max,
        .pending_max = r->webhooks_max,
        .delays_ns = webhook_delays_ns,
        .pause_ns = webhook_pause_ns,
        .lifetime_ns = webhooks_lifetime(webhook_delays_ns, r->webhook_attempts_max),
        .ttl_us = r->ttl_ns / NS_PER_US,
        .journal = {.is_ours = is_ours, .write = write_record, .arg = p},
    };
    return webhooks_create(&p->webhooks, loop, config->store, &webhooks, fault);
}

static enum status
open_log(struct push *p,
         struct loop *loop,
         const struct push_config *config,
         struct fault *fault)
{
    const struct delivery_log_config log = {
        .bus = config->bus,
        .owner = config->owner,
        .events = {.record = on_record, .caught_up = on_caught_up},
        .arg = p,
    };
    return webhooks_enabled(p->webhooks) ? delivery_log_open(&p->log, loop, &log, fault)
                                         : STATUS_OK;
}

enum status
push_open(struct push **out,
          struct loop *loop,
          const struct push_config *config,
          struct fault *fault)
{
    struct push *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for webhooks");
    }
    p->loop = loop;
    p->owner = config->owner;
    enum status status = open_webhooks(p, loop, config, fault);
    status = status == STATUS_OK ? open_log(p, loop, config, fault) : status;
    if (status != STATUS_OK) {
        push_close(&p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void
push_close(struct push **push)
{
    struct push *p = *push;
    *push = NULL;
    if (p == NULL) {
        return;
    }
    webhooks_destroy(&p->webhooks);
    delivery_log_close(&p->log);
    free(p);
}

struct webhooks *
push_webhooks(struct push *p)
{
    return p->webhooks;
}

void
push_owner_changed(struct push *p)
{
    if (p->log != NULL) {
        delivery_log_follow(p->log);
    }
    webhooks_ownership_changed(p->webhooks);
}

void
push_flush(struct push *p)
{
    if (p->log != NULL) {
        delivery_log_flush(p->log);
    }
}

void
push_learn_again(struct push *p)
{
    if (p->log != NULL) {
        delivery_log_read_again(p->log);
    }
    webhooks_ownership_changed(p->webhooks);
}

int64_t
push_turn(struct push *p, int64_t now_ns)
{
    int64_t next_ns = webhooks_turn(p->webhooks, now_ns);
    int64_t send_ns = p->log == NULL ? TIME_NEVER : delivery_log_turn(p->log, now_ns);
    return next_ns < send_ns ? next_ns : send_ns;
}

static struct delivery_book *
book_of(struct results *r)
{
    return webhooks_book(results_push(r)->webhooks);
}

enum status
results_webhook(struct results *r, const struct uuid *id, struct webhook_view *view)
{
    struct webhook_record record;
    if (delivery_book_recall(book_of(r), id, &record) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    *view = (struct webhook_view){
        .state = record.state, .attempts = record.attempts, .due_us = record.due_us};
    return STATUS_OK;
}

size_t
results_webhook_partitions(struct results *r, size_t *of)
{
    const struct push *p = results_push(r);
    *of = (size_t)p->owner->partition_count;
    return p->log != NULL ? delivery_log_learned(p->log) : p->owner->owned_count;
}

bool
results_webhooks(struct results *r,
                 const struct webhook_page *page,
                 results_webhook_fn fn,
                 void *arg,
                 struct uuid *next)
{
    return delivery_book_list(book_of(r), page, fn, arg, next);
}

enum status
results_redeliver(struct results *r, const struct reply *reply)
{
    struct push *p = results_push(r);
    enum status status = webhooks_redeliver(p->webhooks, reply, loop_now(p->loop));
    loop_wake(p->loop);
    return status;
}

enum status
results_reload_secrets(struct results *r, struct fault *fault)
{
    return webhooks_reload(results_push(r)->webhooks, fault);
}
