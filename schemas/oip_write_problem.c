/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problem documents, RFC 9457. The type is "about:blank", so the title is the HTTP
 * code's own phrase; the member `code` says it for programs.
 */
#include "schemas/oip_write.h"

struct phrase {
    int code;
    const char *text;
};

/* RFC 9110 section 15 and RFC 6585, the codes that are answered. */
static const struct phrase phrases[] = {
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

static const char *
phrase_of(int code)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(*phrases); i++) {
        if (phrases[i].code == code) {
            return phrases[i].text;
        }
    }
    return code < 500 ? "Client Error" : "Server Error";
}

static void
write_member(struct buf *b, const char *name, struct span text)
{
    buf_append_byte(b, ',');
    oip_write_key(b, name);
    oip_write_text(text, b);
}

void
oip_write_problem(enum status status,
                  int http_code,
                  const char *detail,
                  const struct uuid *id,
                  struct buf *b)
{
    buf_append_text(b, "{\"type\":\"about:blank\"");
    write_member(b, "title", span_of_text(phrase_of(http_code)));
    buf_append_byte(b, ',');
    oip_write_key(b, "status");
    oip_write_number(b, http_code);
    write_member(b, "code", span_of_text(status_name(status)));
    write_member(b, "detail", span_of_text(detail));
    write_member(b, "error", span_of_text(detail));
    if (id != NULL) {
        char text[UUID_TEXT];
        uuid_format(id, text);
        write_member(b, "id", span_of(text, UUID_TEXT));
    }
    buf_append_byte(b, '}');
}
