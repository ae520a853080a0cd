/* SPDX-License-Identifier: Apache-2.0 */
/* See version_policy.h; the words are those of Triton and TensorFlow Serving. */
#include "batcher/version_policy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void
version_policy_init(struct version_policy *p)
{
    *p = (struct version_policy){.newest = 1};
}

/* Digits up to `end`; 0 if they are no number of a version. */
static uint32_t
take_number(const char **at)
{
    if (!isdigit((unsigned char)**at) || **at == '0') {
        return 0;
    }
    char *end = NULL;
    unsigned long value = strtoul(*at, &end, 10);
    *at = end;
    return value > UINT32_MAX ? 0 : (uint32_t)value;
}

uint32_t
version_number(const char *text)
{
    uint32_t number = take_number(&text);
    return *text == '\0' ? number : 0;
}

static bool
read_list(struct version_policy *p, const char *text)
{
    const char *at = text;
    for (bool more = true; more; more = *at == ',', at += more ? 1 : 0) {
        uint32_t number = take_number(&at);
        if (number == 0 || p->specific_count == MODEL_VERSIONS_MAX) {
            return false;
        }
        p->specific[p->specific_count++] = number;
    }
    return *at == '\0';
}

static bool
read_policy(struct version_policy *p, const char *text)
{
    if (strcmp(text, "latest") == 0 || strcmp(text, "all") == 0) {
        p->newest = text[0] == 'a' ? MODEL_VERSIONS_MAX : 1;
        return true;
    }
    if (strncmp(text, "latest:", 7) == 0) {
        p->newest = version_number(text + 7);
        return p->newest >= 1 && p->newest <= MODEL_VERSIONS_MAX;
    }
    return strncmp(text, "specific:", 9) == 0 && read_list(p, text + 9);
}

enum status
version_policy_read(struct version_policy *p, const char *text, struct fault *fault)
{
    struct version_policy read = {.newest = 0};
    if (!read_policy(&read, text)) {
        return fault_set(fault, STATUS_INVALID,
                         "'%.60s' is none of latest, latest:2, all, specific:1,3 (at "
                         "most %d versions)",
                         text, (int)MODEL_VERSIONS_MAX);
    }
    *p = read;
    return STATUS_OK;
}

static bool
is_specific(const struct version_policy *p, uint32_t number)
{
    for (size_t i = 0; i < p->specific_count; i++) {
        if (p->specific[i] == number) {
            return true;
        }
    }
    return false;
}

size_t
version_policy_select(const struct version_policy *p, uint32_t *numbers, size_t count)
{
    if (p->specific_count == 0) {
        return count < p->newest ? count : p->newest;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < MODEL_VERSIONS_MAX; i++) {
        if (is_specific(p, numbers[i])) {
            numbers[kept++] = numbers[i];
        }
    }
    return kept;
}

uint32_t
version_policy_missing(const struct version_policy *p,
                       const uint32_t *numbers,
                       size_t count)
{
    for (size_t i = 0; i < p->specific_count; i++) {
        bool found = false;
        for (size_t n = 0; n < count && !found; n++) {
            found = numbers[n] == p->specific[i];
        }
        if (!found) {
            return p->specific[i];
        }
    }
    return 0;
}
