/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of GET /v1/batches/{id}/results, each with its LF. */
#include "schemas/oip_write.h"

static void
write_member(struct buf *b, const char *name, struct span text)
{
    oip_write_key(b, name);
    oip_write_text(text, b);
    buf_append_byte(b, ',');
}

static void
write_error(struct buf *b, const struct reply_error *error)
{
    oip_write_key(b, "error");
    buf_append_byte(b, '{');
    write_member(b, "code", error->code);
    write_member(b, "message", error->message);
    oip_write_key(b, "stage");
    oip_write_text(error->stage, b);
    buf_append_byte(b, '}');
}

static void
write_outputs(struct buf *b, const struct reply *reply)
{
    oip_write_key(b, "outputs");
    buf_append_byte(b, '[');
    for (size_t i = 0; i < reply->output_count; i++) {
        if (i > 0) {
            buf_append_byte(b, ',');
        }
        oip_write_tensor(&reply->outputs[i], false, b);
    }
    buf_append_byte(b, ']');
}

static void
write_line_number(struct buf *b, uint32_t line)
{
    buf_append_byte(b, '{');
    oip_write_key(b, "line");
    oip_write_number(b, line);
    buf_append_byte(b, ',');
}

void
oip_write_batch_line(const struct reply *reply,
                     uint32_t line,
                     struct span own_id,
                     struct buf *b)
{
    char id[UUID_TEXT];
    uuid_format(&reply->id, id);
    write_line_number(b, line);
    if (own_id.size > 0) {
        write_member(b, "id", own_id);
    }
    write_member(b, "job", span_of(id, UUID_TEXT));
    write_member(b, "status", span_of_text(reply_status_name(reply->status)));
    if (reply->status == REPLY_SUCCEEDED) {
        write_outputs(b, reply);
    } else {
        write_error(b, &reply->error);
    }
    buf_append_text(b, "}\n");
}

void
oip_write_batch_gone(uint32_t line, struct buf *b)
{
    const struct reply_error error = {
        .code = span_of_text("not_found"),
        .message = span_of_text("the answer was dropped: results.ttl passed, or "
                                "results.store.max was reached"),
        .stage = span_of_text("store")};
    write_line_number(b, line);
    write_member(b, "status", span_of_text("gone"));
    write_error(b, &error);
    buf_append_text(b, "}\n");
}

void
oip_write_batch_break(enum status status, struct buf *b)
{
    const struct reply_error error = {
        .code = span_of_text(status_name(status)),
        .message = span_of_text("the stream ends before its time; go on with from"),
        .stage = span_of_text("results")};
    buf_append_byte(b, '{');
    write_error(b, &error);
    buf_append_text(b, "}\n");
}
