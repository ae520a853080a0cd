/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs is looked at on every turn, so nothing is kept of it but a mark: since when
 * each instance is at its batch, in one number. Only when the mark is another one are
 * ids gathered.
 */
#include "batcher/model_running.h"

#include "base/clock.h"
#include "batcher/model_state.h"

#define LONG_NS       (500 * NS_PER_MS)
#define TELL_LEAST_NS (500 * NS_PER_MS) /* between two records */
#define TELL_MOST_NS  (5 * NS_PER_S)
#define RETRY_NS      (50 * NS_PER_MS)

static bool
runs_long(const struct instance *in, int64_t now_ns)
{
    return in->under_way > 0 && now_ns - in->busy_since_ns >= LONG_NS;
}

/** @param[out] due_ns when the next instance will have been at its batch for long */
static uint64_t
version_mark(const struct version *v, int64_t now_ns, uint64_t mark, int64_t *due_ns)
{
    enum { FACTOR = 1000003 };
    for (unsigned i = 0; v->open && i < v->dispatcher.config.instances; i++) {
        const struct instance *in = &v->dispatcher.instances[i];
        if (runs_long(in, now_ns)) {
            mark = (mark * FACTOR + (uint64_t)in->busy_since_ns) | 1;
        } else if (in->under_way > 0 && in->busy_since_ns + LONG_NS < *due_ns) {
            *due_ns = in->busy_since_ns + LONG_NS;
        }
    }
    return mark;
}

/** The batch whose turn it is in an instance that has some. */
static const struct batch *
batch_at_work(const struct instance *in)
{
    const struct batch *first = NULL;
    for (unsigned s = 0; s < SLOTS_PER_INSTANCE; s++) {
        const struct batch *b = in->batches[s];
        bool handed = b != NULL && b->submitted_ns != 0;
        if (handed && (first == NULL || b->submitted_ns < first->submitted_ns)) {
            first = b;
        }
    }
    return first;
}

static size_t
version_ids(const struct version *v, int64_t now_ns, struct uuid *ids, size_t count)
{
    for (unsigned i = 0; v->open && i < v->dispatcher.config.instances; i++) {
        const struct instance *in = &v->dispatcher.instances[i];
        const struct batch *b = runs_long(in, now_ns) ? batch_at_work(in) : NULL;
        const struct item *it = b == NULL ? NULL : b->first;
        for (; it != NULL && count < RUNNING_IDS_MAX; it = it->next) {
            ids[count++] = it->request.id;
        }
    }
    return count;
}

static bool
tell(const struct model *m, struct announcer *a, int64_t now_ns)
{
    struct uuid ids[RUNNING_IDS_MAX];
    size_t count = 0;
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        count = version_ids(v, now_ns, ids, count);
    }
    const struct running running = {
        .model = span_of_text(m->name), .ids = ids, .id_count = count};
    return announcer_say_running(a, &running);
}

int64_t
model_tell_running(struct model *m, struct announcer *a, int64_t now_ns)
{
    int64_t due_ns = TIME_NEVER;
    uint64_t mark = 0;
    for (const struct version *v = m->versions; v != NULL; v = v->next) {
        mark = version_mark(v, now_ns, mark, &due_ns);
    }
    if (mark == 0 && m->running_mark == 0) {
        return due_ns;
    }
    int64_t pause_ns = mark == m->running_mark ? TELL_MOST_NS : TELL_LEAST_NS;
    int64_t tell_ns = m->running_told_ns + pause_ns;
    if (now_ns >= tell_ns) {
        bool told = tell(m, a, now_ns);
        m->running_mark = told ? mark : m->running_mark;
        m->running_told_ns = told ? now_ns : m->running_told_ns;
        tell_ns = told ? now_ns + TELL_MOST_NS : now_ns + RETRY_NS;
    }
    return tell_ns < due_ns ? tell_ns : due_ns;
}

bool
model_tells_none(const struct model *m)
{
    return m->running_mark == 0;
}
