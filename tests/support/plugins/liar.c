/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plug-in that tells tensors that cannot be, or ends its load in a way that is none:
 * which is said by the property `lie`. Without one it is a good model with two stages,
 * which doubles x in prepare() and hands it to run().
 */
#include <leat/plugin.h>
#include <stdlib.h>
#include <string.h>

static const struct leat_tensor x = {"x", LEAT_FP32, 2, {-1, 4}};
static const struct leat_tensor y = {"y", LEAT_FP32, 2, {-1, 4}};

static int
tell_many(struct leat_load *load)
{
    struct leat_tensor t = x;
    for (int i = 0; i <= LEAT_TENSORS_MAX; i++) {
        t.name[0] = (char)('A' + i);
        if (load->add_input(load, &t) != LEAT_OK) {
            return LEAT_OK; /* wrongly: the load has failed all the same */
        }
    }
    return LEAT_OK;
}

static int
tell(struct leat_load *load, const char *lie)
{
    struct leat_tensor t = x;
    if (strcmp(lie, "endless name") == 0) {
        memset(t.name, 'n', sizeof t.name);
    } else if (strcmp(lie, "no name") == 0) {
        t.name[0] = '\0';
    } else if (strcmp(lie, "datatype") == 0) {
        t.datatype = 77;
    } else if (strcmp(lie, "rank") == 0) {
        t.rank = 1000000;
    } else if (strcmp(lie, "dimension") == 0) {
        t.shape[1] = -2;
    } else if (strcmp(lie, "no batch") == 0) {
        t.shape[0] = 3;
    } else if (strcmp(lie, "twice") == 0) {
        (void)load->add_input(load, &t);
    }
    return load->add_input(load, &t) == LEAT_OK ? load->add_output(load, &y)
                                                : LEAT_FAILED;
}

static int
liar_load(struct leat_load *load, void **state)
{
    const char *lie = load->property(load, "lie");
    lie = lie == NULL ? "" : lie;
    *state = NULL;
    if (strcmp(lie, "many") == 0) {
        return tell_many(load);
    }
    if (strcmp(lie, "silence") == 0) {
        return LEAT_OK;
    }
    if (strcmp(lie, "reason") == 0) {
        return load->fail(load, "the moon is not full");
    }
    if (strcmp(lie, "no reason") == 0) {
        return LEAT_FAILED;
    }
    if (strcmp(lie, "no memory") == 0) {
        return LEAT_OUT_OF_MEMORY;
    }
    if (strcmp(lie, "no outcome") == 0) {
        return -7;
    }
    return tell(load, lie);
}

static int
liar_prepare(void *state, struct leat_batch *b)
{
    (void)state;
    const struct leat_input *in = &b->inputs[0];
    const float *values = in->data;
    float *doubled = malloc(in->size);
    if (doubled == NULL) {
        return b->fail(b, "no memory");
    }
    if (values[0] < 0) {
        free(doubled);
        return b->fail(b, "liar: nothing negative is prepared");
    }
    for (size_t i = 0; i < in->size / sizeof *values; i++) {
        doubled[i] = values[i] * 2;
    }
    b->prepared = doubled;
    return LEAT_OK;
}

static int
liar_run(void *state, struct leat_batch *b)
{
    (void)state;
    const struct leat_input *in = &b->inputs[0];
    float *out = b->output(b, 0, in->shape, in->size);
    if (out != NULL) {
        memcpy(out, b->prepared, in->size);
    }
    free(b->prepared);
    return LEAT_OK;
}

static const struct leat_plugin liar = {LEAT_PLUGIN_HEAD, liar_load, liar_prepare,
                                        liar_run, NULL};

const struct leat_plugin *
leat_plugin_get(void)
{
    return &liar;
}
