/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See image_scale.h. All weights of a side together are about twice the old pixels and
 * the new ones, whatever the factor, so the tables are bounded by the sides.
 */
#include "runner/image_scale.h"

#include <math.h>
#include <stdlib.h>

enum { FRACTION_BITS = 22 };

static void
weights_fini(struct image_weights *w)
{
    free(w->first);
    free(w->count);
    free(w->weights);
    *w = (struct image_weights){.most = 0};
}

static enum status
weights_reserve(struct image_weights *w, uint32_t window, uint32_t most)
{
    weights_fini(w);
    w->first = calloc(window, sizeof *w->first);
    w->count = calloc(window, sizeof *w->count);
    w->weights = calloc((size_t)window * most, sizeof *w->weights);
    w->most = most;
    return w->first != NULL && w->count != NULL && w->weights != NULL
               ? STATUS_OK
               : STATUS_NO_MEMORY;
}

static double
triangle(double x)
{
    return fabs(x) < 1.0 ? 1.0 - fabs(x) : 0.0;
}

/* The weights of one new pixel, whose middle lies at `center` of the old ones. */
static void
weigh(struct image_weights *w, uint32_t i, uint32_t in, double center, double reach)
{
    int64_t first = (int64_t)(center - reach + 0.5);
    int64_t end = (int64_t)(center + reach + 0.5);
    first = first < 0 ? 0 : first;
    end = end > (int64_t)in ? (int64_t)in : end;
    double sum = 0.0;
    for (int64_t at = first; at < end; at++) {
        sum += triangle(((double)at - center + 0.5) / reach);
    }
    int32_t *weights = w->weights + (size_t)i * w->most;
    for (int64_t at = first; at < end; at++) {
        double weight = triangle(((double)at - center + 0.5) / reach) / sum;
        weights[at - first] = (int32_t)(weight * (1 << FRACTION_BITS) + 0.5);
    }
    w->first[i] = (uint32_t)first;
    w->count[i] = (uint32_t)(end - first);
}

/* One side: `in` old pixels become `out`, of which `window` from `from` on count. */
static enum status
weights_make(
    struct image_weights *w, uint32_t in, uint32_t out, uint32_t from, uint32_t window)
{
    double factor = (double)in / out;
    double reach = factor > 1.0 ? factor : 1.0;
    enum status status = weights_reserve(w, window, (uint32_t)ceil(reach) * 2 + 1);
    for (uint32_t i = 0; i < window && status == STATUS_OK; i++) {
        weigh(w, i, in, ((double)from + i + 0.5) * factor, reach);
    }
    return status;
}

static uint8_t
to_byte(int32_t sum)
{
    int32_t value = sum >> FRACTION_BITS;
    value = value < 0 ? 0 : value;
    return (uint8_t)(value > 255 ? 255 : value);
}

/* The mean of `count` bytes that lie `stride` apart. */
static uint8_t
mean(const uint8_t *from, size_t stride, const int32_t *weights, uint32_t count)
{
    int32_t sum = 1 << (FRACTION_BITS - 1);
    for (uint32_t i = 0; i < count; i++) {
        sum += from[i * stride] * weights[i];
    }
    return to_byte(sum);
}

static void
scale_across(const struct image *in,
             const struct image_weights *w,
             uint32_t first_row,
             const struct image *out)
{
    uint32_t channels = in->channels;
    for (uint32_t y = 0; y < out->height; y++) {
        const uint8_t *from = image_row(in, first_row + y);
        uint8_t *to = image_row(out, y);
        for (uint32_t x = 0; x < out->width; x++) {
            const int32_t *weights = w->weights + (size_t)x * w->most;
            const uint8_t *at = from + (size_t)w->first[x] * channels;
            for (uint32_t c = 0; c < channels; c++) {
                *to++ = mean(at + c, channels, weights, w->count[x]);
            }
        }
    }
}

static void
scale_down(const struct image *in,
           const struct image_weights *w,
           uint32_t first_row,
           const struct image *out)
{
    size_t stride = (size_t)in->width * in->channels;
    for (uint32_t y = 0; y < out->height; y++) {
        const int32_t *weights = w->weights + (size_t)y * w->most;
        const uint8_t *from = image_row(in, w->first[y] - first_row);
        uint8_t *to = image_row(out, y);
        for (size_t i = 0; i < stride; i++) {
            to[i] = mean(from + i, stride, weights, w->count[y]);
        }
    }
}

enum status
image_scale(struct image_scaler *scaler,
            const struct image *in,
            const struct image_frame *frame,
            struct image *out)
{
    struct image_weights *down = &scaler->down;
    if (weights_make(&scaler->across, in->width, frame->width, frame->x,
                     frame->window_width) != STATUS_OK ||
        weights_make(down, in->height, frame->height, frame->y, frame->window_height) !=
            STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    uint32_t last = frame->window_height - 1;
    uint32_t rows = down->first[last] + down->count[last] - down->first[0];
    if (image_reserve(&scaler->narrow, frame->window_width, rows, in->channels) !=
            STATUS_OK ||
        image_reserve(out, frame->window_width, frame->window_height, in->channels) !=
            STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    scale_across(in, &scaler->across, down->first[0], &scaler->narrow);
    scale_down(&scaler->narrow, down, down->first[0], out);
    return STATUS_OK;
}

void
image_scaler_fini(struct image_scaler *scaler)
{
    weights_fini(&scaler->across);
    weights_fini(&scaler->down);
    image_fini(&scaler->narrow);
}
