/* SPDX-License-Identifier: Apache-2.0 */
/* Probes are questions of an asker. */
#include "bus/prober.h"

#include "bus/asker.h"
#include "bus/client.h"

#include <stdlib.h>

enum { PROBES_MAX = 64, ANSWER_WAIT_MS = 300 };

struct prober {
    struct asker *asker;
    probe_fn fn;
    void *context;
};

static void
probe_run(void *context, void *question)
{
    (void)context;
    struct probe *probe = question;
    probe->answered = true;
    probe->partitions = 0;
    for (int i = 0; i < LANE_COUNT && probe->rk[i] != NULL; i++) {
        enum status status = client_ask_partitions(probe->rk[i], probe->topic[i],
                                                   ANSWER_WAIT_MS, &probe->partitions);
        if (status != STATUS_OK) {
            probe->answered = false;
            return;
        }
    }
}

static void
probe_done(void *context, void *question)
{
    struct prober *p = context;
    p->fn(p->context, question);
}

enum status
prober_create(struct prober **out, struct loop *loop, probe_fn fn, void *context)
{
    struct prober *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return STATUS_NO_MEMORY;
    }
    p->fn = fn;
    p->context = context;
    const struct asker_config config = {
        .limit = PROBES_MAX, .work = probe_run, .done = probe_done, .context = p};
    enum status status = asker_create(&p->asker, loop, &config);
    if (status != STATUS_OK) {
        free(p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void
prober_destroy(struct prober **prober)
{
    if (*prober == NULL) {
        return;
    }
    asker_destroy(&(*prober)->asker);
    free(*prober);
    *prober = NULL;
}

enum status
prober_ask(struct prober *prober, struct probe *probe)
{
    return asker_ask(prober->asker, probe);
}
