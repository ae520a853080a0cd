/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See steps.h. A table has the steps in their order, each with the function that reads
 * what stands behind its colon; what only the whole list can tell is checked at the
 * end.
 */
#include "runner/steps.h"

#include "base/span.h"

#include <math.h>
#include <stdlib.h>

enum { MEGAPIXELS = 32, MEGAPIXELS_MAX = 1000, NUMBER_BYTES = 32 };

/* Cut off the front of a text. */
static struct span
take_until(struct span *text, char separator)
{
    const uint8_t *end =
        text->size == 0 ? NULL : memchr(text->data, separator, text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    struct span part = span_of(text->data, size);
    size_t skipped = end == NULL ? size : size + 1;
    *text = span_of(text->data + skipped, text->size - skipped);
    return part;
}

static bool
begins(struct span *text, const char *with)
{
    size_t size = strlen(with);
    if (text->size < size || memcmp(text->data, with, size) != 0) {
        return false;
    }
    *text = span_of(text->data + size, text->size - size);
    return true;
}

static bool
read_count(struct span text, uint32_t most, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || value > most) {
            return false;
        }
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *out = value;
    return text.size > 0 && value >= 1 && value <= most;
}

static bool
read_float(struct span text, float *out)
{
    char copy[NUMBER_BYTES];
    if (text.size == 0 || text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end = NULL;
    *out = strtof(copy, &end);
    return *end == '\0' && copy[0] > ' ' && isfinite(*out);
}

/* WIDTHxHEIGHT */
static bool
read_size(struct span text, uint32_t *width, uint32_t *height)
{
    struct span first = take_until(&text, 'x');
    return read_count(first, STEPS_SIDE_MAX, width) &&
           read_count(text, STEPS_SIDE_MAX, height);
}

/* One number for all channels, or one each. */
static bool
read_channels(struct span text, const struct steps *s, float out[IMAGE_CHANNELS_MAX])
{
    uint32_t count = 0;
    while (text.size > 0) {
        if (count == s->channels || !read_float(take_until(&text, ','), &out[count])) {
            return false;
        }
        count++;
    }
    for (uint32_t i = count; count == 1 && i < s->channels; i++) {
        out[i] = out[0];
    }
    return count == 1 || count == s->channels;
}

/* A or A/B */
static bool
read_fraction(struct span text, float *out)
{
    float divisor = 1.0F;
    struct span over = take_until(&text, '/');
    if (!read_float(over, out) || (text.size > 0 && !read_float(text, &divisor))) {
        return false;
    }
    *out /= divisor;
    return isfinite(*out) && *out != 0.0F;
}

/* The readers of arguments: true if they are as expected. */

static bool
read_decode(struct span text, struct steps *s)
{
    uint32_t megapixels = MEGAPIXELS;
    bool ok = true;
    s->decodes = true;
    s->channels = 3;
    while (ok && text.size > 0) {
        struct span part = take_until(&text, ';');
        if (span_is_text(part, "grey") || span_is_text(part, "gray")) {
            s->channels = 1;
        } else if (!span_is_text(part, "rgb")) {
            ok = begins(&part, "megapixels=") &&
                 read_count(part, MEGAPIXELS_MAX, &megapixels);
        }
    }
    s->pixels_max = (uint64_t)megapixels * 1000000;
    return ok;
}

static bool
read_resize(struct span text, struct steps *s)
{
    if (begins(&text, "short=")) {
        return read_count(text, STEPS_SIDE_MAX, &s->short_side);
    }
    return read_size(text, &s->scale_width, &s->scale_height);
}

static bool
read_crop(struct span text, struct steps *s)
{
    return read_size(text, &s->width, &s->height);
}

static bool
read_normalize(struct span text, struct steps *s)
{
    bool ok = text.size > 0 && s->decodes;
    s->normalizes = true;
    while (ok && text.size > 0) {
        struct span part = take_until(&text, ';');
        if (begins(&part, "scale=")) {
            ok = read_fraction(part, &s->scale);
        } else if (begins(&part, "mean=")) {
            ok = read_channels(part, s, s->mean);
        } else {
            ok = begins(&part, "std=") && read_channels(part, s, s->std);
        }
    }
    for (uint32_t i = 0; i < s->channels; i++) {
        ok = ok && s->std[i] != 0.0F;
    }
    return ok;
}

static bool
read_layout(struct span text, struct steps *s)
{
    bool planes = span_is_text(text, "nchw");
    s->layout = planes ? STEPS_LAYOUT_NCHW : STEPS_LAYOUT_NHWC;
    return planes || span_is_text(text, "nhwc");
}

static bool
read_nothing(struct span text, struct steps *s)
{
    (void)s;
    return text.size == 0;
}

static bool
read_softmax(struct span text, struct steps *s)
{
    s->softmax = true;
    return text.size == 0;
}

static bool
read_top(struct span text, struct steps *s)
{
    return read_count(text, STEPS_TOP_MAX, &s->top);
}

enum step_name { DECODE, RESIZE, CROP, NORMALIZE, LAYOUT, MODEL, SOFTMAX, TOPK, STEPS };

static const struct {
    const char *name;
    bool (*read)(struct span text, struct steps *s);
    const char *expected;
} table[STEPS] = {
    [DECODE] = {"decode", read_decode,
                "decode, decode:rgb or decode:grey, maybe with ;megapixels=N"},
    [RESIZE] = {"resize", read_resize, "resize:WIDTHxHEIGHT or resize:short=SIDE"},
    [CROP] = {"crop", read_crop, "crop:WIDTHxHEIGHT"},
    [NORMALIZE] = {"normalize", read_normalize,
                   "normalize:scale=1/255;mean=M;std=S behind decode, M and S one "
                   "number or one per channel with commas, S not 0"},
    [LAYOUT] = {"layout", read_layout, "layout:nchw or layout:nhwc"},
    [MODEL] = {"model", read_nothing, "model, which has no arguments"},
    [SOFTMAX] = {"softmax", read_softmax, "softmax, which has no arguments"},
    [TOPK] = {"topk", read_top, "topk:K"},
};

/* Up to 60 bytes of it, for messages. */
static int
shown(struct span text)
{
    return text.size < 60 ? (int)text.size : 60;
}

static enum status
read_step(struct span step,
          struct steps *s,
          unsigned *seen, /* a bit per step */
          struct fault *fault)
{
    struct span arguments = step;
    struct span name = take_until(&arguments, ':');
    unsigned i = 0;
    while (i < STEPS && !span_is_text(name, table[i].name)) {
        i++;
    }
    if (i == STEPS) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: there is no step '%.*s'; there are decode, resize, "
                         "crop, normalize, layout, model, softmax and topk",
                         shown(step), (const char *)step.data);
    }
    if (*seen >> i != 0) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: '%.*s' comes too late; the order is decode, resize, "
                         "crop, normalize, layout, model, softmax, topk, each once",
                         shown(step), (const char *)step.data);
    }
    *seen |= 1U << i;
    return table[i].read(arguments, s)
               ? STATUS_OK
               : fault_set(fault, STATUS_INVALID, "steps: '%.*s': expected %s",
                           shown(step), (const char *)step.data, table[i].expected);
}

static bool
has(unsigned seen, enum step_name step)
{
    return (seen >> step & 1U) != 0;
}

/* The size of what the model is given, and that a crop always lies in the image. */
static enum status
settle_size(struct steps *s, unsigned seen, struct fault *fault)
{
    if (!has(seen, CROP)) {
        s->width = s->scale_width;
        s->height = s->scale_height;
        return s->short_side == 0
                   ? STATUS_OK
                   : fault_set(fault, STATUS_INVALID,
                               "steps: after resize:short= images are of different "
                               "sizes; add crop:WIDTHxHEIGHT");
    }
    uint32_t least_width = s->short_side > 0 ? s->short_side : s->scale_width;
    uint32_t least_height = s->short_side > 0 ? s->short_side : s->scale_height;
    if (s->width > least_width || s->height > least_height) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: crop:%ux%u is larger than the image after resize, "
                         "which may be %ux%u",
                         s->width, s->height, least_width, least_height);
    }
    return STATUS_OK;
}

static enum status
check_whole(struct steps *s, unsigned seen, struct fault *fault)
{
    if (!has(seen, MODEL)) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: 'model' is missing: it says where the model runs");
    }
    if (has(seen, DECODE) != has(seen, RESIZE)) {
        return fault_set(fault, STATUS_INVALID,
                         "steps: '%s' without '%s': images become tensors by decode "
                         "and resize",
                         has(seen, DECODE) ? "decode" : "resize",
                         has(seen, DECODE) ? "resize" : "decode");
    }
    if (!s->decodes && (has(seen, CROP) || has(seen, LAYOUT))) {
        return fault_set(fault, STATUS_INVALID, "steps: '%s' is for images: add decode",
                         has(seen, CROP) ? "crop" : "layout");
    }
    return s->decodes ? settle_size(s, seen, fault) : STATUS_OK;
}

enum status
steps_parse(const char *text, struct steps *out, struct fault *fault)
{
    struct steps s = {.scale = 1.0F, .std = {1.0F, 1.0F, 1.0F}};
    struct span rest = span_of_text(text);
    unsigned seen = 0;
    while (rest.size > 0) {
        struct span step = take_until(&rest, ' ');
        if (step.size == 0) {
            continue;
        }
        enum status status = read_step(step, &s, &seen, fault);
        if (status != STATUS_OK) {
            return status;
        }
    }
    enum status status = check_whole(&s, seen, fault);
    if (status == STATUS_OK) {
        *out = s;
    }
    return status;
}

/* Half of what is too much, rounded to the even one. */
static uint32_t
margin(uint32_t whole, uint32_t part)
{
    return (uint32_t)lrint((whole - part) / 2.0);
}

struct image_frame
steps_frame(const struct steps *steps, uint32_t width, uint32_t height)
{
    struct image_frame f = {.width = steps->scale_width,
                            .height = steps->scale_height,
                            .window_width = steps->width,
                            .window_height = steps->height};
    if (steps->short_side > 0) {
        bool wide = width > height;
        uint64_t longer = wide ? width : height;
        uint64_t shorter = wide ? height : width;
        uint32_t scaled = (uint32_t)(longer * steps->short_side / shorter);
        f.width = wide ? scaled : steps->short_side;
        f.height = wide ? steps->short_side : scaled;
    }
    f.x = margin(f.width, f.window_width);
    f.y = margin(f.height, f.window_height);
    return f;
}
