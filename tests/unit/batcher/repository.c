/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and properties, right and wrong. */
#include "batcher/repository.h"

#include <criterion/criterion.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static void
set_up(void)
{
    strcpy(root, "/tmp/leat-repository-XXXXXX");
    cr_assert_not_null(mkdtemp(root));
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static void
tear_down(void)
{
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(repository, .init = set_up, .fini = tear_down);

static void
folder(const char *path)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    cr_assert_eq(mkdir(full, 0700), 0, "%s", full);
}

static void
model(const char *name, const char *properties)
{
    char full[256];
    folder(name);
    snprintf(full, sizeof full, "%s/%s/model.properties", root, name);
    FILE *file = fopen(full, "we");
    cr_assert_not_null(file);
    fputs(properties, file);
    fclose(file);
}

static struct repository
open_all(void)
{
    struct repository r;
    struct fault fault = {.text = ""};
    cr_assert_eq(repository_open(&r, root, "*", &fault), STATUS_OK, "%s", fault.text);
    return r;
}

Test(repository, serves_the_newest_version_by_number_not_by_text)
{
    model("digits", "# a comment\n platform = dense \nmax.batch.size=64\ninstances=2\n"
                    "layers=fc1 relu,fc2 softmax\n\n! another\n");
    folder("digits/9");
    folder("digits/10");
    folder("digits/draft");
    struct repository r = open_all();
    cr_assert_eq(r.count, 1);
    const struct repository_model *m = &r.models[0];
    cr_assert_null(m->broken, "%s", m->broken);
    cr_assert_str_eq(m->name, "digits");
    cr_assert_str_eq(m->version, "10");
    cr_assert_str_eq(m->platform, "dense");
    cr_assert_str_eq(m->device, "cpu");
    cr_assert_eq(m->max_batch_size, 64);
    cr_assert_eq(m->instances, 2);
    cr_assert_eq(m->properties.count, 1);
    cr_assert_str_eq(m->properties.items[0].key, "layers");
    cr_assert_str_eq(m->properties.items[0].value, "fc1 relu,fc2 softmax");
    cr_assert_str_eq(strrchr(m->path, '/'), "/10");
    repository_close(&r);
}

Test(repository, takes_a_model_without_version_folder_as_version_1)
{
    model("sim", "platform=sim\n");
    struct repository r = open_all();
    cr_assert_str_eq(r.models[0].version, "1");
    cr_assert_str_eq(strrchr(r.models[0].path, '/'), "/sim");
    repository_close(&r);
}

Test(repository, reads_how_requests_are_batched)
{
    model("a", "platform=sim\ndeadline.default=5s\nmax.delay=10ms\nshed=false\n"
               "priority.default=3\nbatch.buckets=1,2,4\nmax.batch.size=8\n");
    model("b", "platform=sim\n");
    struct repository r = open_all();
    const struct batching *a = &r.models[0].batching;
    cr_assert_null(r.models[0].broken, "%s", r.models[0].broken);
    cr_assert_eq(a->deadline_default_ns, INT64_C(5000000000));
    cr_assert_eq(a->max_delay_ns, 10000000);
    cr_assert_eq(a->level_default, 3);
    cr_assert_not(a->shed);
    cr_assert_eq(a->bucket_count, 4);
    cr_assert_eq(a->buckets[2], 4);
    cr_assert_eq(a->buckets[3], 8, "the most rows are a bucket, too");
    cr_assert_eq(r.models[0].properties.count, 1);
    cr_assert_str_eq(r.models[0].properties.items[0].key, "batch.buckets");
    const struct batching *b = &r.models[1].batching;
    cr_assert_eq(b->deadline_default_ns, 0);
    cr_assert_eq(b->max_delay_ns, 0);
    cr_assert_eq(b->level_default, 5);
    cr_assert(b->shed);
    cr_assert_eq(b->bucket_count, 0);
    repository_close(&r);
}

Test(repository, says_what_is_wrong_with_a_model_and_keeps_the_others)
{
    static const char *const wrong[] = {
        "platform",
        "=dense\nplatform=sim",
        "max.batch.size=4",
        "platform=sim\nmax.batch.size=-1",
        "platform=sim\nmax.batch.size=5000",
        "platform=sim\nmax.batch.size=4x",
        "platform=sim\ninstances=0",
        "platform=sim\ninstances=",
        "platform=sim\ndeadline.default=5",
        "platform=sim\ndeadline.default=0",
        "platform=sim\nmax.delay=-1ms",
        "platform=sim\nshed=perhaps",
        "platform=sim\npriority.default=0",
        "platform=sim\npriority.default=10",
        "platform=sim\nmax.batch.size=8\nbatch.buckets=",
        "platform=sim\nmax.batch.size=8\nbatch.buckets=2,1",
        "platform=sim\nmax.batch.size=8\nbatch.buckets=0,4",
        "platform=sim\nmax.batch.size=8\nbatch.buckets=1,,4",
        "platform=sim\nmax.batch.size=8\nbatch.buckets=1,4,",
        "platform=sim\nmax.batch.size=8\nbatch.buckets=1,16",
        "platform=sim\nbatch.buckets=1",
        "platform=sim\noutputs.nan=maybe",
    };
    enum { WRONG = sizeof wrong / sizeof *wrong };
    for (size_t i = 0; i < WRONG; i++) {
        char name[16];
        snprintf(name, sizeof name, "bad%zu", i);
        model(name, wrong[i]);
    }
    folder("empty");
    model("good", "platform=sim");
    struct repository r = open_all();
    cr_assert_eq(r.count, WRONG + 2);
    for (size_t i = 0; i < r.count; i++) {
        bool good = strcmp(r.models[i].name, "good") == 0;
        cr_assert_eq(r.models[i].broken == NULL, good, "%s", r.models[i].name);
    }
    repository_close(&r);
}

Test(repository, lets_a_model_answer_nan_only_if_it_says_so)
{
    model("careful", "platform=sim\noutputs.nan=fail");
    model("free", "platform=sim\noutputs.nan=allow");
    model("silent", "platform=sim");
    struct repository r = open_all();
    cr_assert_eq(r.count, 3);
    cr_assert_not(r.models[0].allow_nan);
    cr_assert(r.models[1].allow_nan);
    cr_assert_not(r.models[2].allow_nan);
    repository_close(&r);
}

Test(repository, serves_only_the_models_asked_for)
{
    model("a", "platform=sim");
    model("b", "platform=sim");
    model("c", "platform=sim");
    struct repository r;
    struct fault fault;
    cr_assert_eq(repository_open(&r, root, "c, a", &fault), STATUS_OK);
    cr_assert_eq(r.count, 2);
    cr_assert_str_eq(r.models[0].name, "a");
    cr_assert_str_eq(r.models[1].name, "c");
    repository_close(&r);
}

Test(repository, names_the_model_or_folder_that_is_not_there)
{
    struct repository r;
    struct fault fault;
    model("a", "platform=sim");
    cr_assert_eq(repository_open(&r, root, "a,zebra", &fault), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "zebra"));
    repository_close(&r);
    cr_assert_eq(repository_open(&r, "/nowhere/at/all", "*", &fault), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "/nowhere/at/all"));
    repository_close(&r);
}

Test(repository, ignores_hidden_folders_and_files)
{
    model("a", "platform=sim");
    folder(".git");
    char full[256];
    snprintf(full, sizeof full, "%s/README", root);
    fclose(fopen(full, "we"));
    struct repository r = open_all();
    cr_assert_eq(r.count, 1);
    repository_close(&r);
}
