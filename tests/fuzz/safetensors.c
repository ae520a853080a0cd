/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a safetensors file: refused or read, every tensor inside the file. */
#include "runner/safetensors.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors s;
    struct fault fault;
    if (safetensors_parse(&s, span_of(data, size), &fault) != STATUS_OK) {
        return 0;
    }
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < s.count; i++) {
        const struct span bytes = s.tensors[i].data;
        for (size_t j = 0; j < bytes.size; j++) {
            sum = (uint8_t)(sum ^ bytes.data[j]);
        }
    }
    safetensors_close(&s);
    return 0;
}
