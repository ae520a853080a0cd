/* SPDX-License-Identifier: Apache-2.0 */
/* One policy, named "requests": structured fields (RFC 9651) written by hand. */
#include "ingest/rate_limit.h"

#include "ingest/share.h"

#include <inttypes.h>
#include <stdio.h>

void
rate_limit_tell(struct http_exchange *x, const struct tenant *tenant)
{
    struct share_tokens tokens;
    if (!share_tokens(tenant_share(tenant), tenant_limits(tenant), &tokens)) {
        return;
    }
    char text[HTTP_ADDED_BYTES];
    snprintf(text, sizeof(text), "\"requests\";q=%" PRId64 ";w=%" PRId64, tokens.quota,
             tokens.window_s);
    http_add_header(x, "RateLimit-Policy", text);
    snprintf(text, sizeof(text), "\"requests\";r=%" PRId64 ";t=%" PRId64, tokens.left,
             tokens.full_in_s);
    http_add_header(x, "RateLimit", text);
}
