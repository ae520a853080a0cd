/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the states that a person or a JSON document sees. */
#include "schemas/message.h"

const char *
reply_status_name(enum reply_status status)
{
    static const char *const names[REPLY_STATUS_COUNT] = {
        [REPLY_QUEUED] = "queued",   [REPLY_SUCCEEDED] = "succeeded",
        [REPLY_FAILED] = "failed",   [REPLY_CANCELED] = "canceled",
        [REPLY_EXPIRED] = "expired",
    };
    return names[status];
}

bool
reply_is_terminal(const struct reply *r)
{
    return r->status != REPLY_QUEUED;
}

const char *
model_state_name(enum model_state state)
{
    static const char *const names[MODEL_STATE_COUNT] = {
        [MODEL_LOADING] = "loading",         [MODEL_READY] = "ready",
        [MODEL_UNAVAILABLE] = "unavailable", [MODEL_FAILED] = "failed",
        [MODEL_UNLOADED] = "unloaded",
    };
    return names[state];
}

const char *
webhook_state_name(enum webhook_state state)
{
    static const char *const names[WEBHOOK_STATE_COUNT] = {
        [WEBHOOK_PENDING] = "pending",
        [WEBHOOK_DELIVERED] = "delivered",
        [WEBHOOK_EXHAUSTED] = "exhausted",
        [WEBHOOK_STOPPED] = "stopped",
    };
    return names[state];
}
