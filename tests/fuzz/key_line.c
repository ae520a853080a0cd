/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the keys file, and what callers present as a key. */
#include "ingest/key_line.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct key_line line;
    struct fault fault = {.text = ""};
    if (key_line_read(text, &line, &fault) == STATUS_OK) {
        require(line.scopes != 0 && (line.scopes & ~(unsigned)SCOPE_ANY) == 0);
        require(tenant_name_is_valid(span_of_text(line.tenant)));
        require(strlen(line.id) > 0 && strlen(line.id) <= KEY_ID_MAX);
        require(line.expires_s >= 0 && line.limits.rate_per_s >= 0);
    } else {
        require(fault.status == STATUS_INVALID && fault.text[0] != '\0');
    }
    struct span id = key_id_of(text);
    require(id.size <= size);
    return 0;
}
