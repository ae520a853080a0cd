/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat keys create: makes an API key. It is printed once, on the first line; the second
 * is the line for http.keys.file, which has only its digest.
 */
#include "base/digest.h"
#include "base/option.h"
#include "cli/verb.h"
#include "ingest/ingest.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
    ID_SIZE = 10,
    SECRET_SIZE = 43, /* 256 bits at 5.95 each */
    KEY_SIZE = 64,
    LINE_SIZE = 512,
    POOL_BYTES = 128
};

struct keys_config {
    const char *tenant;
    const char *scopes;
    const char *expires;
};

static const struct option keys_options[] = {
    {.name = "tenant",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct keys_config, tenant),
     .fallback = "",
     .help = "Whose key it is: letters, digits, dots, dashes and underscores."},
    {.name = "scopes",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct keys_config, scopes),
     .fallback = "infer,read",
     .help = "What it allows: infer (submit, cancel, read what became of it), read "
             "(jobs, models, numbers), admin."},
    {.name = "expires",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct keys_config, expires),
     .fallback = "",
     .help = "Its last day (2027-01-31) or instant (2027-01-31T12:00:00Z), UTC; empty: "
             "never."},
};

static const char usage[] =
    "  leat keys create --tenant=acme --scopes=infer,read\n"
    "  leat keys create --tenant=acme | { read key; read line; echo \"$line\" >>keys; "
    "}\n"
    "Behind the scopes a line may have limits of the tenant: inflight=1000 "
    "bytes=64MiB\n"
    "rate=100 burst=200. leat-ingest reads its http.keys.file anew on SIGHUP.\n";

/* Bytes that would favour some letters are thrown away. */
static bool
letters_write(char *out, size_t count)
{
    static const char letters[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    enum { LETTERS = sizeof(letters) - 1, FAIR = 256 - 256 % LETTERS };
    uint8_t pool[POOL_BYTES];
    size_t used = sizeof(pool);
    for (size_t i = 0; i < count;) {
        if (used == sizeof(pool)) {
            if (getrandom(pool, sizeof(pool), 0) != (ssize_t)sizeof(pool)) {
                return false;
            }
            used = 0;
        }
        uint8_t byte = pool[used++];
        if (byte < FAIR) {
            out[i++] = letters[byte % LETTERS];
        }
    }
    out[count] = '\0';
    explicit_bzero(pool, sizeof(pool));
    return true;
}

static int
create(const struct keys_config *config)
{
    char id[ID_SIZE + 1];
    char secret[SECRET_SIZE + 1];
    if (!letters_write(id, ID_SIZE) || !letters_write(secret, SECRET_SIZE)) {
        fprintf(stderr, "leat keys: the system gives no random bytes\n");
        return EXIT_FAILED;
    }
    char key[KEY_SIZE];
    char hex[DIGEST_HEX];
    char line[LINE_SIZE];
    snprintf(key, sizeof(key), "leat_%s_%s", id, secret);
    struct digest digest = digest_of(span_of_text(key));
    digest_format(&digest, hex);
    snprintf(line, sizeof(line), "%s %.*s tenant=%s scopes=%s%s%s", id, DIGEST_HEX, hex,
             config->tenant, config->scopes == NULL ? "" : config->scopes,
             config->expires == NULL ? "" : " expires=",
             config->expires == NULL ? "" : config->expires);
    struct fault fault = {.text = ""};
    if (ingest_check_key_line(line, &fault) != STATUS_OK) {
        fprintf(stderr, "leat keys: %s\n", fault.text);
        return EXIT_USAGE;
    }
    fprintf(stderr, "The key, which nobody can show again, and its line for "
                    "http.keys.file:\n");
    printf("%s\n%s\n", key, line);
    return EXIT_DONE;
}

int
verb_keys(int argc, const char *const *argv)
{
    struct keys_config config;
    const struct option_table table = {"keys", keys_options, 3, &config};
    struct option_set set = {.program = "leat keys",
                             .summary = "make an API key",
                             .usage = usage,
                             .tables = &table,
                             .table_count = 1};
    enum option_action action = option_load(&set, argc, argv);
    int result = action == OPTION_EXIT_OK ? EXIT_DONE : EXIT_USAGE;
    if (action == OPTION_RUN) {
        if (set.operand_count != 1 || strcmp(set.operands[0], "create") != 0 ||
            config.tenant == NULL) {
            fprintf(stderr, "leat keys: usage: leat keys create --tenant=NAME\n");
        } else {
            result = create(&config);
        }
    }
    option_fini(&set);
    return result;
}
