/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/catalogue.h"

#include "base/buf.h"
#include "schemas/codec.h"

#include <criterion/criterion.h>

#include <stdio.h>

#define SECOND_US 1000000LL

static struct catalogue *catalogue;

static void
setup(void)
{
    cr_assert_eq(catalogue_create(&catalogue), STATUS_OK);
}

static void
teardown(void)
{
    catalogue_destroy(&catalogue);
}

TestSuite(catalogue, .init = setup, .fini = teardown);

static int64_t obeyed_us; /* what the next records say */
static struct span label; /* likewise */

static void
publish(const char *model,
        const char *version,
        const char *instance,
        enum model_state state,
        int64_t at_us)
{
    const struct model_info info = {
        .model = span_of_text(model),
        .version = span_of_text(version),
        .instance = span_of_text(instance),
        .state = state,
        .platform = span_of_text("sim"),
        .max_batch_size = 8,
        .published_us = at_us,
        .obeyed_us = obeyed_us,
        .labels = &label,
        .label_count = label.size > 0 ? 1 : 0,
    };
    struct buf b;
    buf_init(&b, 4096);
    model_info_encode(&info, &b);
    char key[128];
    snprintf(key, sizeof(key), "%s/%s@%s", model, version, instance);
    struct catalogue_model *of = NULL;
    struct fault fault = {.text = ""};
    cr_assert_eq(
        catalogue_apply(catalogue, span_of_text(key), buf_span(&b), 0, &of, &fault),
        STATUS_OK, "%s", fault.text);
    cr_assert(span_is_text(of->name, model));
    buf_fini(&b);
}

static void
withdraw(const char *key)
{
    struct catalogue_model *of = NULL;
    cr_assert_eq(
        catalogue_apply(catalogue, span_of_text(key), (struct span){0}, 0, &of, NULL),
        STATUS_OK);
}

static bool
is_ready(const char *model, const char *version, int64_t now_us)
{
    bool ready = false;
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text(model));
    cr_assert_not_null(m);
    cr_assert_not_null(catalogue_version(m, span_of_text(version), now_us, &ready));
    return ready;
}

static bool
chosen_is(const char *version, int64_t now_us)
{
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    const struct model_info *info =
        catalogue_version(m, (struct span){0}, now_us, NULL);
    return span_is_text(info->version, version);
}

Test(catalogue, knows_a_model_from_its_first_record_on)
{
    cr_assert_null(catalogue_find(catalogue, span_of_text("m")));
    publish("m", "1", "a", MODEL_LOADING, SECOND_US);
    cr_assert_not_null(catalogue_find(catalogue, span_of_text("m")));
    cr_assert_not(is_ready("m", "1", SECOND_US));
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    cr_assert(is_ready("m", "1", SECOND_US));
    cr_assert_eq(catalogue_find(catalogue, span_of_text("m"))->entry_count, 1);
}

Test(catalogue, keeps_a_model_known_that_nobody_was_heard_serving_for_15_seconds)
{
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    cr_assert(is_ready("m", "1", 16 * SECOND_US));
    cr_assert_not(is_ready("m", "1", 16 * SECOND_US + 1));
}

Test(catalogue, is_ready_while_one_of_several_instances_is)
{
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    publish("m", "1", "b", MODEL_FAILED, SECOND_US);
    cr_assert(is_ready("m", "1", SECOND_US));
    withdraw("m/1@a");
    cr_assert_not(is_ready("m", "1", SECOND_US));
    withdraw("m/1@b");
    cr_assert_null(catalogue_find(catalogue, span_of_text("m")));
}

Test(catalogue, forgets_nothing_for_a_tombstone_of_another)
{
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    withdraw("m/1@z");
    withdraw("");
    cr_assert_not_null(catalogue_find(catalogue, span_of_text("m")));
}

Test(catalogue, chooses_the_newest_version_that_is_ready)
{
    publish("m", "9", "a", MODEL_READY, SECOND_US);
    publish("m", "10", "a", MODEL_READY, SECOND_US);
    publish("m", "11", "a", MODEL_FAILED, SECOND_US);
    cr_assert(chosen_is("10", SECOND_US));
    cr_assert(chosen_is("11", 100 * SECOND_US), "none is ready: the newest");
    withdraw("m/10@a");
    cr_assert(chosen_is("9", SECOND_US));
}

Test(catalogue, finds_a_version_by_its_label)
{
    publish("m", "3", "a", MODEL_READY, 0);
    label = span_of_text("stable");
    publish("m", "2", "a", MODEL_READY, 0);
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    const struct model_info *info = catalogue_version(m, label, 0, NULL);
    cr_assert_not_null(info);
    cr_assert(span_is_text(info->version, "2"));
    cr_assert_null(catalogue_version(m, span_of_text("stabl"), 0, NULL));
    label = span_of(NULL, 0);
    publish("m", "2", "a", MODEL_READY, 0);
    cr_assert_null(
        catalogue_version(m, span_of_text("stable"), 5 * SECOND_US + 1, NULL));
}

static bool
leads_to(const char *name, const char *version, int64_t now_us)
{
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    const struct model_info *info =
        catalogue_version(m, span_of_text(name), now_us, NULL);
    return version == NULL ? info == NULL
                           : info != NULL && span_is_text(info->version, version);
}

Test(catalogue, knows_a_label_all_the_while_that_it_moves_to_an_older_version)
{
    publish("m", "1", "a", MODEL_READY, 0);
    label = span_of_text("stable");
    publish("m", "2", "a", MODEL_READY, 0);
    label = span_of(NULL, 0);
    publish("m", "2", "a", MODEL_READY, SECOND_US);
    cr_assert(leads_to("stable", "2", SECOND_US), "until it is known where it went");
    publish("m", "2", "a", MODEL_READY, 2 * SECOND_US);
    cr_assert(leads_to("stable", "2", 2 * SECOND_US), "said once more without it");
    label = span_of_text("stable");
    publish("m", "1", "a", MODEL_READY, 2 * SECOND_US);
    cr_assert(leads_to("stable", "1", 2 * SECOND_US));
}

Test(catalogue, forgets_a_label_that_nobody_says_any_more)
{
    struct oip_label labels[2];
    label = span_of_text("stable");
    publish("m", "1", "a", MODEL_READY, 0);
    label = span_of_text("canary");
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    label = span_of(NULL, 0);
    publish("m", "1", "a", MODEL_READY, 2 * SECOND_US);
    publish("m", "1", "a", MODEL_READY, 6 * SECOND_US + 1);
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    cr_assert_eq(catalogue_labels(m, 6 * SECOND_US, labels, 2), 0, "none is shown");
    cr_assert(leads_to("stable", NULL, 6 * SECOND_US + 1));
    cr_assert(leads_to("canary", "1", 7 * SECOND_US));
    cr_assert(leads_to("canary", NULL, 7 * SECOND_US + 1));
    cr_assert(leads_to("other", NULL, 0));
}

Test(catalogue, lists_labels_once_and_by_name_with_the_newest_version_of_each)
{
    struct oip_label labels[2];
    publish("m", "1", "a", MODEL_READY, 0);
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    cr_assert_eq(catalogue_labels(m, 0, labels, 2), 0);
    label = span_of_text("stable");
    publish("m", "2", "a", MODEL_READY, 0);
    publish("m", "3", "b", MODEL_READY, 0);
    label = span_of_text("canary");
    publish("m", "4", "a", MODEL_READY, 0);
    cr_assert_eq(catalogue_labels(m, 0, labels, 2), 2);
    cr_assert(span_is_text(labels[0].name, "canary"));
    cr_assert(span_is_text(labels[0].version, "4"));
    cr_assert(span_is_text(labels[1].name, "stable"));
    cr_assert(span_is_text(labels[1].version, "3"));
    cr_assert_eq(catalogue_labels(m, 0, labels, 1), 1);
}

Test(catalogue, lists_versions_once_and_in_order)
{
    publish("m", "10", "a", MODEL_READY, SECOND_US);
    publish("m", "9", "a", MODEL_READY, SECOND_US);
    publish("m", "10", "b", MODEL_READY, SECOND_US);
    publish("m", "2", "b", MODEL_READY, SECOND_US);
    struct span versions[4];
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    cr_assert_eq(catalogue_versions(m, versions, 4), 3);
    cr_assert(span_is_text(versions[0], "2"));
    cr_assert(span_is_text(versions[1], "9"));
    cr_assert(span_is_text(versions[2], "10"));
    cr_assert_eq(catalogue_versions(m, versions, 2), 2);
}

Test(catalogue, has_no_version_that_nobody_published)
{
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    cr_assert_null(catalogue_version(m, span_of_text("2"), 0, NULL));
}

Test(catalogue, keeps_its_old_state_when_a_record_does_not_decode)
{
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    struct catalogue_model *of = NULL;
    struct fault fault = {.text = ""};
    cr_assert_neq(catalogue_apply(catalogue, span_of_text("m/1@a"),
                                  span_of_text("\xc3\x01rubbish"), 0, &of, &fault),
                  STATUS_OK);
    cr_assert_str_neq(fault.text, "");
    cr_assert(is_ready("m", "1", SECOND_US));
}

Test(catalogue, gives_models_numbers_that_stay)
{
    publish("m", "1", "a", MODEL_READY, SECOND_US);
    publish("n", "1", "a", MODEL_READY, SECOND_US);
    withdraw("m/1@a");
    publish("m", "1", "b", MODEL_READY, SECOND_US);
    cr_assert_eq(catalogue_find(catalogue, span_of_text("m"))->number, 0);
    cr_assert_eq(catalogue_find(catalogue, span_of_text("n"))->number, 1);
    cr_assert_eq(catalogue_count(catalogue), 2);
}

Test(catalogue, forgets_instances_that_fell_silent_when_another_is_heard)
{
    for (int i = 0; i < 5000; i++) {
        char instance[32];
        snprintf(instance, sizeof(instance), "host-%d", i);
        publish("m", "1", instance, MODEL_READY, i * 61 * SECOND_US);
    }
    int64_t now_us = 4999 * 61 * SECOND_US;
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    cr_assert_eq(m->entry_count, 1);
    publish("m", "1", "beside", MODEL_READY, now_us);
    publish("m", "1", "loading", MODEL_LOADING, now_us);
    cr_assert_eq(catalogue_serving(m, now_us), 2);
}

Test(catalogue, takes_what_is_loaded_on_demand_for_ready)
{
    publish("m", "1", "a", MODEL_UNLOADED, SECOND_US);
    cr_assert(is_ready("m", "1", SECOND_US));
    cr_assert_not(is_ready("m", "1", 17 * (int64_t)SECOND_US));
    publish("m", "1", "a", MODEL_UNAVAILABLE, SECOND_US);
    cr_assert_not(is_ready("m", "1", SECOND_US));
}

Test(catalogue, knows_an_order_for_obeyed_when_every_instance_heard_of_says_so)
{
    const struct model_info *failed = NULL;
    publish("m", "1", "a", MODEL_READY, 20 * (int64_t)SECOND_US);
    publish("m", "1", "gone", MODEL_READY, SECOND_US);
    const struct catalogue_model *m = catalogue_find(catalogue, span_of_text("m"));
    int64_t now_us = 20 * (int64_t)SECOND_US;
    cr_assert_not(catalogue_obeyed(m, 7, now_us, &failed));
    obeyed_us = 7;
    publish("m", "1", "a", MODEL_READY, now_us);
    cr_assert(catalogue_obeyed(m, 7, now_us, &failed));
    cr_assert_null(failed);
    cr_assert_not(catalogue_obeyed(m, 8, now_us, &failed));
    publish("m", "2", "b", MODEL_FAILED, now_us);
    cr_assert(catalogue_obeyed(m, 7, now_us, &failed));
    cr_assert(span_is_text(failed->instance, "b"));
    cr_assert_not(catalogue_obeyed(m, 7, 100 * (int64_t)SECOND_US, &failed));
}
