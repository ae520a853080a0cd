/* SPDX-License-Identifier: Apache-2.0 */
/*
 * @source Standard Webhooks 1.0.0: 2xx is delivered, 410 is a wish to hear no more,
 * everything else, redirects too, is a failure.
 */
#include "results/attempt.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_LIMIT = 64 * 1024, GONE = 410, TOO_MANY_REQUESTS = 429 };

#define CONNECT_TIMEOUT_NS (5 * NS_PER_S)

struct attempt_text {
    char id[UUID_TEXT + 8]; /* msg_ and the job's id: the same at every attempt */
    char timestamp[24];
    struct buf signature;
};

static void
attempt_text_init(struct attempt_text *text,
                  const struct secrets *secrets,
                  const struct uuid *id,
                  struct span body)
{
    char uuid[UUID_TEXT];
    int64_t timestamp_s = clock_wall_us() / 1000000;
    uuid_format(id, uuid);
    snprintf(text->id, sizeof text->id, "msg_%.*s", UUID_TEXT, uuid);
    snprintf(text->timestamp, sizeof text->timestamp, "%lld", (long long)timestamp_s);
    buf_init(&text->signature, 4096);
    signature_write(secrets, span_of_text(text->id), timestamp_s, body,
                    &text->signature);
    buf_append_byte(&text->signature, '\0');
}

enum status
attempt_start(struct http_caller *caller,
              const struct attempt *attempt,
              http_answer_fn fn,
              void *arg)
{
    struct attempt_text text = {.id = ""};
    char url[ATTEMPT_URL_MAX + 1];
    memcpy(url, attempt->url.data, attempt->url.size);
    url[attempt->url.size] = '\0';
    attempt_text_init(&text, attempt->secrets, attempt->id, attempt->body);
    const struct http_header headers[] = {
        {"Content-Type", "application/json"},
        {"User-Agent", "leat/" LEAT_VERSION},
        {"webhook-id", text.id},
        {"webhook-timestamp", text.timestamp},
        {"webhook-signature", (const char *)text.signature.data},
    };
    const struct http_call call = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
        .body = attempt->body,
        .connect_timeout_ns = CONNECT_TIMEOUT_NS,
        .timeout_ns = attempt->timeout_ns,
        .answer_limit = ANSWER_LIMIT,
        .allow_private = attempt->allow_private,
        .hosts = attempt->hosts,
        .ports = attempt->ports,
    };
    enum status status = text.signature.status;
    if (status == STATUS_OK) {
        status = http_call_start(caller, &call, fn, arg);
    }
    buf_fini(&text.signature);
    return status;
}

/* 2xx, also where the answer was too long to be kept: it was received. */
static bool
is_delivered(const struct http_answer *answer)
{
    bool heard = answer->status == STATUS_OK || answer->status == STATUS_TOO_LARGE;
    return heard && answer->code / 100 == 2;
}

/* No later attempt could end otherwise. */
static bool
is_hopeless(const struct http_answer *answer)
{
    return answer->status == STATUS_INVALID || answer->status == STATUS_UNSUPPORTED;
}

enum webhook_state
attempt_judge(const struct http_answer *answer, bool last)
{
    if (is_delivered(answer)) {
        return WEBHOOK_DELIVERED;
    }
    if (answer->status == STATUS_OK && answer->code == GONE) {
        return WEBHOOK_STOPPED;
    }
    return is_hopeless(answer) || last ? WEBHOOK_EXHAUSTED : WEBHOOK_PENDING;
}

bool
attempt_verdict(const struct http_answer *answer, enum endpoint_verdict *verdict)
{
    bool answered = answer->status == STATUS_OK;
    *verdict = ENDPOINT_FAILED;
    if (is_delivered(answer) || (answered && answer->code == GONE)) {
        *verdict = ENDPOINT_FINE;
    } else if (answered && answer->code == TOO_MANY_REQUESTS) {
        *verdict = ENDPOINT_SLOW_DOWN;
    }
    return !is_hopeless(answer) && answer->status != STATUS_NO_MEMORY;
}

const char *
attempt_reason(const struct http_answer *answer)
{
    static const char *const codes[] = {"http_1xx", "http_1xx", "http_2xx",
                                        "http_3xx", "http_4xx", "http_5xx"};
    int class = answer->code / 100;
    switch (answer->status) {
    case STATUS_OK:
        return class >= 0 && class <= 5 ? codes[class] : "no_http";
    case STATUS_INVALID:
        return "bad_url";
    case STATUS_UNSUPPORTED:
        return "not_allowed";
    case STATUS_TIMEOUT:
        return "timeout";
    case STATUS_TOO_LARGE:
        return "answer_too_large";
    default:
        return "unreachable";
    }
}
