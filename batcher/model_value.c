/* SPDX-License-Identifier: Apache-2.0 */
/* See model_value.h: a small function per kind, and the table that names them. */
#include "batcher/model_value.h"

#include "base/clock.h"
#include "base/option_value.h"
#include "batcher/batching.h"
#include "batcher/tensor_line.h"
#include "batcher/version_policy.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum status (*check_fn)(const struct model_key *key,
                                const char *value,
                                struct fault *fault);

static enum status
check_text(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    return value[0] != '\0' ? STATUS_OK
                            : fault_set(fault, STATUS_INVALID, "the value is missing");
}

static enum status
check_choice(const struct model_key *key, const char *value, struct fault *fault)
{
    assert(key->choices != NULL);
    size_t size = strlen(value);
    const char *at = key->choices;
    while (at != NULL) {
        size_t length = strcspn(at, "|");
        if (length == size && memcmp(at, value, size) == 0) {
            return STATUS_OK;
        }
        at = at[length] == '\0' ? NULL : at + length + 1;
    }
    bool one = strchr(key->choices, '|') == NULL;
    return fault_set(fault, STATUS_INVALID, "'%.60s' is not %s%s", value,
                     one ? "" : "one of ", key->choices);
}

static enum status
check_bool(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    bool good = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    return good ? STATUS_OK
                : fault_set(fault, STATUS_INVALID, "'%.60s' is neither true nor false",
                            value);
}

static bool
is_within(const struct model_key *key, int64_t value)
{
    bool any = key->least == 0 && key->most == 0;
    return any || (value >= key->least && value <= key->most);
}

static enum status
check_int(const struct model_key *key, const char *value, struct fault *fault)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    const char *digits = value[0] == '-' ? value + 1 : value;
    if (errno == 0 && isdigit((unsigned char)digits[0]) && *end == '\0' &&
        is_within(key, number)) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_INVALID,
                     "'%.60s' is not a whole number from %" PRId64 " to %" PRId64,
                     value, key->least, key->most);
}

/* 5ms and so on: as it would be written. */
static void
write_duration(int64_t ns, char *out, size_t size)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"d", 86400 * NS_PER_S}, {"h", 3600 * NS_PER_S}, {"s", NS_PER_S},
                 {"ms", NS_PER_MS},       {"us", NS_PER_US},      {"ns", 1}};
    size_t i = 0;
    while (ns % units[i].ns != 0) {
        i++;
    }
    snprintf(out, size, "%" PRId64 "%s", ns / units[i].ns,
             ns == 0 ? "" : units[i].name);
}

static enum status
check_duration(const struct model_key *key, const char *value, struct fault *fault)
{
    const struct option any = {.name = key->name, .kind = OPTION_DURATION};
    char least[32];
    char most[32];
    int64_t ns = 0;
    if (option_value_read(&any, value, &ns, NULL) != STATUS_OK) {
        return fault_set(fault, STATUS_INVALID,
                         "'%.60s' is not a time such as 250us, 5ms or 30s", value);
    }
    if (is_within(key, ns)) {
        return STATUS_OK;
    }
    write_duration(key->least, least, sizeof least);
    write_duration(key->most, most, sizeof most);
    return fault_set(fault, STATUS_INVALID, "%.60s is not from %s to %s", value, least,
                     most);
}

static enum status
check_bytes(const struct model_key *key, const char *value, struct fault *fault)
{
    const struct option any = {.name = key->name, .kind = OPTION_BYTES};
    int64_t bytes = 0;
    if (option_value_read(&any, value, &bytes, NULL) == STATUS_OK && bytes >= 0 &&
        is_within(key, bytes)) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_INVALID,
                     "'%.60s' is not a size such as 64MiB, from %" PRId64 " to %" PRId64
                     " bytes",
                     value, key->least, key->most);
}

static enum status
check_rows(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    struct batching scratch;
    return batching_read_buckets(&scratch, value, fault);
}

static enum status
check_tensor(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    struct tensor_spec scratch;
    return tensor_line_read(span_of_text(value), &scratch, fault);
}

static enum status
check_device(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    const char *rest = value;
    if (strncmp(value, "cpu", 3) == 0) {
        rest = value + 3;
    } else if (strncmp(value, "cuda", 4) == 0) {
        rest = value + 4;
    }
    size_t digits = rest[0] == ':' ? strspn(rest + 1, "0123456789") : 0;
    bool numbered = digits > 0 && digits <= 3 && rest[digits + 1] == '\0';
    if (rest != value && (rest[0] == '\0' || numbered)) {
        return STATUS_OK;
    }
    return fault_set(fault, STATUS_INVALID,
                     "'%.60s' is none of cpu, cpu:1, ..., cuda, cuda:1, ...", value);
}

static enum status
check_policy(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    struct version_policy scratch;
    return version_policy_read(&scratch, value, fault);
}

static enum status
check_version(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    return version_number(value) != 0
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID,
                           "'%.60s' is not the number of a version", value);
}

static enum status
check_hex(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    size_t size = strlen(value);
    bool good = size > 0 && size <= 32 && size % 2 == 0 &&
                strspn(value, "0123456789abcdef") == size;
    return good ? STATUS_OK
                : fault_set(fault, STATUS_INVALID,
                            "'%.60s' is not 1 to 16 bytes in lower-case hex, such as "
                            "ff00",
                            value);
}

static enum status
check_platform(const struct model_key *key, const char *value, struct fault *fault)
{
    (void)key;
    char known[160];
    if (model_platform_find(value) != NULL) {
        return STATUS_OK;
    }
    model_platform_list(known, sizeof known);
    return fault_set(fault, STATUS_INVALID, "'%.60s' is none of %s", value, known);
}

static const check_fn checks[] = {
    [KEY_TEXT] = check_text,         [KEY_CHOICE] = check_choice,
    [KEY_BOOL] = check_bool,         [KEY_INT] = check_int,
    [KEY_DURATION] = check_duration, [KEY_BYTES] = check_bytes,
    [KEY_ROWS] = check_rows,         [KEY_TENSOR] = check_tensor,
    [KEY_DEVICE] = check_device,     [KEY_POLICY] = check_policy,
    [KEY_VERSION] = check_version,   [KEY_HEX] = check_hex,
    [KEY_PLATFORM] = check_platform,
};

enum status
model_value_check(const struct model_key *key, const char *value, struct fault *fault)
{
    if (value[0] == '\0') {
        return check_text(key, value, fault);
    }
    return checks[key->kind](key, value, fault);
}
