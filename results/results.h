/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door of the results room: whoever waits for an id is told its answer once, every
 * answer is kept and can be found for results.ttl, and webhooks are delivered. It reads
 * the replies topic as a member of the group `leat.results`; the member that is
 * assigned a partition owns every id whose key hashes to it. Everything runs on the
 * loop.
 */
#ifndef RESULTS_RESULTS_H
#define RESULTS_RESULTS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/metric.h"
#include "base/option.h"
#include "base/status.h"
#include "base/uuid.h"
#include "bus/config.h"
#include "results/batches.h"
#include "schemas/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct results;
struct results_wait; /* somebody waiting for one id */

struct results_config {
    const char *store;        /* results.store: directory, created */
    int64_t ttl_ns;           /* results.ttl */
    int64_t delivered_ttl_ns; /* results.delivered.ttl; 0: results.ttl */
    int64_t store_bytes_max;  /* results.store.max */
    int64_t waits_max;        /* results.waits.max */
    const char *secret_file;  /* webhook.secret.file: whsec_... lines, each signs; NULL:
                                 no webhooks, see results_webhooks_enabled() */
    bool allow_private;       /* webhook.allow.private */
    const char *webhook_hosts;    /* webhook.allow.hosts; "" = any */
    const char *webhook_ports;    /* webhook.allow.ports; not with allow_private */
    int64_t webhook_timeout_ns;   /* webhook.timeout */
    int64_t webhook_attempts_max; /* webhook.attempts */
    int64_t webhooks_max;         /* webhook.pending.max */
    const char *advertised; /* not an option: where other instances reach this one,
                               host:port; NULL: nobody is told, nobody is known */
};

extern const struct option results_options[];
extern const size_t results_option_count;

/* For metric_register(), once per process. */
extern struct metric results_metrics[];
extern const size_t results_metric_count;

/**
 * The answer, or why there is none.
 *
 * @param[in] status STATUS_OK: reply is terminal; STATUS_TIMEOUT: the wait's deadline;
 *                   STATUS_CLOSED: shutting down; STATUS_MISDIRECTED: the partition of
 *                   the id went to another instance, see results_owner()
 * @param[in] reply  borrowed during the call; NULL unless STATUS_OK
 */
typedef void (*results_answer_fn)(void *waiter,
                                  enum status status,
                                  const struct reply *reply);

MUST_CHECK enum status results_create(struct results **out,
                                      struct loop *loop,
                                      const struct bus_config *bus,
                                      const struct results_config *config,
                                      struct fault *fault);

/** Answers every wait with STATUS_CLOSED, commits the store, leaves the group. */
void results_destroy(struct results **results);

/** Some partition is ours and read up to its end, so that ids can be minted. */
bool results_open(const struct results *results);

/** Open, and all partitions of the first assignment have been read. */
bool results_ready(const struct results *results);

/** What it is waiting for while not ready or not open, in words. */
const char *results_waiting_for(const struct results *results);

/** How far the replies topic has been read, in lines for people. */
void results_describe(const struct results *results, struct buf *out);

/** Whether webhooks can be signed; without webhook.secret.file they must be refused. */
bool results_webhooks_enabled(const struct results *results);

/**
 * Mints an id whose answer comes to this process: it hashes to the current one among
 * the owned reply partitions. The current one changes with results_next_partition().
 *
 * @return STATUS_OK; STATUS_UNAVAILABLE: not results_open()
 */
MUST_CHECK enum status
results_mint(struct results *results, int64_t wall_us, struct uuid *id);

/** Moves an id, always in the same way, to the partition of another.
 *
 * @return STATUS_OK; STATUS_UNAVAILABLE while the size of the topic is not known
 */
MUST_CHECK enum status
results_sibling(const struct results *results, const struct uuid *of, struct uuid *id);

enum { RESULTS_DIGEST_BYTES = 32 };

/** SHA-256 of a list of parts. @return STATUS_OK; STATUS_NO_MEMORY @thread any */
MUST_CHECK enum status results_digest(const struct span *parts,
                                      size_t count,
                                      uint8_t digest[static RESULTS_DIGEST_BYTES]);

/** Ends a quantum: ids minted from now on belong to the next owned partition. */
void results_next_partition(struct results *results);

/**
 * Waits for an id; also for one whose reply is already here (answered before return is
 * avoided: then it comes on the next turn). The tenant of the reply is the caller's to
 * compare.
 *
 * @param[in] deadline_ns monotonic
 * @return STATUS_OK: fn will be called exactly once, unless results_forget() comes
 *         first; STATUS_FULL
 */
MUST_CHECK enum status results_expect(struct results *results,
                                      const struct uuid *id,
                                      int64_t deadline_ns,
                                      results_answer_fn fn,
                                      void *waiter,
                                      struct results_wait **wait);

/** The waiter is gone: fn will not be called. */
void results_forget(struct results *results, struct results_wait *wait);

/**
 * The answer that a results_answer_fn is just told went to the connection that was held
 * for it, so it need not be kept for results.ttl. Without effect at any other time.
 */
void results_delivered(struct results *results, const struct uuid *id);

/**
 * Makes an accepted job findable before its own QUEUED record has come round through
 * Kafka. Does nothing where something is known of the id already.
 *
 * @param[in] bytes the framed QUEUED record as it was produced; copied
 */
void results_queued(struct results *results, const struct uuid *id, struct span bytes);

/**
 * What is known of an id now.
 *
 * @param[in]  arena for the arrays of the reply
 * @param[out] reply terminal or QUEUED; spans valid until the next call into results
 * @return STATUS_OK; STATUS_NOT_FOUND: never heard of, or expired, or another tenant's;
 *         STATUS_UNAVAILABLE: its partition is still being read; STATUS_MISDIRECTED:
 *         another instance owns it
 */
MUST_CHECK enum status results_find(struct results *results,
                                    const struct uuid *id,
                                    struct span tenant,
                                    struct arena *arena,
                                    struct reply *reply);

enum { RESULTS_ADDRESS_SIZE = 128 };

/**
 * Who can say what becomes of an id.
 *
 * @param[out] address of the owner's listener for other instances, host:port; set only
 *                     on STATUS_MISDIRECTED
 * @return STATUS_OK: this instance (also without results_config.advertised);
 *         STATUS_MISDIRECTED: the one at `address`, as far as is known;
 *         STATUS_UNAVAILABLE: not known now, it is being asked for
 */
MUST_CHECK enum status results_owner(struct results *results,
                                     const struct uuid *id,
                                     char address[static RESULTS_ADDRESS_SIZE]);

/**
 * The addresses of the other instances that own partitions, each once.
 *
 * @return STATUS_OK; STATUS_UNAVAILABLE: some owner is not known now, it is being asked
 *         for; STATUS_FULL: there are more than max
 */
MUST_CHECK enum status results_others(struct results *results,
                                      char (*addresses)[RESULTS_ADDRESS_SIZE],
                                      size_t max,
                                      size_t *count);

/** The owner that results_owner() told, or did not know, has to be asked for anew. */
void results_owner_failed(struct results *results);

struct webhook_view {
    enum webhook_state state;
    int64_t attempts; /* made so far */
    int64_t due_us;   /* wall time of the next or the last attempt */
};

/**
 * How the webhook of a job stands; the caller has checked the tenant.
 *
 * @return STATUS_OK; STATUS_NOT_FOUND: it has none, or none yet
 */
MUST_CHECK enum status results_webhook(struct results *results,
                                       const struct uuid *id,
                                       struct webhook_view *view);

/** Which deliveries to list. */
struct webhook_page {
    struct span tenant;
    enum webhook_state state; /* WEBHOOK_STATE_COUNT: any */
    struct uuid from;         /* all zero: the first */
    size_t limit;             /* at most */
};

/** One of them; its spans are valid during the call. */
typedef void (*results_webhook_fn)(void *arg, const struct webhook_record *w);

/**
 * The deliveries of this instance's partitions, in the order of ids. A page may end
 * before its limit: what a call looks at is bounded, too.
 *
 * @param[out] next where the next page begins, if there may be one
 * @return whether there may be more
 */
bool results_webhooks(struct results *results,
                      const struct webhook_page *page,
                      results_webhook_fn fn,
                      void *arg,
                      struct uuid *next);

/**
 * Of how many partitions results_webhooks() tells.
 *
 * @param[out] of partitions in all; 0: not known yet
 */
size_t results_webhook_partitions(struct results *results, size_t *of);

/**
 * Begins the delivery of a finished job anew, all attempts ahead of it, under the same
 * webhook-id; one that waits for its next attempt is made now.
 *
 * @param[in] reply of the job, terminal; the caller has checked the tenant
 * @return STATUS_OK; STATUS_NOT_FOUND: the job has no webhook; STATUS_UNSUPPORTED: no
 *         secret to sign with, or no URL; STATUS_UNAVAILABLE: its partition is still
 *         being read; STATUS_FULL; STATUS_TOO_LARGE; STATUS_NO_MEMORY
 */
MUST_CHECK enum status
results_redeliver(struct results *results, const struct reply *reply);

/** Reads webhook.secret.file again; if it is bad, the old secrets stay. @blocks */
MUST_CHECK enum status
results_reload_secrets(struct results *results, struct fault *fault);

/** A webhook as its receiver has it. */
struct webhook_message {
    struct span id; /* webhook-id */
    struct span timestamp;
    struct span signature;
    struct span body; /* as it came */
};

enum { WEBHOOK_TOLERANCE_S = 300 };

/**
 * Whether a webhook was signed with one of our secrets, just now.
 *
 * @return STATUS_OK; STATUS_CONFLICT: no signature fits; STATUS_EXPIRED: one does, but
 *         it is older or newer than WEBHOOK_TOLERANCE_S; STATUS_INVALID; STATUS_IO: the
 *         file of secrets; STATUS_NO_MEMORY
 * @thread any
 * @blocks for the disk
 */
MUST_CHECK enum status webhook_verify(const char *secret_file,
                                      const struct webhook_message *m,
                                      int64_t now_s,
                                      struct fault *fault);

/** How bulk batches stand; lives as long as the results. */
struct batches *results_batches(struct results *results);

#endif
