/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes in any pieces: no line is over its limit, none holds a line end, and all
 * lines are told.
 */
#include "schemas/ndjson.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>

enum { LINE_MAX = 16 };

static size_t
take_all(struct ndjson *n)
{
    struct span line;
    size_t count = 0;
    enum ndjson_found found;
    while ((found = ndjson_next(n, &line)) != NDJSON_NONE) {
        count++;
        if (found == NDJSON_LINE) {
            require(line.size <= LINE_MAX);
            require(line.size == 0 || memchr(line.data, '\n', line.size) == NULL);
        }
    }
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ndjson n;
    ndjson_init(&n, LINE_MAX);
    size_t piece = size > 0 ? data[0] % 32 + 1 : 1;
    size_t told = 0;
    size_t ends = 0;
    for (size_t at = 0; at < size; at += piece) {
        size_t left = size - at;
        struct span part = span_of(data + at, left < piece ? left : piece);
        require(ndjson_feed(&n, part) == STATUS_OK);
        told += take_all(&n);
    }
    ndjson_end(&n);
    told += take_all(&n);
    for (size_t i = 0; i < size; i++) {
        ends += data[i] == '\n';
    }
    bool rest = size > 0 && data[size - 1] != '\n';
    require(told == ends + rest);
    ndjson_fini(&n);
    return 0;
}
