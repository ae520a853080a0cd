/* SPDX-License-Identifier: Apache-2.0 */
/* The room's options, the names of the topics, and the check of a configuration. */
#include "bus/config.h"

#include "bus/client.h"

#include <stdio.h>
#include <string.h>

const struct option bus_options[] = {
    {
        .name = "kafka.bootstrap.servers",
        .kind = OPTION_TEXT,
        .offset = offsetof(struct bus_config, bootstrap_servers),
        .fallback = "127.0.0.1:9092",
        .help = "Brokers to connect to first, host:port separated by commas.",
    },
    {
        .name = "kafka.client.id",
        .kind = OPTION_TEXT,
        .offset = offsetof(struct bus_config, client_id),
        .fallback = "leat",
        .help = "Name under which the brokers log and limit this process.",
    },
    {
        .name = "topics.prefix",
        .kind = OPTION_TEXT,
        .offset = offsetof(struct bus_config, topics_prefix),
        .fallback = "leat.",
        .help = "What the names of all of Leat's topics begin with.",
    },
};
const size_t bus_option_count = sizeof(bus_options) / sizeof(bus_options[0]);

static bool
is_topic_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

enum status
bus_topic_name(const struct bus_config *config,
               const char *suffix,
               struct span model,
               char name[static TOPIC_NAME_MAX + 1])
{
    const char *prefix = config->topics_prefix == NULL ? "" : config->topics_prefix;
    if (model.size > TOPIC_NAME_MAX) {
        return STATUS_INVALID;
    }
    int size =
        snprintf(name, TOPIC_NAME_MAX + 1, "%s%s%.*s", prefix, suffix, (int)model.size,
                 model.size == 0 ? "" : (const char *)model.data);
    /* A NUL inside the model's name would end the text early. */
    size_t whole = strlen(prefix) + strlen(suffix) + model.size;
    if (size <= 0 || (size_t)size != whole || whole > TOPIC_NAME_MAX) {
        return STATUS_INVALID;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!is_topic_byte(*c)) {
            return STATUS_INVALID;
        }
    }
    bool is_dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    return is_dots ? STATUS_INVALID : STATUS_OK;
}

enum status
bus_check(const struct bus_config *config, struct fault *fault)
{
    if (config->bootstrap_servers == NULL) {
        return fault_set(fault, STATUS_INVALID, "kafka.bootstrap.servers is empty");
    }
    static const enum client_role ROLES[] = {CLIENT_PRODUCER, CLIENT_CONSUMER};
    for (size_t i = 0; i < sizeof(ROLES) / sizeof(ROLES[0]); i++) {
        rd_kafka_conf_t *settings = NULL;
        enum status status =
            client_settings(&settings, config, ROLES[i], NULL, 0, fault);
        if (status != STATUS_OK) {
            return status;
        }
        rd_kafka_conf_destroy(settings);
    }
    return STATUS_OK;
}

const char *
bus_library_version(void)
{
    return rd_kafka_version_str();
}
