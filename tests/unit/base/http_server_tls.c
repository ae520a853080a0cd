/* SPDX-License-Identifier: Apache-2.0 */
/* The same server behind TLS: holding, streams, deadlines; certificates and their
 * faults. */
#include "base/http_server.h"
#include "base/http_server_stream.h"
#include "tls_side.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct side side;
static struct tls_files files;
static struct http_stream *stream;
static size_t stream_gone;

static void
on_stream_gone(void *arg, struct http_stream *s)
{
    (void)arg;
    (void)s;
    stream_gone++;
    stream = NULL;
}

static const struct http_stream_events events = {.gone = on_stream_gone};

static void
start(void)
{
    side_init(&side);
    tls_files_create(&files, "first.example");
    side.config.tls_certificate = files.certificate;
    side.config.tls_key = files.key;
    side.config.head_timeout_ns = 300 * NS_PER_MS;
    side.config.idle_timeout_ns = 400 * NS_PER_MS;
    side_start(&side);
}

static void
stop(void)
{
    side_stop(&side);
    tls_files_remove(&files);
}

TestSuite(http_tls, .init = start, .fini = stop, .timeout = 60);

Test(http_tls, answers_requests_one_after_another)
{
    struct tls_client *client = tls_open(&side, NULL);
    for (int i = 0; i < 3; i++) {
        tls_send(client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        tls_send(client, "hello");
        cr_assert(tls_await(client, "\r\n\r\nhello"), "%s", client->raw->text);
        client->raw->size = 0;
    }
    cr_assert_eq(side.requests, 3);
    tls_close(&client, true);
    side_await_connections(&side, 0);
}

Test(http_tls, speaks_1_2_and_1_3_and_nothing_older)
{
    struct tls_client *client = tls_open(&side, "NORMAL:-VERS-ALL:+VERS-TLS1.2");
    cr_assert_eq(gnutls_protocol_get_version(client->session), GNUTLS_TLS1_2);
    tls_close(&client, true);
    client = tls_open(&side, "NORMAL:-VERS-ALL:+VERS-TLS1.3");
    cr_assert_eq(gnutls_protocol_get_version(client->session), GNUTLS_TLS1_3);
    tls_close(&client, true);
    const char *refused[] = {
        "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA",
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        cr_assert_neq(tls_try(&side, refused[i], &client), GNUTLS_E_SUCCESS, "%s",
                      refused[i]);
        tls_close(&client, false);
    }
    side_await_connections(&side, 0);
}

Test(http_tls, closes_on_a_client_that_speaks_in_the_clear)
{
    struct client *client = client_open(&side);
    client_send(client, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(client_await_close(client));
    cr_assert_eq(side.requests, 0);
    client_close(&client);
}

Test(http_tls, closes_on_a_handshake_that_does_not_end)
{
    static const char begun[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00};
    const char *parts[] = {"", begun};
    const size_t sizes[] = {0, sizeof(begun)};
    for (size_t i = 0; i < 2; i++) {
        struct client *client = client_open(&side);
        int64_t begun_ns = clock_mono_ns();
        client_send_bytes(client, parts[i], sizes[i]);
        cr_assert(client_await_close(client));
        int64_t took_ns = clock_mono_ns() - begun_ns;
        cr_assert_geq(took_ns, side.config.head_timeout_ns - 50 * NS_PER_MS);
        cr_assert_leq(took_ns, side.config.head_timeout_ns + SIDE_BUSY_NS);
        client_close(&client);
        side_await_connections(&side, 0);
    }
}

Test(http_tls, closes_on_a_head_that_does_not_end_and_on_an_idle_connection)
{
    struct tls_client *client = tls_open(&side, NULL);
    tls_send(client, "GET /plain HT");
    tls_await(client, "nothing comes");
    cr_assert(client->raw->closed);
    cr_assert_eq(side.requests, 0);
    tls_close(&client, false);
    client = tls_open(&side, NULL);
    tls_send(client, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(tls_await(client, "plain"));
    tls_await(client, "nothing comes");
    cr_assert(client->raw->closed);
    tls_close(&client, false);
}

static bool
someone_is_gone(void *arg)
{
    (void)arg;
    return side.gone + stream_gone > 0;
}

Test(http_tls, answers_what_was_held)
{
    struct tls_client *client = tls_open(&side, NULL);
    tls_send(client, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    side_await_requests(&side, 1);
    side_turn_for(&side, 2 * side.config.idle_timeout_ns);
    cr_assert_eq(side.gone, 0);
    side_release(&side);
    cr_assert(tls_await(client, "\r\n\r\nheld"));
    tls_close(&client, true);
}

Test(http_tls, notices_that_the_client_of_a_held_exchange_went_away)
{
    for (int polite = 0; polite < 2; polite++) {
        side.gone = 0;
        struct tls_client *client = tls_open(&side, NULL);
        tls_send(client, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        side_await_requests(&side, (size_t)polite + 1);
        side_turn_for(&side, 5 * NS_PER_MS);
        cr_assert_eq(side.gone, 0);
        tls_close(&client, polite == 1);
        cr_assert(side_turn_until(&side, someone_is_gone, NULL));
        side_release(&side);
        side_await_connections(&side, 0);
        cr_assert_eq(side.gone, 1);
    }
}

static void
begin_stream(void *arg, struct http_exchange *x)
{
    (void)arg;
    stream = http_respond_stream(x, 200, NULL, 0, &events, NULL);
}

Test(http_tls, streams_and_notices_when_the_reader_went_away)
{
    side.handler = begin_stream;
    struct tls_client *client = tls_open(&side, NULL);
    tls_send(client, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(tls_await(client, "\r\n\r\n"));
    for (int i = 0; i < 3; i++) {
        char piece[32];
        snprintf(piece, sizeof(piece), "piece %d\n", i);
        cr_assert_eq(http_stream_write(stream, span_of_text(piece)), STATUS_OK);
        cr_assert(tls_await(client, piece));
        side_turn_for(&side, 20 * NS_PER_MS);
    }
    tls_close(&client, false);
    cr_assert(side_turn_until(&side, someone_is_gone, NULL));
    side_await_connections(&side, 0);
    cr_assert_eq(stream_gone, 1);
}

Test(http_tls, uses_a_new_certificate_after_a_reload)
{
    struct fault fault = {0};
    char name[64];
    struct tls_client *before = tls_open(&side, NULL);
    tls_files_replace(&files, "second.example");
    cr_assert_eq(http_server_reload_tls(side.server, &fault), STATUS_OK, "%s",
                 fault.text);
    struct tls_client *after = tls_open(&side, NULL);
    tls_peer_name(before, name, sizeof(name));
    cr_assert_str_eq(name, "first.example");
    tls_peer_name(after, name, sizeof(name));
    cr_assert_str_eq(name, "second.example");
    tls_send(before, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_assert(tls_await(before, "plain"));
    tls_close(&before, true);
    tls_close(&after, true);
}

Test(http_tls, forgets_certificates_that_no_handshake_can_use_any_more)
{
    struct fault fault = {0};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(http_server_reload_tls(side.server, &fault), STATUS_OK);
        side_turn_for(&side, side.config.head_timeout_ns + 1100 * NS_PER_MS);
    }
    struct tls_client *client = tls_open(&side, NULL);
    tls_close(&client, true);
}

Test(http_tls, keeps_the_certificate_when_the_new_one_is_of_no_use)
{
    struct fault fault = {0};
    char name[64];
    cr_assert_eq(unlink(files.key), 0);
    cr_assert_eq(http_server_reload_tls(side.server, &fault), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, files.key), "%s", fault.text);
    struct tls_client *client = tls_open(&side, NULL);
    tls_peer_name(client, name, sizeof(name));
    cr_assert_str_eq(name, "first.example");
    tls_close(&client, true);
}

static void
expect_refusal(const char *certificate, const char *key, const char *words)
{
    struct http_server_config config = side.config;
    struct http_server *server = NULL;
    struct fault fault = {0};
    config.tls_certificate = certificate;
    config.tls_key = key;
    cr_expect_eq(http_server_create(&server, side.loop, &config, NULL, NULL, &fault),
                 STATUS_INVALID, "%s", words);
    cr_expect_not_null(strstr(fault.text, words), "'%s' instead of '%s'", fault.text,
                       words);
}

Test(http_tls, says_in_words_what_is_wrong_with_certificate_or_key)
{
    struct tls_files other;
    tls_files_create(&other, "other.example");
    expect_refusal("/nowhere/cert.pem", files.key, "/nowhere/cert.pem cannot be read");
    expect_refusal(files.certificate, "/nowhere/key.pem",
                   "/nowhere/key.pem cannot be read: No such file");
    expect_refusal(files.folder, files.key, "cannot be read: Is a directory");
    expect_refusal(files.key, files.key, "has no certificate in PEM");
    expect_refusal(files.certificate, files.certificate, "has no private key in PEM");
    expect_refusal(files.certificate, other.key, "is not the key of");
    tls_files_remove(&other);
}
