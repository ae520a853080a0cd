/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events on their way to one reader. What a slow reader does not take stays
 * here: one event and, behind it, the last one.
 */
#ifndef INGEST_EVENT_STREAM_H
#define INGEST_EVENT_STREAM_H

#include "base/buf.h"
#include "base/http_server_stream.h"

#include <stdbool.h>
#include <stdint.h>

/* Id of the event that says how a job ended. */
#define EVENT_ID_LAST "end"

#define EVENT_MEDIA_TYPE "text/event-stream"

enum { EVENT_OUTPUTS_MOST = 64 * 1024 }; /* bytes; larger ones are left to their path */

struct event_stream {
    struct http_stream *http;
    int64_t spoke_ns;  /* when anything was written last */
    struct buf unsent; /* what the reader did not take yet */
    bool over;         /* the last event is written or in unsent */
};

/**
 * Begins the answer.
 *
 * @return false: nobody reads, and the exchange has ended
 */
bool event_stream_begin(struct event_stream *s,
                        struct http_exchange *x,
                        const struct http_stream_events *events,
                        void *arg,
                        int64_t now_ns);

/** Whether the reader has taken all but little: else news are left out. */
bool event_stream_is_free(const struct event_stream *s);

/** Writes an event. @owner the content is taken */
void event_stream_tell(struct event_stream *s, struct buf *event, int64_t now_ns);

/** Writes a comment if nothing was written for 15 s. */
void event_stream_beat(struct event_stream *s, int64_t now_ns);

/** Writes what waits. @return true: it was the last and the stream has ended */
bool event_stream_flush(struct event_stream *s);

/** The reader went, or the stream has ended: frees what waits. */
void event_stream_fini(struct event_stream *s);

#endif
