/* SPDX-License-Identifier: Apache-2.0 */
/* Layers guessed from the names in a safetensors file. */
#include "cli/layer_names.h"

#include <criterion/criterion.h>

#include <stdio.h>

static void
expect(const char *header, const char *wanted)
{
    struct buf out;
    buf_init(&out, 256);
    layer_names_write(span_of_text(header), &out);
    cr_assert(span_is_text(buf_span(&out), wanted), "%s: %.*s", header, (int)out.size,
              (const char *)out.data);
    buf_fini(&out);
}

Test(layer_names, are_those_that_have_weight_and_bias)
{
    expect("{\"fc1.bias\":{\"dtype\":\"F32\"},\"fc1.weight\":{},\"fc2.bias\":{},"
           "\"fc2.weight\":{}}",
           "fc1 relu,fc2 none");
    expect("{\"a.weight\":{},\"b.weight\":{},\"b.bias\":{}}", "b none");
    expect("{\"net.0.weight\":{},\"net.0.bias\":{}}", "net.0 none");
}

Test(layer_names, are_none_where_nothing_is_understood)
{
    expect("", "");
    expect("{}", "");
    expect("{\"weight\":{},\".weight\":{},\".bias\":{}}", "");
    expect("{\"a b.weight\":{},\"a b.bias\":{}}", "");
    expect("{\"a,b.weight\":{},\"a,b.bias\":{}}", "");
    expect("x.weight\":x.bias\":", "");
}

Test(layer_names, are_read_from_a_file)
{
    struct buf out;
    buf_init(&out, 256);
    layer_names_read("/nowhere/at/all", &out);
    layer_names_read("/dev/null", &out);
    cr_assert_eq(out.size, 0);
    layer_names_read(LEAT_SOURCE_DIR "/models/digits/1/model.safetensors", &out);
    cr_assert(span_is_text(buf_span(&out), "fc1 relu,fc2 none"), "%.*s", (int)out.size,
              (const char *)out.data);
    buf_fini(&out);
}
