/* SPDX-License-Identifier: Apache-2.0 */
/* A model.properties that anybody may have written. */
#include "batcher/model_keys.h"
#include "batcher/properties_text.h"
#include "batcher/repository_model.h"

#include <assert.h>
#include <string.h>

static void
check_mistake(const struct mistake *m)
{
    struct buf text;
    assert(m->text[0] != '\0');
    buf_init(&text, (size_t)1 << 20);
    mistake_format(m, &text);
    assert(text.status == STATUS_OK && text.size > strlen(m->file));
    buf_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct repository_model m = {.device = "cpu", .instances = 1};
    arena_init(&m.arena, (size_t)1 << 20);
    batching_init(&m.batching);
    version_policy_init(&m.policy);
    repository_model_parse(&m, span_of(data, size), "model.properties");
    for (size_t i = 0; i < m.mistakes.count; i++) {
        check_mistake(&m.mistakes.items[i]);
    }
    size_t wrong = mistakes_of_kind(&m.mistakes, MISTAKE_ERROR);
    assert(wrong > 0 || m.platform != NULL);
    assert(m.instances >= 1 && m.instances <= MODEL_INSTANCES_MAX);
    assert(m.max_batch_size <= 4096 && m.properties.count <= PROPERTY_LINES_MAX);
    for (size_t i = 0; i < m.properties.count; i++) {
        const struct property *p = &m.properties.items[i];
        assert(p->key[0] != '\0' && strchr(p->key, '\n') == NULL);
        assert(strchr(p->value, '\n') == NULL);
    }
    for (size_t i = 0; i < m.labels.count; i++) {
        assert(version_label_is_name(m.labels.items[i].name));
        assert(m.labels.items[i].number != 0 && m.labels.items[i].line != 0);
    }
    size_t buckets = m.batching.bucket_count;
    assert(wrong > 0 || buckets == 0 ||
           m.batching.buckets[buckets - 1] == m.max_batch_size);
    arena_fini(&m.arena);
    return 0;
}
