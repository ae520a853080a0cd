/* SPDX-License-Identifier: Apache-2.0 */
/* `steps=` read, its mistakes told, and where images come to lie. */
#include "runner/half.h"
#include "runner/steps.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static struct steps
parse(const char *text)
{
    struct steps s = {.top = 0};
    struct fault fault = {.text = ""};
    cr_assert_eq(steps_parse(text, &s, &fault), STATUS_OK, "%s: %s", text, fault.text);
    return s;
}

Test(steps, are_read_with_all_their_arguments)
{
    struct steps s = parse(" decode:rgb;megapixels=3  resize:short=256 crop:224x192 "
                           "normalize:scale=1/255;mean=0.5,0.25,0;std=2,4,8 "
                           "layout:nhwc model softmax topk:5 ");
    cr_assert(s.decodes && s.channels == 3 && s.pixels_max == 3000000);
    cr_assert(s.short_side == 256 && s.width == 224 && s.height == 192);
    cr_assert(s.normalizes && s.scale == 1.0F / 255.0F);
    cr_assert(s.mean[0] == 0.5F && s.mean[1] == 0.25F && s.mean[2] == 0.0F);
    cr_assert(s.std[0] == 2.0F && s.std[1] == 4.0F && s.std[2] == 8.0F);
    cr_assert_eq(s.layout, STEPS_LAYOUT_NHWC);
    cr_assert(s.softmax && s.top == 5);
}

Test(steps, have_defaults)
{
    struct steps s = parse("decode:grey resize:8x6 model");
    cr_assert(s.decodes && s.channels == 1 && s.pixels_max == 32000000);
    cr_assert(s.width == 8 && s.height == 6 && s.short_side == 0);
    cr_assert(!s.normalizes && s.scale == 1.0F && s.mean[0] == 0.0F);
    cr_assert_eq(s.std[0], 1.0F);
    cr_assert_eq(s.layout, STEPS_LAYOUT_OF_MODEL);
    cr_assert(!s.softmax && s.top == 0);
    s = parse("model topk:3");
    cr_assert(!s.decodes && s.top == 3);
    s = parse("decode resize:2x2 normalize:mean=7 model");
    cr_assert(s.channels == 3 && s.mean[0] == 7.0F && s.mean[2] == 7.0F);
}

static void
expect_mistake(const char *text, const char *words)
{
    struct steps s;
    struct fault fault = {.text = ""};
    cr_assert_eq(steps_parse(text, &s, &fault), STATUS_INVALID, "%s", text);
    cr_assert_eq(strncmp(fault.text, "steps: ", 7), 0, "%s", fault.text);
    cr_assert_not_null(strstr(fault.text, words), "%s: %s", text, fault.text);
}

Test(steps, tell_each_mistake_by_step_and_expectation)
{
    expect_mistake("", "'model' is missing");
    expect_mistake("decode resize:8x8", "'model' is missing");
    expect_mistake("blur:3 model", "no step 'blur:3'");
    expect_mistake("decode:cmyk resize:8x8 model", "decode:rgb or decode:grey");
    expect_mistake("decode:megapixels=0 resize:8x8 model", "'decode:megapixels=0'");
    expect_mistake("decode resize:8 model", "expected resize:WIDTHxHEIGHT");
    expect_mistake("decode resize:0x8 model", "expected resize:WIDTHxHEIGHT");
    expect_mistake("decode resize:9000x8 model", "expected resize:WIDTHxHEIGHT");
    expect_mistake("decode resize:8x8x8 model", "expected resize:WIDTHxHEIGHT");
    expect_mistake("decode resize:99999999999999x8 model", "expected resize:");
    expect_mistake("decode resize:short= model", "expected resize:");
    expect_mistake("decode resize:8x8 resize:4x4 model", "'resize:4x4' comes too late");
    expect_mistake("resize:8x8 decode model", "'decode' comes too late");
    expect_mistake("decode model", "'decode' without 'resize'");
    expect_mistake("resize:8x8 model", "'resize' without 'decode'");
    expect_mistake("decode resize:short=8 model", "add crop:WIDTHxHEIGHT");
    expect_mistake("decode resize:short=8 crop:8x9 model", "crop:8x9 is larger");
    expect_mistake("decode resize:8x8 crop:9x8 model", "which may be 8x8");
    expect_mistake("crop:8x8 model", "'crop' is for images");
    expect_mistake("layout:nchw model", "'layout' is for images");
    expect_mistake("normalize:scale=2 model", "behind decode");
    expect_mistake("decode resize:8x8 normalize model", "normalize:scale=1/255");
    expect_mistake("decode resize:8x8 normalize:std=0 model", "S not 0");
    expect_mistake("decode resize:8x8 normalize:mean=1,2 model", "one per channel");
    expect_mistake("decode resize:8x8 normalize:mean=1,2,3,4 model", "one per channel");
    expect_mistake("decode resize:8x8 normalize:mean=nan model", "one number");
    expect_mistake("decode resize:8x8 normalize:scale=1/0 model", "scale=1/255");
    expect_mistake("decode resize:8x8 normalize:scale=0x model", "scale=1/255");
    expect_mistake("decode resize:8x8 layout:chw model", "layout:nchw or layout:nhwc");
    expect_mistake("model:digits", "model, which has no arguments");
    expect_mistake("model softmax:2", "softmax, which has no arguments");
    expect_mistake("model topk", "expected topk:K");
    expect_mistake("model topk:0", "expected topk:K");
    expect_mistake("softmax model", "'model' comes too late");
}

static void
expect_frame(const char *text, uint32_t width, uint32_t height, struct image_frame want)
{
    struct steps s = parse(text);
    struct image_frame f = steps_frame(&s, width, height);
    cr_assert_eq(memcmp(&f, &want, sizeof f), 0, "%ux%u+%u+%u of %ux%u", f.window_width,
                 f.window_height, f.x, f.y, f.width, f.height);
}

/* As torchvision's Resize(int) and CenterCrop: the longer side rounded down, the corner
 * to the even one. */
Test(steps, keep_the_shape_of_an_image_and_cut_out_its_middle)
{
    static const char text[] = "decode resize:short=256 crop:224x224 model";
    expect_frame(text, 640, 480, (struct image_frame){341, 256, 58, 16, 224, 224});
    expect_frame(text, 480, 641, (struct image_frame){256, 341, 16, 58, 224, 224});
    expect_frame(text, 256, 256, (struct image_frame){256, 256, 16, 16, 224, 224});
    expect_frame(text, 3, 2, (struct image_frame){384, 256, 80, 16, 224, 224});
    expect_frame("decode resize:9x8 crop:4x8 model", 1000, 1,
                 (struct image_frame){9, 8, 2, 0, 4, 8});
    expect_frame(text, 65535, 1,
                 (struct image_frame){65535 * 256, 256, 8388368, 16, 224, 224});
}

Test(half, is_turned_to_float_and_back_for_every_value)
{
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        float value = half_to_float((uint16_t)i);
        if (isnan(value)) {
            cr_assert(isnan(half_to_float(half_from_float(value))));
        } else {
            cr_assert_eq(half_from_float(value), i, "%x", i);
        }
    }
}

Test(half, rounds_to_the_nearest_and_of_two_to_the_even)
{
    for (uint32_t i = 0; i < 0x7bff; i++) { /* all positive ones but the greatest */
        float low = half_to_float((uint16_t)i);
        float high = half_to_float((uint16_t)(i + 1));
        float middle = low + (high - low) / 2.0F;
        uint32_t even = i % 2 == 0 ? i : i + 1;
        cr_assert_eq(half_from_float(middle), even, "%x", i);
        cr_assert_eq(half_from_float(nextafterf(middle, 0.0F)), i, "%x", i);
        cr_assert_eq(half_from_float(nextafterf(middle, high)), i + 1, "%x", i);
    }
    cr_assert_eq(half_from_float(65519.9F), 0x7bff);
    cr_assert_eq(half_from_float(65520.0F), 0x7c00);
    cr_assert_eq(half_from_float(-INFINITY), 0xfc00);
}
