/* SPDX-License-Identifier: Apache-2.0 */
/* Drawn with two characters a pixel, as a terminal's cell is twice as high as wide. */
#include "cli/digits.h"

#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXEL_MOST = 16, SHADES = 5 };

enum status
digits_load(struct digits *d, const char *folder)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/images.u8", folder);
    enum status status = client_read_file(path, &d->images);
    snprintf(path, sizeof(path), "%s/labels.u8", folder);
    enum status labels = client_read_file(path, &d->labels);
    d->count = d->labels.size;
    if (status != STATUS_OK || labels != STATUS_OK) {
        return status != STATUS_OK ? status : labels;
    }
    bool fits = d->count > 0 && d->images.size == d->count * DIGIT_PIXELS;
    return fits ? STATUS_OK : STATUS_INVALID;
}

void
digits_fini(struct digits *d)
{
    buf_fini(&d->images);
    buf_fini(&d->labels);
}

const uint8_t *
digits_image(const struct digits *d, size_t at)
{
    return d->images.data + at * DIGIT_PIXELS;
}

unsigned
digits_label(const struct digits *d, size_t at)
{
    return d->labels.data[at];
}

void
digits_body(const struct digits *d, size_t at, struct buf *body)
{
    const uint8_t *image = digits_image(d, at);
    buf_append_text(body, "\"inputs\":[{\"name\":\"pixels\",\"shape\":[1,64],"
                          "\"datatype\":\"FP32\",\"data\":[");
    for (unsigned i = 0; i < DIGIT_PIXELS; i++) {
        buf_append_format(body, i == 0 ? "%u" : ",%u", image[i]);
    }
    buf_append_text(body, "]}]");
}

static void
draw_row(const uint8_t *pixels)
{
    static const char *const shades[SHADES] = {"  ", "░░", "▒▒", "▓▓", "██"};
    for (unsigned x = 0; x < DIGIT_SIDE; x++) {
        unsigned pixel = pixels[x] > PIXEL_MOST ? PIXEL_MOST : pixels[x];
        fputs(shades[(pixel * (SHADES - 1) + PIXEL_MOST / 2) / PIXEL_MOST], stdout);
    }
}

void
digits_draw(const struct digits *d,
            const size_t *which,
            const char *const *captions,
            size_t count)
{
    for (unsigned y = 0; y < DIGIT_SIDE; y++) {
        for (size_t i = 0; i < count; i++) {
            fputs("   ", stdout);
            draw_row(digits_image(d, which[i]) + (size_t)y * DIGIT_SIDE);
        }
        putchar('\n');
    }
    for (size_t i = 0; i < count; i++) {
        printf("   %-*s", 2 * DIGIT_SIDE, captions[i]);
    }
    putchar('\n');
}

int
digits_most_probable(const float *probabilities)
{
    int most = 0;
    for (int i = 1; i < DIGIT_CLASSES; i++) {
        most = probabilities[i] > probabilities[most] ? i : most;
    }
    return most;
}

int
digits_answer(struct span json)
{
    static const char key[] = "\"data\":[";
    const char *at =
        json.size == 0 ? NULL : memmem(json.data, json.size, key, strlen(key));
    if (at == NULL) {
        return -1;
    }
    char text[512]; /* ten numbers of at most 25 characters */
    size_t offset = (size_t)(at - (const char *)json.data) + strlen(key);
    size_t size =
        json.size - offset < sizeof(text) ? json.size - offset : sizeof(text) - 1;
    memcpy(text, json.data + offset, size);
    text[size] = '\0';
    float probabilities[DIGIT_CLASSES];
    char *next = text;
    for (unsigned i = 0; i < DIGIT_CLASSES; i++) {
        char *end = NULL;
        probabilities[i] = strtof(next, &end);
        if (end == next || (*end != ',' && *end != ']')) {
            return -1;
        }
        next = end + 1;
    }
    return digits_most_probable(probabilities);
}
