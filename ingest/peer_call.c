/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a peer may be as large as any answer of ours, so it has the same limit.
 * An address is private as a rule: the guard of webhooks is off.
 */
#include "ingest/peer_call.h"

#include "base/buf.h"
#include "base/clock.h"
#include "ingest/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MIN = 16, TOKEN_SIZE = 260, URL_MAX = 8 * 1024 };

#define CONNECT_TIMEOUT_NS NS_PER_S

/* Says no more than that the call is meant for this port: without a token file only
 * the machine itself can call, see internal.c. */
#define TOKEN_LOOPBACK "loopback"

struct peer_caller {
    struct http_caller *http;
    char token[TOKEN_SIZE];
};

static enum status
token_read(const char *path, char token[static TOKEN_SIZE], struct fault *fault)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fault_set(fault, STATUS_INVALID, "internal.token.file=%s: %s", path,
                         strerrordesc_np(errno));
    }
    bool read = fgets(token, TOKEN_SIZE, file) != NULL;
    (void)fclose(file); /* nothing was written */
    size_t size = read ? strcspn(token, "\r\n") : 0;
    token[size] = '\0';
    bool usable = size >= TOKEN_MIN && size < TOKEN_SIZE - 2;
    for (size_t i = 0; i < size; i++) {
        usable = usable && token[i] > ' ' && token[i] < 0x7f;
    }
    if (!usable) {
        return fault_set(fault, STATUS_INVALID,
                         "internal.token.file=%s: the first line has to be %d to %d "
                         "visible characters",
                         path, TOKEN_MIN, TOKEN_SIZE - 3);
    }
    return STATUS_OK;
}

enum status
peer_caller_open(struct peer_caller **out,
                 struct loop *loop,
                 const char *token_file,
                 size_t parallel_max,
                 struct fault *fault)
{
    struct peer_caller *caller = calloc(1, sizeof(*caller));
    if (caller == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for calls to instances");
    }
    snprintf(caller->token, sizeof(caller->token), "%s", TOKEN_LOOPBACK);
    enum status status =
        token_file == NULL ? STATUS_OK : token_read(token_file, caller->token, fault);
    if (status == STATUS_OK) {
        status = http_caller_create(&caller->http, loop, parallel_max);
    }
    if (status != STATUS_OK) {
        free(caller);
        return status;
    }
    *out = caller;
    return STATUS_OK;
}

void
peer_caller_close(struct peer_caller **caller)
{
    struct peer_caller *c = *caller;
    *caller = NULL;
    if (c == NULL) {
        return;
    }
    http_caller_destroy(&c->http);
    explicit_bzero(c->token, sizeof(c->token));
    free(c);
}

/* Runs over the whole value whatever it holds; only its length shows. */
bool
peer_token_matches(const struct peer_caller *caller, struct span value)
{
    size_t size = strlen(caller->token);
    unsigned differing = value.size != size;
    for (size_t i = 0; i < value.size; i++) {
        differing |= value.data[i] ^ (uint8_t)caller->token[i % size];
    }
    return differing == 0;
}

static void
url_write(struct buf *url, const char *address, const struct peer_request *request)
{
    static const char unreserved[] = "-._~/";
    buf_append_format(url, "http://%s", address);
    for (size_t i = 0; i < request->path.size; i++) {
        uint8_t c = request->path.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                     (c >= 'a' && c <= 'z') ||
                     (c != 0 && strchr(unreserved, c) != NULL);
        if (plain) {
            buf_append_byte(url, c);
        } else {
            buf_append_format(url, "%%%02X", c);
        }
    }
    buf_append_format(url, "%s%s", request->query[0] == '\0' ? "" : "?",
                      request->query);
    buf_append_byte(url, 0);
}

enum status
peer_call_start(struct peer_caller *caller,
                const char *address,
                const struct peer_request *request,
                http_answer_fn fn,
                void *arg)
{
    struct http_header headers[PEER_HEADERS_MAX + 1];
    memcpy(headers, request->headers, request->header_count * sizeof(headers[0]));
    headers[request->header_count] =
        (struct http_header){PEER_TOKEN_HEADER, caller->token};
    struct buf url;
    buf_init(&url, URL_MAX);
    url_write(&url, address, request);
    enum status status = url.status;
    if (status == STATUS_OK) {
        const struct http_call call = {
            .method = request->method,
            .url = (const char *)url.data,
            .headers = headers,
            .header_count = request->header_count + 1,
            .body = request->body,
            .connect_timeout_ns = CONNECT_TIMEOUT_NS,
            .timeout_ns = request->timeout_ns,
            .answer_limit = ANSWER_BYTES_MAX,
            .allow_private = true,
        };
        status = http_call_start(caller->http, &call, fn, arg);
    }
    buf_fini(&url);
    return status;
}
