/* SPDX-License-Identifier: Apache-2.0 */
/* The held-out digits of the demo, and what is read out of an answer. */
#include "cli/digits.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXAMPLES LEAT_SOURCE_DIR "/models/digits/examples"

static int
answer(const char *json)
{
    return digits_answer(span_of_text(json));
}

Test(digits, loads_all_images_with_their_labels)
{
    struct digits d;
    cr_assert_eq(digits_load(&d, EXAMPLES), STATUS_OK);
    cr_assert_eq(d.count, 360);
    for (size_t i = 0; i < d.count; i++) {
        cr_assert_lt(digits_label(&d, i), DIGIT_CLASSES);
        for (unsigned p = 0; p < DIGIT_PIXELS; p++) {
            cr_assert_leq(digits_image(&d, i)[p], 16);
        }
    }
    digits_fini(&d);
}

Test(digits, says_that_a_folder_has_none)
{
    struct digits d;
    cr_assert_eq(digits_load(&d, LEAT_SOURCE_DIR "/models"), STATUS_NOT_FOUND);
    digits_fini(&d);
}

static void
write_file(const char *folder, const char *name, size_t size)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    cr_assert_not_null(f);
    for (size_t i = 0; i < size; i++) {
        fputc(1, f);
    }
    fclose(f);
}

static void
remove_file(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    unlink(path);
}

Test(digits, refuses_images_that_do_not_fit_the_labels)
{
    char folder[] = "/tmp/leat-digits-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    static const size_t labels[] = {0, 1, 3};
    for (size_t i = 0; i < 3; i++) {
        struct digits d;
        write_file(folder, "images.u8", (size_t)2 * DIGIT_PIXELS);
        write_file(folder, "labels.u8", labels[i]);
        cr_assert_eq(digits_load(&d, folder), STATUS_INVALID);
        digits_fini(&d);
    }
    remove_file(folder, "images.u8");
    remove_file(folder, "labels.u8");
    rmdir(folder);
}

Test(digits, writes_the_members_of_a_body)
{
    struct digits d;
    cr_assert_eq(digits_load(&d, EXAMPLES), STATUS_OK);
    struct buf body;
    buf_init(&body, 4096);
    digits_body(&d, 0, &body);
    static const char head[] = "\"inputs\":[{\"name\":\"pixels\",\"shape\":[1,64],"
                               "\"datatype\":\"FP32\",\"data\":[";
    cr_assert_gt(body.size, sizeof(head));
    cr_assert_eq(memcmp(body.data, head, sizeof(head) - 1), 0);
    unsigned commas = 0;
    for (size_t i = sizeof(head) - 1; i < body.size; i++) {
        commas += body.data[i] == ',';
    }
    cr_assert_eq(commas, DIGIT_PIXELS - 1);
    cr_assert_eq(memcmp(body.data + body.size - 3, "]}]", 3), 0);
    buf_fini(&body);
    digits_fini(&d);
}

Test(digits, reads_the_most_probable_class_of_an_answer)
{
    cr_assert_eq(answer("{\"outputs\":[{\"name\":\"p\",\"data\":"
                        "[0,0.1,0,0,0,0,0,0.8,1e-3,0]}]}"),
                 7);
    cr_assert_eq(answer("{\"data\":[0.5,0.5,0,0,0,0,0,0,0,0]}"), 0);
    cr_assert_eq(answer("{\"data\":[-1,-2,-3,-4,-5,-6,-7,-8,-9,-0.5]}"), 9);
}

Test(digits, finds_no_class_where_there_are_not_ten_numbers)
{
    cr_assert_eq(answer(""), -1);
    cr_assert_eq(answer("{\"error\":\"no\"}"), -1);
    cr_assert_eq(answer("{\"data\":[]}"), -1);
    cr_assert_eq(answer("{\"data\":[1,2,3]}"), -1);
    cr_assert_eq(answer("{\"data\":[1,2,3,4,5,6,7,8,9,"), -1);
    cr_assert_eq(answer("{\"data\":[1,2,3,4,5,6,7,8,9,x]"), -1);
    cr_assert_eq(answer("{\"data\":[\"a\",2,3,4,5,6,7,8,9,10]"), -1);
}

Test(digits, draws_eight_rows_and_a_line_of_captions, .init = cr_redirect_stdout)
{
    struct digits d;
    cr_assert_eq(digits_load(&d, EXAMPLES), STATUS_OK);
    const size_t which[] = {0, 1};
    const char *const captions[] = {"left", "right"};
    digits_draw(&d, which, captions, 2);
    fflush(stdout);
    FILE *out = cr_get_redirected_stdout();
    unsigned lines = 0;
    char line[512];
    while (fgets(line, sizeof(line), out) != NULL) {
        lines++;
    }
    cr_assert_eq(lines, DIGIT_SIDE + 1);
    cr_assert_not_null(strstr(line, "left"));
    cr_assert_not_null(strstr(line, "right"));
    digits_fini(&d);
}
