/* SPDX-License-Identifier: Apache-2.0 */
/* Only who owns the claim's id goes on with it; all others pass the request on. */
#include "ingest/idempotency.h"

#include "ingest/claim.h"
#include "ingest/forward.h"
#include "ingest/idempotency_key.h"
#include "ingest/problem.h"
#include "ingest/service.h"

static enum status
derive(const char *purpose,
       struct span tenant,
       const struct idempotency_key *key,
       struct uuid *id)
{
    const struct span parts[] = {span_of_text(purpose), tenant,
                                 span_of(key->text, key->size)};
    uint8_t digest[RESULTS_DIGEST_BYTES];
    enum status status = results_digest(parts, 3, digest);
    *id = uuid_custom(digest);
    return status;
}

/* What makes two requests the same: where they go and every byte of the body. */
static enum status
digest_of(struct http_exchange *x,
          const struct submit_call *call,
          uint8_t digest[static RESULTS_DIGEST_BYTES])
{
    const struct span parts[] = {
        span_of_text(call->job ? "job" : "infer"),         call->model,  call->version,
        http_header(x, "Inference-Header-Content-Length"), http_body(x),
    };
    return results_digest(parts, sizeof(parts) / sizeof(parts[0]), digest);
}

/* A request that would be refused anyway claims nothing. */
static void
claim_key(struct ingest *ingest,
          struct http_exchange *x,
          const struct submit_call *call,
          const struct idempotency_key *key)
{
    struct claim_about about;
    struct span tenant = tenant_name(call->tenant);
    enum status status = derive("claim", tenant, key, &about.id);
    if (status == STATUS_OK && forward_exchange(ingest, x, &about.id, call->tenant)) {
        return;
    }
    status = status == STATUS_OK ? derive("job", tenant, key, &about.job) : status;
    status = status == STATUS_OK ? digest_of(x, call, about.digest) : status;
    if (status == STATUS_OK && !submit_check(ingest, x, call)) {
        return;
    }
    if (status == STATUS_OK) {
        status = results_sibling(ingest->results, &about.id, &about.job);
    }
    if (status == STATUS_OK) {
        claim_begin(ingest, x, call, &about);
    } else {
        problem_respond(x, &(struct problem){.status = STATUS_UNAVAILABLE,
                                             .detail = "no request can be taken now"});
    }
}

void
idempotency_submit(struct ingest *ingest,
                   struct http_exchange *x,
                   const struct submit_call *call)
{
    struct span header = http_header(x, "Idempotency-Key");
    struct idempotency_key key;
    if (header.data == NULL) {
        submit(ingest, x, call);
    } else if (idempotency_key_parse(header, &key) != STATUS_OK) {
        problem_respond(x, &(struct problem){
                               .status = STATUS_INVALID,
                               .detail = "Idempotency-Key: not a string of 1 to 255 "
                                         "visible characters, in quotes",
                           });
    } else {
        claim_key(ingest, x, call, &key);
    }
}
