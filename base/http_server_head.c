/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The framing check: one pass over the fields as libmicrohttpd 0.9.75 parsed them. That
 * version ends lines in place, takes a bare LF and a NUL as an end too and joins folded
 * lines elsewhere; it shows in the distance between a value and the name after it,
 * which must be the two bytes of CR LF. A bare CR it leaves in the value.
 */
#include "base/http_server_head.h"

#include "base/span.h"

#include <microhttpd.h>

#include <string.h>
#include <strings.h>

const struct http_refusal http_refusal_target = {400, "Bad Request",
                                                 "the request target contains a NUL"};

static const struct http_refusal bad_name = {
    400, "Bad Request",
    "a header field name contains whitespace or control characters"};
static const struct http_refusal bad_line = {
    400, "Bad Request", "header lines must end in CR LF and must not be folded"};
static const struct http_refusal bad_length = {
    400, "Bad Request", "Content-Length must be one decimal number"};
static const struct http_refusal bad_coding = {
    400, "Bad Request", "Transfer-Encoding must be chunked, without a Content-Length"};
static const struct http_refusal bad_host = {
    400, "Bad Request", "exactly one Host header field is required"};

static bool
name_is_sound(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c == 0x7f) {
            return false;
        }
    }
    return size > 0;
}

static bool
length_read(const char *text, size_t size, uint64_t *length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || value > UINT64_MAX / 10 - 1) {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *length = value;
    return size > 0;
}

static bool
is(struct span text, const char *word)
{
    size_t size = strlen(word);
    return text.size == size && strncasecmp((const char *)text.data, word, size) == 0;
}

/* The five fields that matter have five different lengths. */
static const struct http_refusal *
field_read(struct http_head *head, struct span name, struct span value)
{
    switch (name.size) {
    case 4:
        if (is(name, "Host")) {
            head->hosts++;
        }
        break;
    case 6:
        if (is(name, "Expect")) {
            head->expects_continue = is(value, "100-continue");
        }
        break;
    case 14:
        if (is(name, "Content-Length")) {
            head->lengths++;
            if (!length_read((const char *)value.data, value.size,
                             &head->content_length)) {
                return &bad_length;
            }
        }
        break;
    case 16:
        if (is(name, "Content-Encoding")) {
            head->encoded = value.size > 0 && !is(value, "identity");
        }
        break;
    case 17:
        if (is(name, "Transfer-Encoding")) {
            if (head->chunked || !is(value, "chunked")) {
                return &bad_coding;
            }
            head->chunked = true;
        }
        break;
    default:
        break;
    }
    return NULL;
}

static enum MHD_Result
scan(void *arg,
     enum MHD_ValueKind kind,
     const char *name,
     size_t name_size,
     const char *value,
     size_t value_size)
{
    struct http_head *head = arg;
    (void)kind;
    if (!name_is_sound(name, name_size)) {
        head->refusal = &bad_name;
    } else if ((head->next_line != NULL && head->next_line != name) ||
               memchr(value, '\r', value_size) != NULL) {
        head->refusal = &bad_line;
    } else {
        head->refusal =
            field_read(head, span_of(name, name_size), span_of(value, value_size));
    }
#if MHD_VERSION < 0x01000000 /* later ones trim values and refuse such lines */
    head->next_line = value + value_size + 2;
#endif
    return head->refusal == NULL ? MHD_YES : MHD_NO;
}

void
http_head_read(struct http_head *head, struct MHD_Connection *connection, bool is_1_1)
{
    *head = (struct http_head){0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, scan, head);
    if (head->refusal != NULL) {
        return;
    }
    if (head->hosts > 1 || (head->hosts == 0 && is_1_1)) {
        head->refusal = &bad_host;
    } else if (head->lengths > 1) {
        head->refusal = &bad_length;
    } else if (head->chunked && (head->lengths > 0 || !is_1_1)) {
        head->refusal = &bad_coding;
    }
}
