/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiver's side, for people trying it: what a library for Standard Webhooks does
 * with a message.
 */
#include "results/results.h"
#include "results/signature.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURES_BYTES_MAX = 4096, TIMESTAMP_DIGITS_MAX = 18 };

static bool
read_seconds(struct span text, int64_t *seconds)
{
    *seconds = 0;
    if (text.size == 0 || text.size > TIMESTAMP_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *seconds = *seconds * 10 + (text.data[i] - '0');
    }
    return true;
}

/* The next signature of a list parted by blanks; size 0 at its end. */
static struct span
signature_next(struct span *list)
{
    size_t start = 0;
    while (start < list->size && list->data[start] == ' ') {
        start++;
    }
    size_t end = start;
    while (end < list->size && list->data[end] != ' ') {
        end++;
    }
    struct span item = span_of(list->data + start, end - start);
    *list = span_of(list->data + end, list->size - end);
    return item;
}

/* Compares all with all, in a time that tells nothing of where they differ. */
static bool
any_fits(struct span given, struct span ours)
{
    bool fits = false;
    struct span theirs;
    while ((theirs = signature_next(&given)).size > 0) {
        struct span list = ours;
        struct span mine;
        while ((mine = signature_next(&list)).size > 0) {
            fits |= mine.size == theirs.size &&
                    CRYPTO_memcmp(mine.data, theirs.data, mine.size) == 0;
        }
    }
    return fits;
}

enum status
webhook_verify(const char *secret_file,
               const struct webhook_message *m,
               int64_t now_s,
               struct fault *fault)
{
    struct secrets secrets;
    struct buf ours;
    int64_t stamp_s = 0;
    if (m->id.size == 0 || m->signature.size == 0 ||
        !read_seconds(m->timestamp, &stamp_s)) {
        return fault_set(
            fault, STATUS_INVALID,
            "webhook-id, -timestamp or -signature is missing or malformed");
    }
    enum status status = secrets_read(&secrets, secret_file, fault);
    if (status != STATUS_OK) {
        return status;
    }
    buf_init(&ours, SIGNATURES_BYTES_MAX);
    signature_write(&secrets, m->id, stamp_s, m->body, &ours);
    status = ours.status;
    bool fits = status == STATUS_OK && any_fits(m->signature, buf_span(&ours));
    buf_fini(&ours);
    secrets_fini(&secrets);
    if (status != STATUS_OK) {
        return fault_set(fault, status, "no memory to sign");
    }
    if (!fits) {
        return fault_set(fault, STATUS_CONFLICT, "no signature fits");
    }
    if (llabs(now_s - stamp_s) > WEBHOOK_TOLERANCE_S) {
        return fault_set(fault, STATUS_EXPIRED,
                         "signed %" PRId64 " s from now, more than %d", stamp_s - now_s,
                         WEBHOOK_TOLERANCE_S);
    }
    return STATUS_OK;
}
