/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. */
#include "tls_side.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MUST(call) cr_assert_eq(call, GNUTLS_E_SUCCESS)

static void
file_write(const char *path, const gnutls_datum_t *content)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(content->data, 1, content->size, file), content->size);
    fclose(file);
}

void
tls_files_replace(struct tls_files *files, const char *name)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t certificate = NULL;
    gnutls_datum_t text = {0};
    const unsigned char serial = 1;
    time_t now = time(NULL);
    MUST(gnutls_x509_privkey_init(&key));
    MUST(gnutls_x509_privkey_generate(
        key, GNUTLS_PK_ECDSA,
        (unsigned)GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    MUST(gnutls_x509_crt_init(&certificate));
    MUST(gnutls_x509_crt_set_version(certificate, 3));
    MUST(gnutls_x509_crt_set_serial(certificate, &serial, 1));
    MUST(gnutls_x509_crt_set_activation_time(certificate, now - 60));
    MUST(gnutls_x509_crt_set_expiration_time(certificate, now + 3600));
    MUST(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                       name, (unsigned)strlen(name)));
    MUST(gnutls_x509_crt_set_key(certificate, key));
    MUST(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0));
    MUST(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &text));
    file_write(files->certificate, &text);
    gnutls_free(text.data);
    MUST(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &text));
    file_write(files->key, &text);
    gnutls_free(text.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
}

void
tls_files_create(struct tls_files *files, const char *name)
{
    snprintf(files->folder, sizeof(files->folder), "/tmp/leat-tls-XXXXXX");
    cr_assert_not_null(mkdtemp(files->folder));
    snprintf(files->certificate, sizeof(files->certificate), "%s/cert.pem",
             files->folder);
    snprintf(files->key, sizeof(files->key), "%s/key.pem", files->folder);
    tls_files_replace(files, name);
}

void
tls_files_remove(struct tls_files *files)
{
    unlink(files->certificate);
    unlink(files->key);
    rmdir(files->folder);
}

struct handshake {
    struct tls_client *client;
    int result;
};

static bool
shook_hands(void *arg)
{
    struct handshake *h = arg;
    h->result = gnutls_handshake(h->client->session);
    return h->result == GNUTLS_E_SUCCESS || gnutls_error_is_fatal(h->result) != 0;
}

int
tls_try(struct side *side, const char *priorities, struct tls_client **client)
{
    struct tls_client *c = calloc(1, sizeof(*c));
    cr_assert_not_null(c);
    c->raw = client_open(side);
    cr_assert_eq(fcntl(c->raw->fd, F_SETFL, O_NONBLOCK), 0);
    MUST(gnutls_certificate_allocate_credentials(&c->credentials));
    MUST(gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
    MUST(gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials));
    MUST(gnutls_priority_set_direct(c->session,
                                    priorities == NULL ? "NORMAL" : priorities, NULL));
    gnutls_transport_set_int(c->session, c->raw->fd);
    struct handshake h = {.client = c};
    cr_assert(side_turn_until(side, shook_hands, &h), "no end of the handshake");
    *client = c;
    return h.result;
}

struct tls_client *
tls_open(struct side *side, const char *priorities)
{
    struct tls_client *client = NULL;
    int error = tls_try(side, priorities, &client);
    cr_assert_eq(error, GNUTLS_E_SUCCESS, "%s", gnutls_strerror(error));
    return client;
}

void
tls_send(struct tls_client *client, const char *text)
{
    size_t size = strlen(text);
    cr_assert_eq(gnutls_record_send(client->session, text, size), (ssize_t)size);
}

struct text_wanted {
    struct tls_client *client;
    const char *text;
};

static bool
text_came(void *arg)
{
    const struct text_wanted *w = arg;
    struct client *raw = w->client->raw;
    ssize_t n = 0;
    do {
        n = gnutls_record_recv(w->client->session, raw->text + raw->size,
                               sizeof(raw->text) - 1 - raw->size);
        raw->size += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    raw->text[raw->size] = '\0';
    raw->closed = n == 0 || gnutls_error_is_fatal((int)n) != 0;
    return raw->closed || strstr(raw->text, w->text) != NULL;
}

bool
tls_await(struct tls_client *client, const char *text)
{
    struct text_wanted w = {client, text};
    side_turn_until(client->raw->side, text_came, &w);
    return strstr(client->raw->text, text) != NULL;
}

void
tls_peer_name(const struct tls_client *client, char *name, size_t size)
{
    unsigned count = 0;
    gnutls_x509_crt_t certificate = NULL;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
    cr_assert_geq(count, 1);
    MUST(gnutls_x509_crt_init(&certificate));
    MUST(gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER));
    MUST(gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
                                       name, &size));
    gnutls_x509_crt_deinit(certificate);
}

void
tls_close(struct tls_client **client, bool polite)
{
    struct tls_client *c = *client;
    if (polite) {
        gnutls_bye(c->session, GNUTLS_SHUT_WR);
    }
    client_close(&c->raw);
    gnutls_deinit(c->session);
    gnutls_certificate_free_credentials(c->credentials);
    free(c);
    *client = NULL;
}
