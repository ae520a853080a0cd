/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Either an errand is under way or a wait in the results room, never both. The owner is
 * asked for the reply as a record, so that whoever waits gets it as if it had come from
 * Kafka.
 */
#include "ingest/remote_wait.h"

#include "base/clock.h"
#include "ingest/errand.h"
#include "ingest/job_path.h"
#include "ingest/service.h"
#include "schemas/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = JOB_PATH_SIZE + 16, QUERY_SIZE = 32 };

#define GRACE_NS     (5 * NS_PER_S)
#define ASK_AGAIN_NS (100 * NS_PER_MS)

struct remote_wait {
    struct errand errand;
    struct results_wait *local; /* NULL: an errand is under way */
    int64_t deadline_ns;
    results_answer_fn fn;
    void *waiter;
    char path[PATH_SIZE];
    char query[QUERY_SIZE];
    char tenant[TENANT_NAME_MAX + 1]; /* whose id it is */
};

static void
finish(struct remote_wait *w, enum status status, const struct reply *reply)
{
    results_answer_fn fn = w->fn;
    void *waiter = w->waiter;
    free(w);
    fn(waiter, status, reply);
}

static void
ask(struct errand *e, struct peer_request *request)
{
    struct remote_wait *w = (struct remote_wait *)e;
    int64_t left_ns = w->deadline_ns - clock_mono_ns();
    int64_t most_ns = e->ingest->config.infer_timeout_ns;
    int64_t wait_s = left_ns < 0 ? 0 : (left_ns + NS_PER_S - 1) / NS_PER_S;
    wait_s = wait_s < most_ns / NS_PER_S ? wait_s : most_ns / NS_PER_S;
    snprintf(w->query, sizeof(w->query), "wait=%" PRId64, wait_s);
    request->method = "GET";
    request->path = span_of_text(w->path);
    request->query = w->query;
    request->timeout_ns = wait_s * NS_PER_S + GRACE_NS;
    const struct http_header headers[] = {
        {"Accept", REPLY_MEDIA_TYPE},
        {PEER_TENANT_HEADER, w->tenant},
        {PEER_EXPECT_HEADER, "1"},
    };
    request->header_count = sizeof(headers) / sizeof(headers[0]);
    memcpy(request->headers, headers, sizeof(headers));
}

static void
local_ended(void *waiter, enum status status, const struct reply *reply)
{
    struct remote_wait *w = waiter;
    w->local = NULL;
    if (status == STATUS_MISDIRECTED && !w->errand.ingest->errands_closed) {
        errand_begin(w->errand.ingest, &w->errand, 0);
    } else {
        finish(w, status, reply);
    }
}

static void
wait_here(struct remote_wait *w)
{
    enum status status = results_expect(w->errand.ingest->results, &w->errand.id,
                                        w->deadline_ns, local_ended, w, &w->local);
    if (status != STATUS_OK) {
        finish(w, status, NULL);
    }
}

/* A wait at the owner that ended with nothing is begun anew until the deadline. */
static void
owner_answered(struct remote_wait *w, const struct http_answer *answer)
{
    struct ingest *ingest = w->errand.ingest;
    struct reply reply;
    arena_reset(&ingest->arena);
    if (answer->code == 200 &&
        reply_decode(answer->body, &ingest->arena, &reply, NULL) == STATUS_OK &&
        reply_is_terminal(&reply)) {
        finish(w, STATUS_OK, &reply);
    } else if (clock_mono_ns() >= w->deadline_ns) {
        finish(w, STATUS_TIMEOUT, NULL);
    } else {
        errand_begin(ingest, &w->errand, clock_mono_ns() + ASK_AGAIN_NS);
    }
}

static void
ended(struct errand *e, enum status status, const struct http_answer *answer)
{
    struct remote_wait *w = (struct remote_wait *)e;
    if (status == STATUS_OK) {
        owner_answered(w, answer);
    } else if (status == STATUS_CONFLICT) {
        wait_here(w);
    } else {
        finish(w, status == STATUS_CLOSED ? status : STATUS_TIMEOUT, NULL);
    }
}

struct remote_wait *
remote_wait_begin(struct ingest *ingest,
                  const struct uuid *id,
                  const struct tenant *tenant,
                  int64_t deadline_ns,
                  results_answer_fn fn,
                  void *waiter)
{
    struct remote_wait *w =
        ingest->peers == NULL || ingest->errands_closed ? NULL : calloc(1, sizeof(*w));
    if (w == NULL) {
        return NULL;
    }
    int64_t left_ns = deadline_ns - clock_mono_ns();
    w->errand.id = *id;
    w->errand.ask = ask;
    w->errand.end = ended;
    w->errand.patience_ns = left_ns > 0 ? left_ns : 0;
    w->deadline_ns = deadline_ns;
    w->fn = fn;
    w->waiter = waiter;
    struct span name = tenant_name(tenant);
    memcpy(w->tenant, name.data, name.size);
    char job[JOB_PATH_SIZE];
    job_path_format(id, job);
    snprintf(w->path, sizeof(w->path), "%s/result", job);
    errand_begin(ingest, &w->errand, 0);
    return w;
}

void
remote_wait_forget(struct remote_wait *w)
{
    if (w->local != NULL) {
        results_forget(w->errand.ingest->results, w->local);
        free(w);
    } else {
        errand_drop(&w->errand);
    }
}
