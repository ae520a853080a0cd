/* SPDX-License-Identifier: Apache-2.0 */
/* Words between blanks: two by their place, the others by name, each at most once. */
#include "ingest/key_line.h"

#include "base/option_value.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY_PREFIX "leat_"
#define BLANKS     " \t\r\n"
#define ID_BYTES   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

enum { REQUESTS_MOST = 10000000, DAY_END_S = 86400 - 1 };

static enum status
read_tenant(struct key_line *line, char *value, struct fault *fault)
{
    if (!tenant_name_is_valid(span_of_text(value))) {
        return fault_set(fault, STATUS_INVALID,
                         "tenant: 1 to %d letters, digits, '.', '-' or '_'",
                         TENANT_NAME_MAX);
    }
    memcpy(line->tenant, value, strlen(value) + 1);
    return STATUS_OK;
}

static unsigned
scope_of(const char *name)
{
    static const struct {
        const char *name;
        unsigned scope;
    } scopes[] = {{"infer", SCOPE_INFER}, {"read", SCOPE_READ}, {"admin", SCOPE_ADMIN}};
    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        if (strcmp(name, scopes[i].name) == 0) {
            return scopes[i].scope;
        }
    }
    return 0;
}

static enum status
read_scopes(struct key_line *line, char *value, struct fault *fault)
{
    char *rest = NULL;
    for (char *name = strtok_r(value, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        unsigned scope = scope_of(name);
        if (scope == 0) {
            return fault_set(fault, STATUS_INVALID,
                             "scopes: want infer, read and admin, with commas between");
        }
        line->scopes |= scope;
    }
    return STATUS_OK;
}

/* A day counts to its end, UTC. timegm() makes a date of "31 February": then it reads
 * otherwise than it was written. */
static enum status
read_expiry(struct key_line *line, char *value, struct fault *fault)
{
    static const struct {
        const char *format;
        int64_t add_s;
    } forms[] = {{"%Y-%m-%d", DAY_END_S}, {"%Y-%m-%dT%H:%M:%SZ", 0}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm tm = {0};
        const char *end = strptime(value, forms[i].format, &tm);
        int day = tm.tm_mday;
        if (end != NULL && *end == '\0') {
            time_t at = timegm(&tm);
            line->expires_s = (int64_t)at + forms[i].add_s;
            return tm.tm_mday == day && at >= 0
                       ? STATUS_OK
                       : fault_set(fault, STATUS_INVALID, "expires: no such day");
        }
    }
    return fault_set(fault, STATUS_INVALID,
                     "expires: want 2027-01-31 or 2027-01-31T12:00:00Z");
}

static const struct option limit_options[] = {
    {.name = "inflight",
     .kind = OPTION_INT,
     .offset = offsetof(struct tenant_limits, inflight_max),
     .least = 1,
     .most = REQUESTS_MOST},
    {.name = "bytes",
     .kind = OPTION_BYTES,
     .offset = offsetof(struct tenant_limits, inflight_bytes_max),
     .least = 1024,
     .most = 1LL << 40},
    {.name = "rate",
     .kind = OPTION_REAL,
     .offset = offsetof(struct tenant_limits, rate_per_s)},
    {.name = "burst",
     .kind = OPTION_REAL,
     .offset = offsetof(struct tenant_limits, burst)},
};
enum { LIMIT_COUNT = sizeof(limit_options) / sizeof(limit_options[0]) };

static enum status
read_limit(struct key_line *line,
           const struct option *option,
           const char *value,
           struct fault *fault)
{
    enum { REAL_MOST = 1000000000 };
    uint8_t *field = (uint8_t *)&line->limits + option->offset;
    enum status status = option_value_read(option, value, field, fault);
    if (status != STATUS_OK) {
        return status;
    }
    if (option->kind == OPTION_REAL) {
        double real = 0;
        memcpy(&real, field, sizeof(real));
        if (!(real > 0.001 && real < REAL_MOST)) {
            return fault_set(fault, STATUS_INVALID, "%s: want more than 0.001",
                             option->name);
        }
    }
    line->has_limits = true;
    return STATUS_OK;
}

typedef enum status (*field_fn)(struct key_line *line,
                                char *value,
                                struct fault *fault);

static const struct {
    const char *name;
    field_fn read;
} fields[] = {
    {"tenant", read_tenant}, {"scopes", read_scopes}, {"expires", read_expiry}};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

/* @param[in] seen a bit for each name that has come */
static enum status
read_word(struct key_line *line, char *word, unsigned *seen, struct fault *fault)
{
    char *value = strchr(word, '=');
    if (value == NULL) {
        return fault_set(fault, STATUS_INVALID, "want NAME=VALUE behind the digest");
    }
    *value++ = '\0';
    size_t at = 0;
    while (at < FIELD_COUNT + LIMIT_COUNT &&
           strcmp(word, at < FIELD_COUNT ? fields[at].name
                                         : limit_options[at - FIELD_COUNT].name) != 0) {
        at++;
    }
    if (at == FIELD_COUNT + LIMIT_COUNT || (*seen & 1U << at) != 0) {
        return fault_set(fault, STATUS_INVALID, "%.32s: %s", word,
                         at == FIELD_COUNT + LIMIT_COUNT
                             ? "not known; want tenant, scopes, expires, inflight, "
                               "bytes, rate, burst"
                             : "twice");
    }
    *seen |= 1U << at;
    return at < FIELD_COUNT
               ? fields[at].read(line, value, fault)
               : read_limit(line, &limit_options[at - FIELD_COUNT], value, fault);
}

static enum status
read_id(struct key_line *line, const char *id, const char *hex, struct fault *fault)
{
    size_t size = id == NULL ? 0 : strlen(id);
    if (size == 0 || size > KEY_ID_MAX || strspn(id, ID_BYTES) != size) {
        return fault_set(fault, STATUS_INVALID,
                         "want a key id of 1 to %d letters and digits", KEY_ID_MAX);
    }
    memcpy(line->id, id, size + 1);
    if (hex == NULL || digest_parse(span_of_text(hex), &line->digest) != STATUS_OK) {
        return fault_set(fault, STATUS_INVALID,
                         "want the SHA-256 of the key behind its id, 64 digits");
    }
    return STATUS_OK;
}

enum status
key_line_read(struct span text, struct key_line *out, struct fault *fault)
{
    char copy[KEY_LINE_MAX];
    if (text.size >= sizeof(copy) || memchr(text.data, '\0', text.size) != NULL) {
        return fault_set(fault, STATUS_INVALID, "longer than %d bytes, or not text",
                         KEY_LINE_MAX - 1);
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    struct key_line line = {.expires_s = INT64_MAX};
    char *rest = NULL;
    const char *id = strtok_r(copy, BLANKS, &rest);
    const char *hex = strtok_r(NULL, BLANKS, &rest);
    enum status status = read_id(&line, id, hex, fault);
    unsigned seen = 0;
    char *word = NULL;
    while (status == STATUS_OK && (word = strtok_r(NULL, BLANKS, &rest)) != NULL) {
        status = read_word(&line, word, &seen, fault);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (line.tenant[0] == '\0' || line.scopes == 0) {
        return fault_set(fault, STATUS_INVALID, "%s: missing",
                         line.scopes == 0 ? "scopes" : "tenant");
    }
    *out = line;
    return STATUS_OK;
}

struct span
key_id_of(struct span key)
{
    size_t prefix = strlen(KEY_PREFIX);
    if (key.size <= prefix || memcmp(key.data, KEY_PREFIX, prefix) != 0) {
        return span_of(NULL, 0);
    }
    const uint8_t *id = key.data + prefix;
    const uint8_t *end = memchr(id, '_', key.size - prefix);
    return end == NULL ? span_of(NULL, 0) : span_of(id, (size_t)(end - id));
}
