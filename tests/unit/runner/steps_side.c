/* SPDX-License-Identifier: Apache-2.0 */
/* Models with steps, run on images. */
#include "steps_side.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

enum { IMAGE_BYTES = 64 * 1024, SLOT = 1024 * 1024 };

void
texts_clear(struct texts *t)
{
    t->size = 0;
    t->count = 0;
}

void
texts_add(struct texts *t, const void *data, size_t size)
{
    uint32_t length = (uint32_t)size;
    cr_assert_leq(t->size + size + 4, sizeof t->bytes);
    memcpy(t->bytes + t->size, &length, 4);
    memcpy(t->bytes + t->size + 4, data, size);
    t->size += size + 4;
    t->count++;
}

size_t
steps_read_file(const char *path, void *to, size_t most)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(to, 1, most, file);
    fclose(file);
    return size;
}

void
texts_add_file(struct texts *t, const char *name)
{
    static uint8_t bytes[IMAGE_BYTES];
    char path[512];
    snprintf(path, sizeof path, STEPS_IMAGES "%s", name);
    texts_add(t, bytes, steps_read_file(path, bytes, sizeof bytes));
}

void
steps_send_load(struct parent *p, struct loaded *l, const char *lines)
{
    parent_start(p);
    parent_load(p, l, 0, SLOT, lines);
}

void
steps_start(struct parent *p, struct loaded *l, const char *lines)
{
    steps_send_load(p, l, lines);
    cr_assert(parent_expect(p, "loaded"), "%s", p->message);
}

void
steps_stop(struct parent *p, struct loaded *l)
{
    loaded_close(l);
    parent_stop(p);
}

void
steps_run_images(struct loaded *l, struct slot_head *slot, const struct texts *images)
{
    int64_t shape[] = {images->count, 1};
    slot_begin(slot, images->count);
    slot_add(slot, "image", DATATYPE_BYTES, shape, 2, images->bytes, images->size);
    cr_assert(loaded_run(l, slot));
    cr_assert_eq(slot->outcome, SLOT_SUCCEEDED, "%s", slot->error);
}

const void *
steps_output(struct slot_head *slot, uint32_t index, const char *name)
{
    cr_assert_lt(index, slot->output_count);
    cr_assert_str_eq(slot->outputs[index].name, name);
    return slot_bytes_at(slot, slot->outputs[index].offset);
}
