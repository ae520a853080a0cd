/* SPDX-License-Identifier: Apache-2.0 */
/* Every verdict ends in one of the answers of reply.h. */
#include "batcher/verdict.h"

#include "batcher/reply.h"

void
verdict_answer(struct item *it, enum admit_verdict verdict, const struct fault *fault)
{
    struct failure failure = {
        .status = fault->status, .message = fault->text, .stage = "admit"};
    switch (verdict) {
    case ADMIT_OK:
    case ADMIT_EXPIRED:
        reply_expire(it);
        return;
    case ADMIT_CANCELED:
        reply_cancel(it);
        return;
    case ADMIT_REFUSED:
        reply_fail(it, &failure, NULL);
        return;
    case ADMIT_UNREADABLE:
    case ADMIT_UNIDENTIFIABLE:
        failure.stage = "decode";
        reply_bury(it, &failure, verdict == ADMIT_UNREADABLE);
        return;
    }
}
