/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets are read once and kept as bytes.
 * @source Standard Webhooks 1.0.0, "Signature scheme"
 */
#include "results/signature.h"

#include "base/uuid.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define SECRET_PREFIX "whsec_"

enum { TEXT_MAX = 256, SIGNATURE_BASE64 = 44 };

/* EVP_DecodeBlock() counts the padding as bytes and wants whole groups. */
static bool
decode(const char *text, struct secret *out)
{
    size_t length = strlen(text);
    uint8_t bytes[TEXT_MAX];
    if (length == 0 || length % 4 != 0 || length >= TEXT_MAX) {
        return false;
    }
    int size = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    if (size < 0) {
        return false;
    }
    size -= text[length - 1] == '=';
    size -= text[length - 2] == '=';
    bool fits = size >= SECRET_BYTES_LEAST && size <= SECRET_BYTES_MAX;
    if (fits) {
        out->size = (size_t)size;
        memcpy(out->bytes, bytes, out->size);
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return fits;
}

static bool
take_line(struct secrets *s, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#') {
        return true;
    }
    size_t prefix = strlen(SECRET_PREFIX);
    if (s->count == SECRETS_MAX || strncmp(line, SECRET_PREFIX, prefix) != 0 ||
        !decode(line + prefix, &s->items[s->count])) {
        return false;
    }
    s->count++;
    return true;
}

enum status
secrets_read(struct secrets *s, const char *path, struct fault *fault)
{
    *s = (struct secrets){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        char text[128];
        return fault_set(fault, STATUS_IO, "webhook.secret.file %s: %s", path,
                         strerror_r(errno, text, sizeof text));
    }
    char line[TEXT_MAX];
    int number = 0;
    bool fine = true;
    while (fine && fgets(line, sizeof line, file) != NULL) {
        number++;
        fine = take_line(s, line);
    }
    fclose(file);
    OPENSSL_cleanse(line, sizeof line);
    if (!fine) {
        secrets_fini(s);
        return fault_set(fault, STATUS_INVALID,
                         "webhook.secret.file %s, line %d: want whsec_ and the base64 "
                         "of %d to %d random bytes, at most %d lines",
                         path, number, SECRET_BYTES_LEAST, SECRET_BYTES_MAX,
                         SECRETS_MAX);
    }
    if (s->count == 0) {
        return fault_set(fault, STATUS_INVALID,
                         "webhook.secret.file %s holds no secret", path);
    }
    return STATUS_OK;
}

void
secrets_fini(struct secrets *s)
{
    OPENSSL_cleanse(s, sizeof *s);
}

static void
sign(const struct secret *secret, struct span signed_bytes, struct buf *out)
{
    uint8_t mac[SHA256_DIGEST_LENGTH];
    unsigned char text[SIGNATURE_BASE64 + 1];
    unsigned size = sizeof mac;
    if (HMAC(EVP_sha256(), secret->bytes, (int)secret->size, signed_bytes.data,
             signed_bytes.size, mac, &size) == NULL) {
        out->status = STATUS_NO_MEMORY;
        return;
    }
    EVP_EncodeBlock(text, mac, (int)size);
    buf_append_text(out, "v1,");
    buf_append(out, text, SIGNATURE_BASE64);
}

void
signature_write(const struct secrets *s,
                struct span id,
                int64_t timestamp_s,
                struct span body,
                struct buf *out)
{
    struct buf b;
    buf_init(&b, id.size + body.size + 64);
    buf_append(&b, id.data, id.size);
    buf_append_format(&b, ".%lld.", (long long)timestamp_s);
    buf_append(&b, body.data, body.size);
    for (size_t i = 0; b.status == STATUS_OK && i < s->count; i++) {
        if (i > 0) {
            buf_append_byte(out, ' ');
        }
        sign(&s->items[i], buf_span(&b), out);
    }
    if (b.status != STATUS_OK) {
        out->status = b.status;
    }
    buf_fini(&b);
}

void
digest_key(struct span text, struct uuid *key)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256(text.data, text.size, digest);
    memcpy(key->bytes, digest, UUID_BYTES);
}
