/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 over parts, each behind its length: no two lists of parts look alike. */
#include "results/results.h"

#include <openssl/evp.h>

enum { LENGTH_BYTES = 8 };

static bool
part_add(EVP_MD_CTX *context, struct span part)
{
    uint8_t length[LENGTH_BYTES];
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        length[i] = (uint8_t)((uint64_t)part.size >> (56 - 8 * i));
    }
    return EVP_DigestUpdate(context, length, sizeof length) == 1 &&
           EVP_DigestUpdate(context, part.data, part.size) == 1;
}

enum status
results_digest(const struct span *parts,
               size_t count,
               uint8_t digest[static RESULTS_DIGEST_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; i < count && fine; i++) {
        fine = part_add(context, parts[i]);
    }
    fine = fine && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return fine ? STATUS_OK : STATUS_NO_MEMORY;
}
