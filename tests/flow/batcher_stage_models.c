/* SPDX-License-Identifier: Apache-2.0 */
/* See batcher_stage.h: its orders, and what is done to its models. */
#include "batcher/metrics.h"
#include "bus/admin.h"
#include "schemas/codec.h"
#include "tests/flow/batcher_stage_state.h"
#include "tests/flow/stage_runner.h"

static void
order(struct batcher_stage *s, const struct control *c)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    control_encode(c, &b);
    batcher_stage_send_value(s, s->control, span_of(NULL, 0), &b, NULL, 0);
}

void
batcher_stage_cancel(struct batcher_stage *s, const struct uuid *id, const char *tenant)
{
    const struct control c = {
        .type = CONTROL_CANCEL, .id = *id, .tenant = span_of_text(tenant)};
    order(s, &c);
}

void
batcher_stage_order(struct batcher_stage *s, const char *model, bool load)
{
    const struct control c = {.type = load ? CONTROL_LOAD : CONTROL_UNLOAD,
                              .model = span_of_text(model),
                              .issued_us = clock_wall_us()};
    order(s, &c);
}

struct batcher_config *
batcher_stage_config(struct batcher_stage *s)
{
    return &s->config;
}

const struct stage_models *
batcher_stage_models(const struct batcher_stage *s)
{
    return &s->models;
}

void
batcher_stage_version(struct batcher_stage *s, const char *version)
{
    s->version = version;
}

void
batcher_stage_reload(struct batcher_stage *s)
{
    batcher_reload(s->batcher);
}

void
batcher_stage_metrics(struct batcher_stage *s, struct buf *out)
{
    batcher_write_metrics(s->batcher, out);
}

void
batcher_stage_wait_metric(struct batcher_stage *s,
                          enum batcher_metric metric,
                          int64_t value)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while (atomic_load(&batcher_metrics[metric].value) < value) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%s: %lld", batcher_metrics[metric].name,
                     (long long)atomic_load(&batcher_metrics[metric].value));
        loop_turn(s->loop, NS_PER_MS);
    }
}

void
batcher_stage_wait_runners(struct batcher_stage *s, bool any)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    while ((stage_runner_pid() > 0) != any) {
        cr_assert_lt(clock_mono_ns(), end_ns, "runners: %s", any ? "none" : "some");
        loop_turn(s->loop, NS_PER_MS);
    }
}

void
batcher_stage_wait_ready(struct batcher_stage *s)
{
    int64_t end_ns = clock_mono_ns() + PATIENCE_NS;
    const char *waiting_for = "";
    while (!batcher_ready(s->batcher, &waiting_for)) {
        cr_assert_lt(clock_mono_ns(), end_ns, "%s", waiting_for);
        loop_turn(s->loop, NS_PER_MS);
    }
}

int64_t
batcher_stage_lag(struct batcher_stage *s)
{
    struct fault fault = {.text = ""};
    struct admin *admin;
    int64_t lag = 0;
    stage_must(admin_create(&admin, &s->bus, &fault), &fault);
    for (int32_t p = 0; p < REQUEST_PARTITIONS; p++) {
        int64_t committed = 0;
        int64_t end = 0;
        stage_must(admin_lag(admin, "leat.batcher.m", "leat.requests.m", p,
                             5 * NS_PER_S, &committed, &end),
                   &fault);
        lag += end - (committed < 0 ? 0 : committed);
    }
    admin_destroy(&admin);
    return lag;
}

void
batcher_stage_change(struct batcher_stage *s, const char *properties)
{
    stage_models_add(batcher_stage_models(s), "m", properties, STAGE_ROW);
    batcher_stage_reload(s);
}

void
batcher_stage_restart(struct batcher_stage *s)
{
    cr_assert_eq(batcher_stage_stop(s), 0);
    batcher_stage_start(s);
    batcher_stage_wait_ready(s);
}

int64_t
batcher_stage_count(enum batcher_metric metric)
{
    return atomic_load(&batcher_metrics[metric].value);
}

void
batcher_stage_expect_right(struct stage_result *const *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(results[i]->status, REPLY_SUCCEEDED, "%s", results[i]->code);
        cr_assert_eq(results[i]->count, 1);
        cr_assert(results[i]->right);
    }
}
