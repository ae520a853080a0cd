/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of the topics: names, partitions, settings, and what cannot be a name. */
#include "cli/topic_plan.h"

#include "base/clock.h"

#include <criterion/criterion.h>

#include <string.h>

static const struct bus_config bus = {.topics_prefix = "p."};
static const struct topic_sizes sizes = {
    .request_partitions = 8,
    .reply_partitions = 4,
    .replication = 3,
    .request_retention_ns = 60 * NS_PER_S,
    .reply_retention_ns = 120 * NS_PER_S,
    .message_bytes_max = 1000,
};

static struct arena arena;
static struct topic_plan planned;

static enum status
plan(const char *const *models, size_t model_count, struct fault *fault)
{
    arena_init(&arena, 1 << 20);
    return topic_plan(&bus, &sizes, models, model_count, &arena, &planned, fault);
}

static const struct topic_spec *
find(const char *name)
{
    for (size_t i = 0; i < planned.count; i++) {
        if (strcmp(planned.specs[i].name, name) == 0) {
            return &planned.specs[i];
        }
    }
    cr_assert_fail("%s is not planned", name);
    return NULL;
}

static const char *
setting(const struct topic_spec *spec, const char *key)
{
    for (size_t i = 0; i < spec->config_count; i++) {
        if (strcmp(spec->config[i].key, key) == 0) {
            return spec->config[i].value;
        }
    }
    return "";
}

Test(topic_plan, has_the_five_shared_topics_and_one_per_model)
{
    const char *models[] = {"digits", "sim"};
    cr_assert_eq(plan(models, 2, NULL), STATUS_OK);
    cr_assert_eq(planned.count, 7);
    cr_assert_eq(find("p.requests.digits")->partitions, 8);
    cr_assert_eq(find("p.requests.sim")->partitions, 8);
    cr_assert_eq(find("p.models")->partitions, 1);
    cr_assert_eq(find("p.dead-letters")->partitions, 1);
    cr_assert_eq(find("p.control")->partitions, 1);
    for (size_t i = 0; i < planned.count; i++) {
        cr_assert_eq(planned.specs[i].replication, 3, "%s", planned.specs[i].name);
    }
    arena_fini(&arena);
}

Test(topic_plan, gives_replies_and_webhooks_the_same_partitions)
{
    cr_assert_eq(plan(NULL, 0, NULL), STATUS_OK);
    cr_assert_eq(planned.count, 5);
    cr_assert_eq(find("p.replies")->partitions, 4);
    cr_assert_eq(find("p.webhooks")->partitions, 4);
    arena_fini(&arena);
}

Test(topic_plan, compacts_state_and_keeps_the_rest_for_a_time)
{
    const char *models[] = {"m"};
    cr_assert_eq(plan(models, 1, NULL), STATUS_OK);
    cr_assert_str_eq(setting(find("p.models"), "cleanup.policy"), "compact");
    cr_assert_str_eq(setting(find("p.webhooks"), "cleanup.policy"), "compact,delete");
    cr_assert_str_eq(setting(find("p.webhooks"), "retention.ms"), "604800000");
    cr_assert_str_eq(setting(find("p.requests.m"), "cleanup.policy"), "");
    cr_assert_str_eq(setting(find("p.requests.m"), "retention.ms"), "60000");
    cr_assert_str_eq(setting(find("p.replies"), "retention.ms"), "120000");
    cr_assert_str_eq(setting(find("p.requests.m"), "max.message.bytes"), "1000");
    cr_assert_str_eq(setting(find("p.dead-letters"), "max.message.bytes"), "1000");
    arena_fini(&arena);
}

Test(topic_plan, names_the_model_that_no_topic_can_carry)
{
    const char *models[] = {"fine", "two words"};
    struct fault fault = {.text = ""};
    cr_assert_eq(plan(models, 2, &fault), STATUS_INVALID);
    cr_assert_not_null(strstr(fault.text, "'two words'"), "%s", fault.text);
    arena_fini(&arena);
}

Test(topic_plan, refuses_a_name_that_is_too_long_with_its_prefix)
{
    char name[TOPIC_NAME_MAX + 1];
    memset(name, 'm', sizeof(name));
    name[TOPIC_NAME_MAX - strlen("p.requests.")] = '\0';
    const char *models[] = {name};
    cr_assert_eq(plan(models, 1, NULL), STATUS_OK);
    arena_fini(&arena);
    name[TOPIC_NAME_MAX - strlen("p.requests.")] = 'm';
    name[TOPIC_NAME_MAX - strlen("p.requests.") + 1] = '\0';
    cr_assert_eq(plan(models, 1, NULL), STATUS_INVALID);
    arena_fini(&arena);
}

Test(topic_plan, says_when_there_is_no_memory)
{
    const char *models[] = {"m"};
    arena_init(&arena, 64);
    cr_assert_eq(topic_plan(&bus, &sizes, models, 1, &arena, &planned, NULL),
                 STATUS_NO_MEMORY);
    arena_fini(&arena);
}
