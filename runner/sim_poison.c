/* SPDX-License-Identifier: Apache-2.0 */
/* See sim_poison.h. The bytes are written in hex, as dumps of rows show them. */
#include "runner/sim_poison.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const keys[POISON_KINDS] = {
    [POISON_REJECT] = "sim.reject.on", [POISON_FAIL] = "sim.fail.on",
    [POISON_LOSE] = "sim.lose.on",     [POISON_CRASH] = "sim.crash.on",
    [POISON_HANG] = "sim.hang.on",     [POISON_SHORT] = "sim.short.on",
    [POISON_NAN] = "sim.nan.on",
};

static int
hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

static enum status
read_bytes(const struct properties *properties,
           const char *key,
           struct poison *out,
           struct fault *fault)
{
    const char *text = properties_text(properties, key);
    if (text == NULL) {
        return STATUS_OK;
    }
    size_t size = strlen(text) / 2;
    bool ok = size > 0 && size <= POISON_BYTES_MAX && strlen(text) == size * 2;
    for (size_t i = 0; ok && i < size; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        ok = high >= 0 && low >= 0;
        out->bytes[i] = (uint8_t)(ok ? high * 16 + low : 0);
    }
    if (!ok) {
        return fault_set(fault, STATUS_INVALID,
                         "%s=%.60s: expected 1 to %d bytes in lower-case hex", key,
                         text, POISON_BYTES_MAX);
    }
    out->size = size;
    return STATUS_OK;
}

enum status
sim_poison_read(struct sim_poison *poison,
                const struct properties *properties,
                struct fault *fault)
{
    enum status status = STATUS_OK;
    for (size_t kind = 0; kind < POISON_KINDS && status == STATUS_OK; kind++) {
        status = read_bytes(properties, keys[kind], &poison->kinds[kind], fault);
    }
    return status;
}

bool
sim_poison_meets(const struct sim_poison *poison,
                 enum poison_kind kind,
                 struct span row)
{
    const struct poison *p = &poison->kinds[kind];
    return p->size > 0 && row.size >= p->size &&
           memcmp(row.data, p->bytes, p->size) == 0;
}

enum slot_outcome
sim_poison_suffer(const struct sim_poison *poison,
                  struct batch *b,
                  uint32_t row_index,
                  struct span row)
{
    if (sim_poison_meets(poison, POISON_CRASH, row)) {
        abort();
    }
    while (sim_poison_meets(poison, POISON_HANG, row)) {
        pause();
    }
    if (sim_poison_meets(poison, POISON_LOSE, row)) {
        batch_fail(b, "sim.lose.on met in row %" PRIu32, row_index);
        return SLOT_DEVICE_LOST;
    }
    if (sim_poison_meets(poison, POISON_FAIL, row)) {
        return batch_fail(b, "sim.fail.on met in a row of %zu bytes", row.size);
    }
    if (sim_poison_meets(poison, POISON_REJECT, row)) {
        batch_fail_row(b, row_index, SLOT_ROW_FAILED,
                       "sim.reject.on met in row %" PRIu32, row_index);
    }
    return SLOT_SUCCEEDED;
}
