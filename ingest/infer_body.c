/* SPDX-License-Identifier: Apache-2.0 */
/* See infer_body.h. */
#include "ingest/infer_body.h"

#include "ingest/json_length.h"

#include <strings.h>

/* Media types are written in any case (RFC 9110 section 8.3.1). */
static bool
is_image(struct span media_type)
{
    static const char prefix[] = "image/";
    size_t size = sizeof prefix - 1;
    return media_type.size > size &&
           strncasecmp((const char *)media_type.data, prefix, size) == 0;
}

enum status
infer_body_read(struct http_exchange *x,
                bool job,
                struct arena *arena,
                struct oip_request *body,
                struct fault *fault)
{
    struct span header = http_header(x, JSON_LENGTH_HEADER);
    int64_t json_length = OIP_JSON_ONLY;
    enum status status = json_length_read(header, &json_length, fault);
    if (status != STATUS_OK) {
        return status;
    }
    bool image =
        !job && header.data == NULL && is_image(http_header(x, "Content-Type"));
    status = oip_read_request(http_body(x), image ? 0 : json_length, job, arena, body,
                              fault);
    if (status == STATUS_OK && image) {
        body->binary_all = false;
    }
    return status;
}
