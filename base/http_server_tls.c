/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GnuTLS borrows certificate and key for as long as a handshake lasts, so a pair that
 * was replaced is kept until no handshake that began with it can be under way.
 */
#include "base/http_server_tls.h"

#include "base/span.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 8, FILE_MAX = 1024 * 1024 };

const char http_tls_priorities[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:"
    "-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:"
    "%SERVER_PRECEDENCE";

struct tls_pair {
    struct tls_pair *replaced; /* the one before, while it may be in use */
    int64_t replaced_ns;       /* when this one was */
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned chain_length;
    gnutls_privkey_t key;
};

struct http_tls {
    const char *certificate_path;
    const char *key_path;
    struct tls_pair *pair;
};

static void
pair_free(struct tls_pair *pair)
{
    while (pair != NULL) {
        struct tls_pair *replaced = pair->replaced;
        for (unsigned i = 0; i < pair->chain_length; i++) {
            gnutls_pcert_deinit(&pair->chain[i]);
        }
        gnutls_privkey_deinit(pair->key);
        free(pair);
        pair = replaced;
    }
}

/* The file's content in memory of GnuTLS' kind. */
static enum status
file_read(const char *path, gnutls_datum_t *content, struct fault *fault)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fault_set(fault, STATUS_INVALID, "%s cannot be read: %s", path,
                         strerrordesc_np(errno));
    }
    content->data = malloc(FILE_MAX);
    size_t size = content->data == NULL ? 0 : fread(content->data, 1, FILE_MAX, file);
    bool failed = ferror(file) != 0;
    int error = errno;
    fclose(file);
    content->size = (unsigned)size;
    if (content->data == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for %s", path);
    }
    if (failed || size == FILE_MAX) {
        free(content->data);
        return fault_set(fault, STATUS_INVALID, "%s cannot be read: %s", path,
                         failed ? strerrordesc_np(error) : "too large");
    }
    return STATUS_OK;
}

static enum status
chain_load(struct tls_pair *pair, const char *path, struct fault *fault)
{
    gnutls_datum_t content = {0};
    enum status status = file_read(path, &content, fault);
    if (status != STATUS_OK) {
        return status;
    }
    unsigned length = CHAIN_MAX;
    int error = gnutls_pcert_list_import_x509_raw(pair->chain, &length, &content,
                                                  GNUTLS_X509_FMT_PEM, 0);
    free(content.data);
    if (error != GNUTLS_E_SUCCESS) {
        return fault_set(fault, STATUS_INVALID, "%s has no certificate in PEM: %s",
                         path, gnutls_strerror(error));
    }
    pair->chain_length = length;
    return STATUS_OK;
}

static enum status
key_load(struct tls_pair *pair, const char *path, struct fault *fault)
{
    gnutls_datum_t content = {0};
    enum status status = file_read(path, &content, fault);
    if (status != STATUS_OK) {
        return status;
    }
    int error = gnutls_privkey_import_x509_raw(pair->key, &content, GNUTLS_X509_FMT_PEM,
                                               NULL, 0);
    gnutls_memset(content.data, 0, content.size);
    free(content.data);
    if (error == GNUTLS_E_DECRYPTION_FAILED) {
        return fault_set(fault, STATUS_INVALID,
                         "%s is encrypted; a key without a password is needed", path);
    }
    if (error != GNUTLS_E_SUCCESS) {
        return fault_set(fault, STATUS_INVALID, "%s has no private key in PEM: %s",
                         path, gnutls_strerror(error));
    }
    return STATUS_OK;
}

/* Whether the key is the one in the first certificate. */
static bool
pair_matches(const struct tls_pair *pair)
{
    enum { ID_BYTES = 64 };
    unsigned char ids[2][ID_BYTES];
    size_t sizes[2] = {ID_BYTES, ID_BYTES};
    gnutls_pubkey_t public_key = NULL;
    if (gnutls_pubkey_init(&public_key) != GNUTLS_E_SUCCESS) {
        return false;
    }
    bool known =
        gnutls_pubkey_import_privkey(public_key, pair->key, 0, 0) == GNUTLS_E_SUCCESS &&
        gnutls_pubkey_get_key_id(public_key, 0, ids[0], &sizes[0]) ==
            GNUTLS_E_SUCCESS &&
        gnutls_pubkey_get_key_id(pair->chain[0].pubkey, 0, ids[1], &sizes[1]) ==
            GNUTLS_E_SUCCESS;
    gnutls_pubkey_deinit(public_key);
    return known && span_equal(span_of(ids[0], sizes[0]), span_of(ids[1], sizes[1]));
}

static enum status
pair_load(struct tls_pair **out, const struct http_tls *tls, struct fault *fault)
{
    struct tls_pair *pair = calloc(1, sizeof(*pair));
    if (pair == NULL || gnutls_privkey_init(&pair->key) != GNUTLS_E_SUCCESS) {
        free(pair);
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for the certificate");
    }
    enum status status = chain_load(pair, tls->certificate_path, fault);
    if (status == STATUS_OK) {
        status = key_load(pair, tls->key_path, fault);
    }
    if (status == STATUS_OK && !pair_matches(pair)) {
        status = fault_set(fault, STATUS_INVALID, "%s is not the key of %s",
                           tls->key_path, tls->certificate_path);
    }
    if (status != STATUS_OK) {
        pair_free(pair);
        return status;
    }
    *out = pair;
    return STATUS_OK;
}

enum status
http_tls_open(struct http_tls **out,
              const char *certificate,
              const char *key,
              struct fault *fault)
{
    struct http_tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for TLS");
    }
    tls->certificate_path = certificate;
    tls->key_path = key;
    enum status status = pair_load(&tls->pair, tls, fault);
    if (status != STATUS_OK) {
        free(tls);
        return status;
    }
    *out = tls;
    return STATUS_OK;
}

enum status
http_tls_reload(struct http_tls *tls,
                int64_t now_ns,
                int64_t handshake_ns,
                struct fault *fault)
{
    struct tls_pair *pair = NULL;
    enum status status = pair_load(&pair, tls, fault);
    if (status != STATUS_OK) {
        return status;
    }
    tls->pair->replaced_ns = now_ns;
    pair->replaced = tls->pair;
    tls->pair = pair;
    for (struct tls_pair *p = pair; p->replaced != NULL; p = p->replaced) {
        if (p->replaced->replaced_ns + handshake_ns < now_ns) {
            pair_free(p->replaced);
            p->replaced = NULL;
            break;
        }
    }
    return STATUS_OK;
}

void
http_tls_close(struct http_tls **tls)
{
    if (*tls != NULL) {
        pair_free((*tls)->pair);
        free(*tls);
        *tls = NULL;
    }
}

void
http_tls_current(const struct http_tls *tls,
                 gnutls_pcert_st **chain,
                 unsigned *chain_length,
                 gnutls_privkey_t *key)
{
    *chain = tls->pair->chain;
    *chain_length = tls->pair->chain_length;
    *key = tls->pair->key;
}
