/* SPDX-License-Identifier: Apache-2.0 */
/* The dense platform in a runner: top.k beside all values, and devices it cannot have.
 */
#include "parent.h"

#include <criterion/criterion.h>

#include <string.h>

#define DIGITS                                                                         \
    "platform=dense\nmax_batch_size=4\ndir=" LEAT_SOURCE_DIR "/models/digits/1\n"      \
    "property.layers=fc1 relu,fc2 softmax\n"

enum { SLOT_BYTES = 65536 };

static void
load(struct parent *p, struct loaded *l, const char *lines, const char *answer)
{
    parent_start(p);
    parent_load(p, l, 1, SLOT_BYTES, lines);
    cr_assert(parent_expect(p, answer), "%s", p->message);
}

static void
finish(struct parent *p, struct loaded *l)
{
    parent_stop(p);
    loaded_close(l);
}

Test(dense_model, tells_classes_and_scores_with_top_k)
{
    struct parent p;
    struct loaded l;
    load(&p, &l, DIGITS "property.top.k=3\n", "loaded");
    cr_assert(parent_said(&p, "output=classes INT32 -1,3"), "%s", p.message);
    cr_assert(parent_said(&p, "output=scores FP32 -1,3"), "%s", p.message);
    finish(&p, &l);
}

Test(dense_model, refuses_more_of_the_softmax_than_it_has)
{
    struct parent p;
    struct loaded l;
    load(&p, &l, DIGITS "property.top.k=11\n", "failed");
    cr_assert(strstr(p.message, "top.k=11: the last layer must be a softmax over at "
                                "least that many values") != NULL,
              "%s", p.message);
    finish(&p, &l);
}

Test(dense_model, refuses_top_k_without_a_softmax)
{
    struct parent p;
    struct loaded l;
    load(&p, &l,
         "platform=dense\nmax_batch_size=4\ndir=" LEAT_SOURCE_DIR "/models/digits/1\n"
         "property.layers=fc1 relu,fc2 none\nproperty.top.k=3\n",
         "failed");
    cr_assert(strstr(p.message, "top.k=3") != NULL, "%s", p.message);
    finish(&p, &l);
}

Test(dense_model, refuses_outputs_that_are_not_those_of_top_k)
{
    struct parent p;
    struct loaded l;
    load(&p, &l, DIGITS "property.top.k=3\nproperty.output.0=y FP32 -1,10\n", "failed");
    cr_assert(strstr(p.message, "classes INT32 and scores FP32") != NULL, "%s",
              p.message);
    finish(&p, &l);
}

Test(dense_model, says_why_a_gpu_cannot_be_had)
{
    struct parent p;
    struct loaded l;
    load(&p, &l, DIGITS "device=cuda:255\n", "failed");
    cr_assert(strstr(p.message, "NVIDIA driver") != NULL ||
                  strstr(p.message, "built without CUDA") != NULL,
              "%s", p.message);
    finish(&p, &l);
}

Test(dense_model, refuses_a_device_of_another_kind)
{
    struct parent p;
    struct loaded l;
    load(&p, &l, DIGITS "device=tpu\n", "failed");
    cr_assert(strstr(p.message, "dense runs on cpu, cpu:N, cuda or cuda:N") != NULL,
              "%s", p.message);
    finish(&p, &l);
}
