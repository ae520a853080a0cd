/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/event_stream.h"

#include "base/clock.h"
#include "ingest/answer.h"

enum { LINE_BYTES = 16 };

#define HEARTBEAT_NS (15 * NS_PER_S)

static void
line_tell(struct event_stream *s, const char *line, int64_t now_ns)
{
    struct buf b;
    buf_init(&b, LINE_BYTES);
    buf_append_text(&b, line);
    event_stream_tell(s, &b, now_ns);
    buf_fini(&b);
}

bool
event_stream_begin(struct event_stream *s,
                   struct http_exchange *x,
                   const struct http_stream_events *events,
                   void *arg,
                   int64_t now_ns)
{
    static const struct http_header headers[] = {
        {"Content-Type", EVENT_MEDIA_TYPE},
        {"Cache-Control", "no-store"},
        {"X-Accel-Buffering", "no"}, /* nginx would keep events back */
    };
    *s = (struct event_stream){0};
    s->http = http_respond_stream(x, 200, headers, sizeof(headers) / sizeof(headers[0]),
                                  events, arg);
    if (s->http == NULL) {
        return false;
    }
    line_tell(s, "retry: 2000\n\n", now_ns);
    return true;
}

bool
event_stream_is_free(const struct event_stream *s)
{
    return s->unsent.size == 0;
}

void
event_stream_tell(struct event_stream *s, struct buf *event, int64_t now_ns)
{
    s->spoke_ns = now_ns;
    if (event->status != STATUS_OK) {
        return;
    }
    if (s->unsent.size > 0) {
        buf_append(&s->unsent, event->data, event->size);
    } else if (http_stream_write(s->http, buf_span(event)) != STATUS_OK) {
        s->unsent = *event;
        s->unsent.limit = ANSWER_BYTES_MAX; /* the last event may come behind it */
        *event = (struct buf){0};
    }
}

void
event_stream_beat(struct event_stream *s, int64_t now_ns)
{
    if (now_ns - s->spoke_ns >= HEARTBEAT_NS) {
        line_tell(s, ":\n\n", now_ns);
    }
}

bool
event_stream_flush(struct event_stream *s)
{
    if (s->unsent.size > 0 &&
        http_stream_write(s->http, buf_span(&s->unsent)) != STATUS_OK) {
        return false;
    }
    buf_fini(&s->unsent);
    if (s->over) {
        http_stream_end(s->http);
    }
    return s->over;
}

void
event_stream_fini(struct event_stream *s)
{
    buf_fini(&s->unsent);
}
