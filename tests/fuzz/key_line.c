/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the keys file, and what callers present as a key. */
#include "ingest/key_line.h"

#include <assert.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct key_line line;
    struct fault fault = {.text = ""};
    if (key_line_read(text, &line, &fault) == STATUS_OK) {
        assert(line.scopes != 0 && (line.scopes & ~(unsigned)SCOPE_ANY) == 0);
        assert(tenant_name_is_valid(span_of_text(line.tenant)));
        assert(strlen(line.id) > 0 && strlen(line.id) <= KEY_ID_MAX);
        assert(line.expires_s >= 0 && line.limits.rate_per_s >= 0);
    } else {
        assert(fault.status == STATUS_INVALID && fault.text[0] != '\0');
    }
    struct span id = key_id_of(text);
    assert(id.size <= size);
    return 0;
}
