/* SPDX-License-Identifier: Apache-2.0 */
/* The answer goes to stdout as it came, so that it can be piped on. */
#include "cli/client.h"

#include "base/clock.h"
#include "cli/verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 64 * 1024 * 1024,
    PIECE_BYTES = 65536,
    URL_BYTES = 1024,
    KEY_BYTES = 256,
    HEADERS_MAX = 8
};

const struct option client_options[] = {
    {.name = "address",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct client_config, address),
     .fallback = "127.0.0.1:8080",
     .help = "Where leat-ingest listens; behind TLS https://host:port."},
    {.name = "ca",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct client_config, ca),
     .fallback = "",
     .help = "PEM file with the authority of its certificate; else the system's."},
    {.name = "timeout",
     .kind = OPTION_DURATION,
     .offset = offsetof(struct client_config, timeout_ns),
     .least = NS_PER_MS,
     .most = 3600 * NS_PER_S,
     .fallback = "60s",
     .help = "Longest wait for the answer."},
    {.name = "key",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct client_config, key),
     .fallback = "",
     .help =
         "API key; rather given as LEAT_KEY in the environment, which others on the "
         "machine do not see."},
};
const size_t client_option_count = sizeof(client_options) / sizeof(client_options[0]);

static int
print_answer(const struct http_answer *answer, const char *url)
{
    if (answer->status != STATUS_OK) {
        fprintf(stderr, "leat: no answer from %s: %s\n", url,
                status_name(answer->status));
        return EXIT_UNAVAILABLE;
    }
    bool good = answer->code >= 200 && answer->code < 300;
    FILE *out = good ? stdout : stderr;
    if (!good) {
        fprintf(out, "leat: %s answered %d: ", url, answer->code);
    }
    fwrite(answer->body.data, 1, answer->body.size, out);
    fputc('\n', out);
    if (good) {
        return EXIT_DONE;
    }
    return answer->code == 503 ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

int
client_call(const struct client_config *config,
            const char *method,
            const char *path,
            const struct http_header *headers,
            size_t header_count,
            struct span body)
{
    char url[URL_BYTES];
    bool has_scheme = strstr(config->address, "://") != NULL;
    int size = snprintf(url, sizeof(url), "%s%s%s", has_scheme ? "" : "http://",
                        config->address, path);
    if (size < 0 || (size_t)size >= sizeof(url)) {
        fprintf(stderr, "leat: the address is too long\n");
        return EXIT_USAGE;
    }
    struct http_header all[HEADERS_MAX];
    char bearer[KEY_BYTES];
    if (header_count > 0) {
        memcpy(all, headers, header_count * sizeof(*headers));
    }
    if (config->key != NULL) {
        snprintf(bearer, sizeof(bearer), "Bearer %s", config->key);
        all[header_count++] = (struct http_header){"Authorization", bearer};
    }
    const struct http_call call = {
        .method = method,
        .url = url,
        .ca = config->ca,
        .headers = all,
        .header_count = header_count,
        .body = body,
        .connect_timeout_ns = 5 * NS_PER_S,
        .timeout_ns = config->timeout_ns,
        .answer_limit = FILE_BYTES_MAX,
        .allow_private = true,
    };
    struct buf answer_body;
    buf_init(&answer_body, FILE_BYTES_MAX);
    struct http_answer answer;
    http_call_wait(&call, &answer_body, &answer);
    int result = print_answer(&answer, url);
    buf_fini(&answer_body);
    return result;
}

enum status
client_read_file(const char *path, struct buf *out)
{
    buf_init(out, FILE_BYTES_MAX);
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        return errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
    }
    char piece[PIECE_BYTES];
    size_t size = 0;
    while ((size = fread(piece, 1, sizeof(piece), file)) > 0) {
        buf_append(out, piece, size);
    }
    enum status status = ferror(file) ? STATUS_IO : out->status;
    if (file != stdin) {
        fclose(file);
    }
    return status;
}
