/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as `steps=`: a mistake in words, or numbers within their bounds. */
#include "runner/steps.h"

#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
check_image(const struct steps *s)
{
    require(s->channels == 1 || s->channels == 3);
    require(s->width >= 1 && s->width <= STEPS_SIDE_MAX);
    require(s->height >= 1 && s->height <= STEPS_SIDE_MAX);
    for (uint32_t c = 0; c < s->channels; c++) {
        require(isfinite(s->mean[c]) && isfinite(s->std[c]) && s->std[c] != 0.0F);
    }
    static const uint32_t sizes[][2] = {{1, 1}, {1, 65535}, {65535, 1}, {640, 480}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct image_frame f = steps_frame(s, sizes[i][0], sizes[i][1]);
        require(f.window_width == s->width && f.window_height == s->height);
        require((uint64_t)f.x + f.window_width <= f.width);
        require((uint64_t)f.y + f.window_height <= f.height);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct steps steps;
    struct fault fault = {.text = ""};
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (steps_parse(text, &steps, &fault) != STATUS_OK) {
        require(strncmp(fault.text, "steps: ", 7) == 0);
    } else {
        require(steps.top <= STEPS_TOP_MAX);
        if (steps.decodes) {
            check_image(&steps);
        }
    }
    free(text);
    return 0;
}
