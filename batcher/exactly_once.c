/* SPDX-License-Identifier: Apache-2.0 */
/* The id is <topics.prefix>batcher.<group.instance.id or a fresh UUID>. */
#include "batcher/exactly_once.h"

#include "base/clock.h"
#include "base/uuid.h"

#include <stdio.h>
#include <string.h>

bool
exactly_once_wanted(const struct batcher_config *config)
{
    return config->guarantee != NULL &&
           strcmp(config->guarantee, "exactly_once_v2") == 0;
}

enum status
exactly_once_init(struct exactly_once *e,
                  const struct bus_config *bus,
                  const struct batcher_config *config,
                  struct fault *fault)
{
    if (bus->dev) {
        return fault_set(fault, STATUS_UNSUPPORTED,
                         "processing.guarantee=exactly_once_v2 needs a real Kafka: the "
                         "broker of dev mode knows no transactions");
    }
    struct uuid_source source;
    uuid_source_init(&source);
    struct uuid id = uuid_mint(&source, clock_wall_us());
    char text[UUID_TEXT + 1] = {0};
    uuid_format(&id, text);
    const char *prefix = bus->topics_prefix == NULL ? "" : bus->topics_prefix;
    const char *name = config->group_instance == NULL ? text : config->group_instance;
    int size = snprintf(e->id, sizeof e->id, "%sbatcher.%s", prefix, name);
    if (size < 0 || (size_t)size >= sizeof e->id) {
        return fault_set(fault, STATUS_INVALID, "group.instance.id is too long");
    }
    e->config =
        (struct transaction_config){.id = e->id,
                                    .id_is_ours = config->group_instance == NULL,
                                    .timeout_ns = config->transaction_timeout_ns,
                                    .interval_ns = config->transaction_interval_ns};
    return STATUS_OK;
}
