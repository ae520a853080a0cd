/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the parts of one ingest, each owned by the file
 * named beside it. Everything runs on the loop's thread.
 */
#ifndef INGEST_SERVICE_H
#define INGEST_SERVICE_H

#include "base/arena.h"
#include "base/http_server.h"
#include "base/loop.h"
#include "ingest/admission.h"
#include "ingest/backlog.h"
#include "ingest/bulk.h"
#include "ingest/errand.h"
#include "ingest/events.h"
#include "ingest/events_away.h"
#include "ingest/guard.h"
#include "ingest/ingest.h"
#include "ingest/job.h"
#include "ingest/model_order.h"
#include "ingest/models_topic.h"
#include "ingest/peer_call.h"
#include "ingest/publish.h"
#include "ingest/pulse.h"
#include "ingest/submission.h"
#include "ingest/tenant.h"
#include "results/results.h"

#include <stdbool.h>
#include <stdint.h>

/* Exchanges that are with another instance. */
struct forward_list {
    struct forward *first;
};

/* Of what runs, who follows was told. */
struct running_watch {
    uint64_t changes;  /* as looked at last */
    int64_t look_ns;   /* not before */
    int64_t expire_ns; /* when it is looked what is not heard of any more */
    bool any;          /* something may be */
};

struct ingest {
    struct loop *loop;
    const struct bus_config *bus;
    struct ingest_config config;
    struct results *results;
    struct models_topic *models;
    struct publish *publish;
    struct backlog *backlog;
    struct canceler *canceler; /* cancel.c */
    struct bulk *bulk;         /* bulk.c */
    struct claims *claims;     /* claim.c */
    struct submission_pool submissions;
    struct away_list aways;         /* events_away.c */
    struct follower_list followers; /* events.c */
    struct poll_list polls;         /* job.c */
    struct peer_caller *peers;      /* internal.c; NULL = no other instances */
    struct running_watch running;   /* running.c */
    struct errand_list errands;     /* errand.c: those that rest */
    struct forward_list forwards;   /* forward.c */
    struct model_order_list orders; /* model_order.c */
    struct tenants *tenants;
    struct guard *guard;
    struct admission admission;
    struct pulse *pulse;
    struct arena arena;           /* scratch of one handler, reset before each */
    struct http_server *http;     /* ingest.c */
    struct http_server *admin;    /* ingest.c; NULL = off */
    struct http_server *internal; /* internal.c; NULL = off */
    int64_t gauges_due_ns;        /* ingest.c */
    bool errands_closed;          /* errand.c: no more are begun */
    bool draining;
    int64_t drain_ends_ns;
};

/** A complete request of the public or the internal listener. arg is the ingest. */
void ingest_handle(void *arg, struct http_exchange *x);

/** Hands an exchange to its route, also one that has waited: what it concerns has
 * become ours. */
void ingest_route(struct ingest *ingest, struct http_exchange *x);

#endif
