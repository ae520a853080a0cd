/* SPDX-License-Identifier: Apache-2.0 */
/* More digits than any body has bytes are no length. */
#include "ingest/json_length.h"

#include "schemas/oip.h"

enum { DIGITS_MAX = 12 };

enum status
json_length_read(struct span header, int64_t *length, struct fault *fault)
{
    *length = OIP_JSON_ONLY;
    if (header.data == NULL) {
        return STATUS_OK;
    }
    int64_t value = 0;
    for (size_t i = 0; i < header.size; i++) {
        if (header.data[i] < '0' || header.data[i] > '9' || i == DIGITS_MAX) {
            value = -1;
            break;
        }
        value = value * 10 + (header.data[i] - '0');
    }
    if (header.size == 0 || value < 0) {
        return fault_set(fault, STATUS_INVALID, JSON_LENGTH_HEADER " is not a length");
    }
    *length = value;
    return STATUS_OK;
}
