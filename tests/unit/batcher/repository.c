/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and properties, right and wrong. */
#include "batcher/repository.h"

#include "base/clock.h"

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

#define SIM "platform=sim\ninput.0=data UINT8 -1,4\n"

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
    model("sim", SIM);
    struct repository r = open_all();
    cr_assert_str_eq(r.models[0].version, "1");
    cr_assert_str_eq(strrchr(r.models[0].path, '/'), "/sim");
    repository_close(&r);
}

Test(repository, reads_how_requests_are_batched)
{
    model("a", SIM "deadline.default=5s\nmax.delay=10ms\nshed=false\n"
                   "priority.default=3\nbatch.buckets=1,2,4\nmax.batch.size=8\n");
    model("b", SIM);
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
    cr_assert_eq(r.models[0].properties.count, 2);
    cr_assert_str_eq(r.models[0].properties.items[0].key, "input.0");
    cr_assert_str_eq(r.models[0].properties.items[1].key, "batch.buckets");
    const struct batching *b = &r.models[1].batching;
    cr_assert_eq(b->deadline_default_ns, 0);
    cr_assert_eq(b->max_delay_ns, 0);
    cr_assert_eq(b->level_default, 5);
    cr_assert(b->shed);
    cr_assert_eq(b->bucket_count, 0);
    repository_close(&r);
}

Test(repository, reads_where_a_model_takes_memory_and_how_much_it_may)
{
    model("a", SIM "memory.max=2GiB\ndevice=cuda:0\n");
    model("b", SIM "memory.max=0\ndevice=cuda:3\n");
    model("c", SIM "device=cpu:1\n");
    model("d", SIM);
    struct repository r = open_all();
    cr_assert_eq(r.models[0].memory_max, INT64_C(2) << 30);
    cr_assert_eq(r.models[1].memory_max, 0);
    cr_assert_eq(r.models[2].memory_max, -1, "as the batcher says");
    cr_assert_str_eq(repository_model_accelerator(&r.models[0]), "cuda");
    cr_assert_str_eq(repository_model_accelerator(&r.models[1]), "cuda:3");
    cr_assert_null(repository_model_accelerator(&r.models[2]));
    cr_assert_null(repository_model_accelerator(&r.models[3]));
    repository_close(&r);
}

Test(repository, reads_how_long_a_load_may_take)
{
    model("a", SIM "load.timeout=90m\n");
    model("b", SIM "load.timeout=1s\n");
    model("c", SIM "load.timeout=24h\n");
    model("d", SIM);
    struct repository r = open_all();
    cr_assert_eq(r.models[0].load_timeout_ns, 90 * 60 * NS_PER_S);
    cr_assert_eq(r.models[1].load_timeout_ns, NS_PER_S);
    cr_assert_eq(r.models[2].load_timeout_ns, 86400 * NS_PER_S);
    cr_assert_eq(r.models[3].load_timeout_ns, 300 * NS_PER_S);
    cr_assert_eq(r.models[0].properties.count, r.models[3].properties.count,
                 "the runner is not told");
    repository_close(&r);
}

Test(repository, keeps_the_good_models_beside_a_broken_one)
{
    model("bad", SIM "instances=0\nshed=perhaps\n");
    folder("empty");
    model("good", SIM);
    struct repository r = open_all();
    cr_assert_eq(r.count, 3);
    cr_assert_str_eq(r.models[0].broken,
                     "model.properties:3: instances: '0' is not a whole number from 1 "
                     "to 8 (and 1 more: leat models check)");
    cr_assert_str_eq(r.models[1].broken,
                     "model.properties: there is no such file; `leat models init` "
                     "begins one");
    cr_assert_null(r.models[2].broken, "%s", r.models[2].broken);
    repository_close(&r);
}

Test(repository, lets_a_model_answer_nan_only_if_it_says_so)
{
    model("careful", SIM "outputs.nan=fail");
    model("free", SIM "outputs.nan=allow");
    model("silent", SIM);
    struct repository r = open_all();
    cr_assert_eq(r.count, 3);
    cr_assert_not(r.models[0].allow_nan);
    cr_assert(r.models[1].allow_nan);
    cr_assert_not(r.models[2].allow_nan);
    repository_close(&r);
}

Test(repository, serves_only_the_models_asked_for)
{
    model("a", SIM);
    model("b", SIM);
    model("c", SIM);
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
    model("a", SIM);
    cr_assert_eq(repository_open(&r, root, "a,zebra", &fault), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "zebra"));
    repository_close(&r);
    cr_assert_eq(repository_open(&r, "/nowhere/at/all", "*", &fault), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(fault.text, "/nowhere/at/all"));
    repository_close(&r);
}

Test(repository, ignores_hidden_folders_and_files)
{
    model("a", SIM);
    folder(".git");
    char full[256];
    snprintf(full, sizeof full, "%s/README", root);
    fclose(fopen(full, "we"));
    struct repository r = open_all();
    cr_assert_eq(r.count, 1);
    repository_close(&r);
}

/* Polling. */

static void
file(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    FILE *out = fopen(full, "we");
    cr_assert_not_null(out, "%s", full);
    fputs(text, out);
    fclose(out);
}

static struct repository_model
read_one(const char *name)
{
    struct repository_model m;
    cr_assert_eq(repository_read_model(&m, root, name), STATUS_OK);
    return m;
}

/* Fingerprints of the versions that are served, newest first. */
static size_t
fingerprints(const char *name, uint64_t out[static 4])
{
    struct repository_model m = read_one(name);
    for (size_t i = 0; i < m.version_count && i < 4; i++) {
        out[i] = m.versions[i].fingerprint;
    }
    size_t count = m.version_count;
    repository_model_close(&m);
    return count;
}

Test(repository, lists_the_versions_that_the_policy_selects)
{
    model("a", SIM "version.policy=latest:2\n");
    folder("a/3");
    folder("a/10");
    folder("a/9");
    struct repository_model m = read_one("a");
    cr_assert_null(m.broken, "%s", m.broken);
    cr_assert_eq(m.version_count, 2);
    cr_assert_str_eq(m.versions[0].name, "10");
    cr_assert_eq(m.versions[0].number, 10);
    cr_assert_str_eq(strrchr(m.versions[0].path, '/'), "/10");
    cr_assert_str_eq(m.versions[1].name, "9");
    cr_assert_str_eq(m.version, "10");
    cr_assert_eq(m.path, m.versions[0].path);
    repository_model_close(&m);
}

Test(repository, takes_a_listed_version_that_is_not_there_for_a_mistake)
{
    model("a", SIM "version.policy=specific:1,2\n");
    folder("a/1");
    struct repository_model m = read_one("a");
    cr_assert_not_null(m.broken);
    cr_assert_eq(m.version_count, 1);
    repository_model_close(&m);
}

/* The only mistake of a model, as it is told. */
static void
expect_broken(const char *name, const char *wanted)
{
    struct repository_model m = read_one(name);
    cr_assert_not_null(m.broken);
    cr_assert_str_eq(m.broken, wanted);
    repository_model_close(&m);
}

Test(repository, takes_a_label_of_a_version_that_is_not_served_for_a_mistake)
{
    model("a", SIM "version.policy=latest\nversion.label.old=1\n");
    folder("a/1");
    folder("a/2");
    expect_broken("a", "model.properties:4: version.label.old: version.policy does not "
                       "serve version 1");
    model("b", SIM "version.label.next=3\nversion.label.now=2\n");
    folder("b/2");
    expect_broken("b", "model.properties:3: version.label.next: there is no folder of "
                       "version 3");
}

Test(repository, reads_labels_of_versions_and_of_a_model_without_folders)
{
    model("a", SIM "version.policy=all\nversion.label.now=1\nversion.label.new=2\n");
    folder("a/1");
    folder("a/2");
    model("b", SIM "version.label.only=1\n");
    struct repository_model m = read_one("a");
    cr_assert_null(m.broken, "%s", m.broken);
    cr_assert_eq(m.labels.count, 2);
    cr_assert_eq(version_labels_find(&m.labels, span_of_text("new"))->number, 2);
    repository_model_close(&m);
    m = read_one("b");
    cr_assert_null(m.broken, "%s", m.broken);
    cr_assert_eq(m.labels.count, 1);
    repository_model_close(&m);
}

Test(repository, gives_no_version_another_fingerprint_for_a_label_but_for_a_mistake)
{
    uint64_t before[4];
    uint64_t after[4];
    model("a", SIM "version.policy=all\n");
    folder("a/1");
    folder("a/2");
    fingerprints("a", before);
    file("a/model.properties", SIM "version.policy=all\nversion.label.stable=2\n");
    fingerprints("a", after);
    cr_assert_eq(before[0], after[0]);
    cr_assert_eq(before[1], after[1]);
    file("a/model.properties", SIM "version.policy=all\nversion.label.stable=3\n");
    fingerprints("a", after);
    cr_assert_neq(before[0], after[0]);
    cr_assert_neq(before[1], after[1]);
}

Test(repository, takes_a_warm_up_file_that_a_version_lacks_for_a_mistake)
{
    model("a", SIM "version.policy=all\nwarmup.input.0=row.bin\n");
    folder("a/1");
    folder("a/2");
    file("a/2/row.bin", "1234");
    expect_broken("a",
                  "model.properties:4: warmup.input.0: 'row.bin' is none of zeros, "
                  "random and the files of version 1");
    file("a/1/row.bin", "1234");
    struct repository_model m = read_one("a");
    cr_assert_null(m.broken, "%s", m.broken);
    repository_model_close(&m);
    model("b", SIM "warmup.input.0=random\nwarmup.runs=0\n");
    m = read_one("b");
    cr_assert_null(m.broken, "%s", m.broken);
    repository_model_close(&m);
}

Test(repository, finds_the_line_that_a_runner_complains_of)
{
    model("a", SIM "\nwarmup.runs=3\nsim.alpha=1ms\n");
    struct repository_model m = read_one("a");
    cr_assert_eq(repository_model_line_of(&m, "warmup.runs=3: too few"), 4);
    cr_assert_eq(repository_model_line_of(&m, "sim.alpha: too slow"), 5);
    cr_assert_eq(repository_model_line_of(&m, "sim.alph: too slow"), 0);
    cr_assert_eq(repository_model_line_of(&m, "sim.alpha is too slow"), 0);
    cr_assert_eq(repository_model_line_of(&m, ""), 0);
    repository_model_close(&m);
}

Test(repository, reads_a_model_that_is_not_there_as_not_found)
{
    struct repository_model m;
    cr_assert_eq(repository_read_model(&m, root, "nowhere"), STATUS_NOT_FOUND);
}

Test(repository, gives_a_version_another_fingerprint_when_it_changes)
{
    model("a", SIM "version.policy=all\n");
    folder("a/1");
    folder("a/2");
    folder("a/2/deeper");
    file("a/2/deeper/weights", "12");
    uint64_t before[4];
    uint64_t after[4];
    cr_assert_eq(fingerprints("a", before), 2);
    cr_assert_eq(fingerprints("a", after), 2);
    cr_assert_eq(before[0], after[0]);
    cr_assert_eq(before[1], after[1]);
    file("a/2/deeper/weights", "123");
    fingerprints("a", after);
    cr_assert_neq(before[0], after[0]);
    cr_assert_eq(before[1], after[1], "version 1 is as it was");
    file("a/labels.txt", "cat");
    fingerprints("a", before);
    cr_assert_neq(before[0], after[0], "what lies beside belongs to every version");
    cr_assert_neq(before[1], after[1]);
}

Test(repository, does_not_take_comments_policy_and_caches_for_a_change)
{
    uint64_t before[4];
    uint64_t after[4];
    model("a", SIM);
    folder("a/1");
    fingerprints("a", before);
    file("a/model.properties", "# why\nplatform = sim\nversion.policy=all\n"
                               "input.0=data UINT8 -1,4\n");
    folder("a/1/__pycache__");
    file("a/1/__pycache__/model.pyc", "made by loading it");
    file("a/1/.swp", "an editor's");
    fingerprints("a", after);
    cr_assert_eq(before[0], after[0]);
    file("a/model.properties", SIM "instances=2\n");
    fingerprints("a", after);
    cr_assert_neq(before[0], after[0]);
}
