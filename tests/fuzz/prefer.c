/* SPDX-License-Identifier: Apache-2.0 */
/* The Prefer header and the paths of requests come from anybody. */
#include "ingest/prefer.h"

#include "ingest/route.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    struct prefer prefer = prefer_parse(text);
    require(prefer.wait_s >= -1 && prefer.wait_s < 1000000000);
    struct route_match match;
    enum status status = STATUS_OK;
    char allow[ROUTE_ALLOW_MAX];
    const struct route *route = route_find(HTTP_POST, text, &match, &status, allow);
    require((route != NULL) == (status == STATUS_OK));
    return 0;
}
