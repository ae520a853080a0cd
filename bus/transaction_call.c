/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error is one of four: try again; abort; the client is done for; none of these,
 * which at an offset or a commit is an abort, too: a coordinator refuses to abort what
 * it has committed, so that trying it is never wrong.
 */
#include "bus/transaction_call.h"

#include "base/clock.h"
#include "bus/client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLICE_MS = 1000, PAUSE_MS = 50, WHOLE_TIMEOUT = -1 };

enum verdict { VERDICT_DONE, VERDICT_AGAIN, VERDICT_ABORT, VERDICT_FATAL };

static void
call_fail(struct transaction_call *call)
{
    rd_kafka_resp_err_t code =
        rd_kafka_fatal_error(call->rk, call->reason, sizeof(call->reason));
    bool uncommitted = call->act != TRANSACTION_INIT && !call->commit_tried;
    call->status = uncommitted ? STATUS_CONFLICT : STATUS_INTERNAL;
    if (client_status(code) == STATUS_FENCED) {
        call->status = STATUS_FENCED;
    }
}

/* Takes the error. */
static enum verdict
call_judge(struct transaction_call *call, rd_kafka_error_t *error)
{
    if (error == NULL) {
        return VERDICT_DONE;
    }
    enum verdict verdict = VERDICT_ABORT;
    if (rd_kafka_error_is_fatal(error) != 0) {
        verdict = VERDICT_FATAL;
    } else if (rd_kafka_error_txn_requires_abort(error) == 0 &&
               rd_kafka_error_is_retriable(error) != 0) {
        verdict = VERDICT_AGAIN;
    }
    snprintf(call->reason, sizeof(call->reason), "%s", rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    if (verdict == VERDICT_FATAL) {
        call_fail(call);
    }
    return verdict;
}

/* @return whether to try once more */
static bool
call_pause(const struct transaction_call *call)
{
    (void)poll(NULL, 0, PAUSE_MS);
    return !atomic_load(call->stopping);
}

static void
call_begin(struct transaction_call *call)
{
    if (call_judge(call, rd_kafka_begin_transaction(call->rk)) != VERDICT_DONE &&
        call->status != STATUS_FENCED) {
        call->status = STATUS_INTERNAL;
    }
}

static void
call_init(struct transaction_call *call)
{
    for (;;) {
        switch (call_judge(call, rd_kafka_init_transactions(call->rk, SLICE_MS))) {
        case VERDICT_DONE:
            call->status = STATUS_OK;
            call_begin(call);
            return;
        case VERDICT_AGAIN:
            if (!call_pause(call)) {
                call->status = STATUS_CLOSED;
                return;
            }
            break;
        case VERDICT_ABORT:
            call->status = STATUS_INTERNAL;
            return;
        case VERDICT_FATAL:
            return;
        }
    }
}

static void
call_abort(struct transaction_call *call, enum status status)
{
    char reason[sizeof(call->reason)];
    snprintf(reason, sizeof(reason), "%s", call->reason);
    for (;;) {
        switch (call_judge(call, rd_kafka_abort_transaction(call->rk, WHOLE_TIMEOUT))) {
        case VERDICT_DONE:
            call->status = status;
            snprintf(call->reason, sizeof(call->reason), "%s", reason);
            call_begin(call);
            return;
        case VERDICT_AGAIN:
            if (!call_pause(call)) {
                call->status = STATUS_CLOSED;
                return;
            }
            break;
        case VERDICT_ABORT:
            call->status = STATUS_INTERNAL;
            return;
        case VERDICT_FATAL:
            return;
        }
    }
}

/* @return VERDICT_AGAIN if time is over */
static enum verdict
call_send_offsets(struct transaction_call *call, const struct group_offsets *group)
{
    int64_t end_ns = clock_mono_ns() + call->timeout_ns / 2;
    enum verdict verdict;
    do {
        verdict =
            call_judge(call, rd_kafka_send_offsets_to_transaction(
                                 call->rk, group->list, group->membership, SLICE_MS));
    } while (verdict == VERDICT_AGAIN && clock_mono_ns() < end_ns && call_pause(call));
    return verdict;
}

static void
call_commit(struct transaction_call *call)
{
    enum verdict verdict = VERDICT_DONE;
    for (size_t i = 0; verdict == VERDICT_DONE && i < call->group_count; i++) {
        verdict = call_send_offsets(call, &call->groups[i]);
    }
    if (verdict == VERDICT_DONE) {
        call->commit_tried = true;
        do {
            verdict =
                call_judge(call, rd_kafka_commit_transaction(call->rk, WHOLE_TIMEOUT));
        } while (verdict == VERDICT_AGAIN && call_pause(call));
        if (verdict == VERDICT_AGAIN) {
            call->status = STATUS_CLOSED;
            return;
        }
    }
    if (verdict == VERDICT_DONE) {
        call->status = STATUS_OK;
        call_begin(call);
    } else if (verdict != VERDICT_FATAL) {
        call_abort(call, STATUS_UNAVAILABLE);
    }
}

void
transaction_call(struct transaction_call *call)
{
    call->reason[0] = '\0';
    call->commit_tried = false;
    switch (call->act) {
    case TRANSACTION_INIT:
        call_init(call);
        return;
    case TRANSACTION_COMMIT:
        call_commit(call);
        return;
    case TRANSACTION_ABORT:
        call_abort(call, STATUS_UNAVAILABLE);
        return;
    }
}

void
transaction_call_clear(struct transaction_call *call)
{
    for (size_t i = 0; i < call->group_count; i++) {
        rd_kafka_consumer_group_metadata_destroy(call->groups[i].membership);
        rd_kafka_topic_partition_list_destroy(call->groups[i].list);
    }
    free(call->groups);
    call->groups = NULL;
    call->group_count = 0;
}
