/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat demo: the held-out digits to a running Leat, four ways, and what came back as a
 * person would like to see it. Each way is one function that sends, waits with an end,
 * and counts; the exit status says whether all of it went as promised.
 */
#include "cli/demo.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/verb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARALLEL = 64, DRAWN = 4, WAIT_S = 60, ACCURACY_LEAST = 97 };

static const char usage[] =
    "  leat demo --address=127.0.0.1:8080 --kafka.bootstrap.servers=127.0.0.1:9092\n";

#define FIELD(name) offsetof(struct demo_config, name)

static const struct option demo_options[] = {
    {.name = "address",
     .kind = OPTION_TEXT,
     .offset = FIELD(address),
     .fallback = "127.0.0.1:8080",
     .help = "Where leat-ingest listens."},
    {.name = "examples",
     .kind = OPTION_TEXT,
     .offset = FIELD(examples),
     .fallback = "./models/digits/examples",
     .help = "Folder with images.u8 and labels.u8."},
};

bool
demo_wait(struct demo *d, const size_t *count, size_t wanted)
{
    int64_t end_ns = clock_mono_ns() + WAIT_S * NS_PER_S;
    while (*count < wanted && clock_mono_ns() < end_ns) {
        loop_turn(d->loop, 100 * NS_PER_MS);
    }
    if (*count < wanted) {
        fprintf(stderr, "leat demo: only %zu of %zu answers within %d s\n", *count,
                wanted, WAIT_S);
    }
    return *count >= wanted;
}

enum status
demo_call(struct demo *d,
          const char *method,
          const char *path,
          const char *prefer,
          struct span body,
          http_answer_fn fn,
          void *arg)
{
    char url[512];
    snprintf(url, sizeof(url), "http://%s%s", d->config->address, path);
    const struct http_header headers[] = {{"Content-Type", "application/json"},
                                          {"Prefer", prefer}};
    const struct http_call call = {.method = method,
                                   .url = url,
                                   .headers = headers,
                                   .header_count = prefer == NULL ? 1 : 2,
                                   .body = body,
                                   .connect_timeout_ns = 5 * NS_PER_S,
                                   .timeout_ns = 40 * NS_PER_S,
                                   .answer_limit = 1 << 20,
                                   .allow_private = true};
    return http_call_start(d->caller, &call, fn, arg);
}

/* One held request. */
struct held {
    struct demo *d;
    size_t at;
    int answer;
};

struct held_run {
    struct held *items;
    size_t sent;
    size_t answered;
    size_t right;
};

static struct held_run held_run;

static void
held_answered(void *arg, const struct http_answer *answer)
{
    struct held *h = arg;
    held_run.answered++;
    h->answer = -1;
    if (answer->status == STATUS_OK && answer->code == 200) {
        h->answer = digits_answer(answer->body);
    } else {
        fprintf(stderr, "leat demo: image %zu: %s %d %.*s\n", h->at,
                status_name(answer->status), answer->code, (int)answer->body.size,
                (const char *)answer->body.data);
    }
    held_run.right += h->answer == (int)digits_label(&h->d->digits, h->at) ? 1 : 0;
}

static enum status
held_send(struct held *h)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_append_text(&body, "{");
    digits_body(&h->d->digits, h->at, &body);
    buf_append_text(&body, "}");
    enum status status = demo_call(h->d, "POST", "/v2/models/digits/infer", NULL,
                                   buf_span(&body), held_answered, h);
    buf_fini(&body);
    return status;
}

static void
show_held(struct demo *d, int64_t took_ns)
{
    size_t which[DRAWN];
    char text[DRAWN][48];
    const char *captions[DRAWN];
    for (size_t i = 0; i < DRAWN; i++) {
        which[i] = i * d->digits.count / DRAWN;
        snprintf(text[i], sizeof(text[i]), "%d (it is %u)",
                 held_run.items[which[i]].answer, digits_label(&d->digits, which[i]));
        captions[i] = text[i];
    }
    digits_draw(&d->digits, which, captions, DRAWN);
    printf("\n  %zu of %zu digits right (%.1f %%), %d connections, %.2f s\n",
           held_run.right, d->digits.count,
           100.0 * (double)held_run.right / (double)d->digits.count, PARALLEL,
           (double)took_ns / 1e9);
}

static bool
demo_held(struct demo *d)
{
    printf("\n1. Held: POST /v2/models/digits/infer, the answer on the connection\n\n");
    held_run = (struct held_run){
        .items = calloc(d->digits.count, sizeof(struct held)),
    };
    if (held_run.items == NULL) {
        return false;
    }
    int64_t begin_ns = clock_mono_ns();
    int64_t end_ns = begin_ns + WAIT_S * NS_PER_S;
    while (held_run.answered < d->digits.count && clock_mono_ns() < end_ns) {
        while (held_run.sent < d->digits.count &&
               held_run.sent - held_run.answered < PARALLEL) {
            struct held *h = &held_run.items[held_run.sent];
            *h = (struct held){.d = d, .at = held_run.sent, .answer = -1};
            if (held_send(h) != STATUS_OK) {
                break;
            }
            held_run.sent++;
        }
        loop_turn(d->loop, 20 * NS_PER_MS);
    }
    show_held(d, clock_mono_ns() - begin_ns);
    bool good = held_run.answered == d->digits.count &&
                held_run.right * 100 >= d->digits.count * ACCURACY_LEAST;
    free(held_run.items);
    return good;
}

static void
reply_seen(void *arg, const struct reply *reply)
{
    struct demo *d = arg;
    d->replies++;
    d->rows_in_batches += (size_t)reply->batch_size;
    d->largest_batch =
        reply->batch_size > d->largest_batch ? reply->batch_size : d->largest_batch;
    demo_kafka_seen(d, reply);
}

/* The tap may be behind the answers that came over HTTP. */
static bool
show_batches(struct demo *d)
{
    enum { OTHER_WAYS = 3 };
    if (!demo_wait(d, &d->replies, d->digits.count + OTHER_WAYS)) {
        return false;
    }
    printf("\nBatches, as the replies on Kafka tell: an answer came out of one of %.1f "
           "rows "
           "on average; the largest had %d.\n",
           (double)d->rows_in_batches / (double)d->replies, d->largest_batch);
    return true;
}

static enum status
demo_open(struct demo *d, const struct bus_config *bus, struct fault *fault)
{
    enum status status = digits_load(&d->digits, d->config->examples);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "no example digits in %s (--examples=DIR)",
                         d->config->examples);
    }
    status = loop_create(&d->loop);
    if (status == STATUS_OK) {
        status = http_caller_create(&d->caller, d->loop, PARALLEL);
    }
    if (status == STATUS_OK) {
        status = replies_tap_create(&d->tap, d->loop, bus, reply_seen, d, fault);
    }
    return status;
}

static void
demo_close(struct demo *d)
{
    replies_tap_destroy(&d->tap);
    if (d->caller != NULL) {
        http_caller_destroy(&d->caller);
    }
    loop_destroy(&d->loop);
    digits_fini(&d->digits);
}

static int
demo(const struct demo_config *config, const struct bus_config *bus)
{
    struct demo d = {.config = config, .bus = bus};
    struct fault fault = {.text = ""};
    if (demo_open(&d, bus, &fault) != STATUS_OK) {
        fprintf(stderr, "leat demo: %s\n", fault.text);
        demo_close(&d);
        return EXIT_UNAVAILABLE;
    }
    bool good = demo_held(&d);
    good = demo_polled(&d) && good;
    good = demo_webhook(&d) && good;
    good = demo_kafka(&d) && good;
    good = good && show_batches(&d);
    demo_close(&d);
    return good ? EXIT_DONE : EXIT_FAILED;
}

int
verb_demo(int argc, const char *const *argv)
{
    struct bus_config bus = {.dev = false};
    struct demo_config config;
    const struct option_table tables[] = {
        {"demo", demo_options, 2, &config},
        {"bus", bus_options, bus_option_count, &bus},
    };
    struct option_set set = {.program = "leat demo",
                             .summary = "send the example digits to a running Leat",
                             .usage = usage,
                             .tables = tables,
                             .table_count = 2,
                             .passthrough = &bus.extra};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        log_setup("demo", LOG_WARN, LOG_AUTO);
        result = demo(&config, &bus);
    }
    option_fini(&set);
    return result;
}
