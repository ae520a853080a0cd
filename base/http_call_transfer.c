/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options and callbacks of one libcurl handle. The guard stands in two of them: the one
 * that opens a socket sees the address a new connection goes to, the one before the
 * request sees the address of a reused connection.
 */
#include "base/http_call_transfer.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { ANSWER_HEAD_LIMIT = 64 * 1024, CONNECTION_AGE_MAX_S = 300 };

/* Both of one family, IPv4 or IPv6. */
static bool
same_host(const struct sockaddr *a, const struct sockaddr *b)
{
    const void *left = a;
    const void *right = b;
    if (a->sa_family == AF_INET) {
        const struct sockaddr_in *x = left;
        const struct sockaddr_in *y = right;
        return memcmp(&x->sin_addr, &y->sin_addr, sizeof(x->sin_addr)) == 0;
    }
    const struct sockaddr_in6 *x = left;
    const struct sockaddr_in6 *y = right;
    return a->sa_family == AF_INET6 &&
           memcmp(&x->sin6_addr, &y->sin6_addr, sizeof(x->sin6_addr)) == 0;
}

/* A public address of this very machine is as private as loopback. */
static bool
address_is_own(const struct sockaddr *address)
{
    struct ifaddrs *own = NULL;
    bool found = false;
    if (getifaddrs(&own) != 0) {
        return true; /* unknown: refuse */
    }
    for (const struct ifaddrs *i = own; i != NULL && !found; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != address->sa_family) {
            continue;
        }
        found = same_host(i->ifa_addr, address);
    }
    freeifaddrs(own);
    return found;
}

static bool
address_is_allowed(struct http_transfer *t, const struct sockaddr *address)
{
    bool allowed = t->allow_private ||
                   (http_address_is_public(address) && !address_is_own(address));
    t->refused = t->refused || !allowed;
    return allowed;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    if (!address_is_allowed(arg, &address->addr)) {
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int
/* NOLINTNEXTLINE(readability-non-const-parameter): curl's signature */
before_request(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)local;
    (void)peer_port;
    (void)local_port;
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    bool allowed = false;
    if (inet_pton(AF_INET, peer, &in.sin_addr) == 1) {
        allowed = address_is_allowed(arg, (struct sockaddr *)&in);
    } else if (inet_pton(AF_INET6, peer, &in6.sin6_addr) == 1) {
        allowed = address_is_allowed(arg, (struct sockaddr *)&in6);
    }
    return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static size_t
take_body(char *data, size_t one, size_t size, void *arg)
{
    struct http_transfer *t = arg;
    (void)one;
    if (size > t->answer_limit - t->answer->size) {
        t->too_large = true;
        return 0;
    }
    buf_append(t->answer, data, size);
    t->too_large = t->answer->status == STATUS_TOO_LARGE;
    return t->answer->status == STATUS_OK ? size : 0;
}

static size_t
/* NOLINTNEXTLINE(readability-non-const-parameter): curl's signature */
take_head(char *data, size_t one, size_t size, void *arg)
{
    struct http_transfer *t = arg;
    (void)data;
    (void)one;
    t->head_size += size;
    t->too_large = t->head_size > ANSWER_HEAD_LIMIT;
    return t->too_large ? 0 : size;
}

static void
global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void
http_transfer_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, global_init);
}

static bool
has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

enum status
http_url_check(const char *url)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    char *fragment = NULL;
    enum status status = STATUS_INVALID;
    if (parsed == NULL) {
        return STATUS_NO_MEMORY;
    }
    if (!has_control(url) && strchr(url, ' ') == NULL &&
        curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(parsed, CURLUPART_FRAGMENT, &fragment, 0) != CURLUE_OK &&
        (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0)) {
        status = STATUS_OK;
    }
    curl_free(scheme);
    curl_free(fragment);
    curl_url_cleanup(parsed);
    return status;
}

static bool
header_add(struct http_transfer *t, const char *name, const char *value)
{
    char *line = NULL;
    /* An empty value needs the form with a semicolon, or libcurl leaves it out. */
    int n = value[0] == '\0' ? asprintf(&line, "%s;", name)
                             : asprintf(&line, "%s: %s", name, value);
    struct curl_slist *longer = n < 0 ? NULL : curl_slist_append(t->headers, line);
    free(n < 0 ? NULL : line);
    t->headers = longer != NULL ? longer : t->headers;
    return longer != NULL;
}

static bool
headers_add(struct http_transfer *t, const struct http_call *call)
{
    bool typed = false;
    for (size_t i = 0; i < call->header_count; i++) {
        const struct http_header *h = &call->headers[i];
        if (has_control(h->name) || has_control(h->value)) {
            continue; /* would become a header of its own */
        }
        typed = typed || strcasecmp(h->name, "Content-Type") == 0;
        if (!header_add(t, h->name, h->value)) {
            return false;
        }
    }
    /* libcurl adds these by itself otherwise: a wait for 100 and a form's type. */
    static const char *const unwanted[] = {"Expect:", "Content-Type:"};
    for (size_t i = 0; i < (typed ? 1U : 2U); i++) {
        struct curl_slist *longer = curl_slist_append(t->headers, unwanted[i]);
        if (longer == NULL) {
            return false;
        }
        t->headers = longer;
    }
    return true;
}

static void
set_request(struct http_transfer *t, const struct http_call *call)
{
    CURL *curl = t->curl;
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    if (call->ca != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca);
    }
    if (strcmp(call->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (call->body.size > 0 || strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)call->body.size);
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS,
                         call->body.size > 0 ? (const char *)call->body.data : "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_limits(CURL *curl, const struct http_call *call)
{
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(call->connect_timeout_ns / NS_PER_MS));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(call->timeout_ns / NS_PER_MS));
    curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_AGE_MAX_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* Leave a look-up that hangs behind instead of waiting for its thread. */
    curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
}

static void
set_guards(CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void
set_callbacks(struct http_transfer *t)
{
    CURL *curl = t->curl;
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, t);
}

enum status
http_transfer_init(struct http_transfer *t,
                   const struct http_call *call,
                   struct buf *answer)
{
    http_transfer_setup();
    *t = (struct http_transfer){.answer = answer,
                                .answer_limit = call->answer_limit,
                                .allow_private = call->allow_private};
    enum status status = http_url_check(call->url);
    if (status != STATUS_OK) {
        return status;
    }
    if (!http_reach_holds(call)) {
        return STATUS_UNSUPPORTED;
    }
    t->curl = curl_easy_init();
    if (t->curl == NULL || !headers_add(t, call)) {
        http_transfer_fini(t);
        return STATUS_NO_MEMORY;
    }
    set_request(t, call);
    set_limits(t->curl, call);
    set_guards(t->curl);
    set_callbacks(t);
    return STATUS_OK;
}

void
http_transfer_fini(struct http_transfer *t)
{
    if (t->curl != NULL) {
        curl_easy_cleanup(t->curl);
    }
    curl_slist_free_all(t->headers);
    t->curl = NULL;
    t->headers = NULL;
}

static enum status
status_of(const struct http_transfer *t, CURLcode result)
{
    if (result == CURLE_OK) {
        return STATUS_OK;
    }
    if (t->too_large) {
        return STATUS_TOO_LARGE;
    }
    if (t->refused) {
        return STATUS_UNSUPPORTED;
    }
    switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
        return STATUS_TIMEOUT;
    case CURLE_URL_MALFORMAT:
        return STATUS_INVALID;
    case CURLE_OUT_OF_MEMORY:
        return STATUS_NO_MEMORY;
    default:
        return t->answer->status == STATUS_NO_MEMORY ? STATUS_NO_MEMORY
                                                     : STATUS_UNAVAILABLE;
    }
}

void
http_transfer_read(const struct http_transfer *t,
                   CURLcode result,
                   struct http_answer *answer)
{
    *answer = (struct http_answer){.status = status_of(t, result), .retry_after_s = -1};
    if (answer->status != STATUS_OK && answer->status != STATUS_TOO_LARGE) {
        return;
    }
    long code = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    answer->code = (int)code;
    if (answer->status != STATUS_OK) {
        return;
    }
    answer->body = buf_span(t->answer);
    answer->head = t->curl;
    struct curl_header *header = NULL;
    if (curl_easy_header(t->curl, "Retry-After", 0, CURLH_HEADER, -1, &header) ==
        CURLHE_OK) {
        curl_off_t seconds =
            0; /* libcurl reads both forms; a date in the past is < 0 */
        curl_easy_getinfo(t->curl, CURLINFO_RETRY_AFTER, &seconds);
        answer->retry_after_s = seconds > 0 ? seconds : 0;
    }
}

const char *
http_answer_header(const struct http_answer *answer, const char *name)
{
    struct curl_header *header = NULL;
    if (answer->head == NULL || curl_easy_header(answer->head, name, 0, CURLH_HEADER,
                                                 -1, &header) != CURLHE_OK) {
        return NULL;
    }
    /* It lives with the answer; only the struct around it is used again. */
    return header->value;
}
