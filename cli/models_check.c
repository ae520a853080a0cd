/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat models check: mistakes first, a line each as compilers write them, so that
 * editors jump there; then the versions of every model that has none.
 */
#include "base/clock.h"
#include "base/datatype.h"
#include "batcher/repository.h"
#include "batcher/trial.h"
#include "cli/models.h"
#include "cli/verb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 8192 };

struct tally {
    size_t models;
    size_t versions; /* loaded, or looked at where nothing is loaded */
    size_t mistakes;
    size_t warnings;
    size_t failures; /* versions that cannot be loaded */
};

/* The repository and the name of a model, of the path to the model's folder. */
static bool
split_model_folder(const char *path, char repository[static PATH_BYTES], char **name)
{
    char file[PATH_BYTES + 32];
    char *absolute = NULL;
    snprintf(file, sizeof file, "%s/model.properties", path);
    if (access(file, F_OK) != 0 || (absolute = realpath(path, NULL)) == NULL) {
        return false;
    }
    char *slash = strrchr(absolute, '/');
    *name = strdup(slash + 1);
    if (*name == NULL) {
        free(absolute);
        return false;
    }
    slash[slash == absolute ? 1 : 0] = '\0';
    /* Mistakes are to be told by paths as short as the one that was given. */
    size_t size = strlen(path);
    size_t length = strlen(*name);
    bool plain = size > length + 1 && path[size - length - 1] == '/' &&
                 strcmp(path + size - length, *name) == 0;
    snprintf(repository, PATH_BYTES, "%.*s", plain ? (int)(size - length - 1) : 4095,
             plain ? path : absolute);
    free(absolute);
    return true;
}

static void
print_mistakes(const struct repository_model *m, struct tally *tally)
{
    char line[LINE_BYTES];
    for (size_t i = 0; i < m->mistakes.count; i++) {
        struct buf text;
        buf_init(&text, sizeof line);
        mistake_format(&m->mistakes.items[i], &text);
        printf("%.*s\n", (int)text.size, (const char *)text.data);
        buf_fini(&text);
    }
    if (m->mistakes.unlisted > 0) {
        printf("%s: and %zu mistakes more\n", m->file == NULL ? m->name : m->file,
               m->mistakes.unlisted);
    }
    tally->mistakes += mistakes_of_kind(&m->mistakes, MISTAKE_ERROR);
    tally->warnings += mistakes_of_kind(&m->mistakes, MISTAKE_WARNING);
}

/* What a version takes, gives and costs. */

static void
print_tensor(const char *side, const struct tensor_spec *t)
{
    printf("    %-7s %-20.*s %-6s ", side, (int)t->name.size,
           (const char *)t->name.data, datatype_name(t->datatype));
    for (uint32_t i = 0; i < t->rank; i++) {
        printf("%s%" PRId64, i == 0 ? "" : ",", t->shape[i]);
    }
    printf("\n");
}

static void
print_costs(const struct trial *t)
{
    printf("    %7s %14s %14s\n", "rows", "ms a batch", "us a row");
    for (size_t i = 0; i < t->cost_count; i++) {
        const struct model_cost *c = &t->costs[i];
        double ns = (double)(c->prepare_ns + c->run_ns);
        printf("    %7" PRIu32 " %14.3f %14.1f\n", c->rows, ns / 1e6,
               ns / 1e3 / c->rows);
    }
}

static void
print_memory(const struct repository_model *m, const struct trial *t)
{
    const char *device = repository_model_accelerator(m);
    printf("    memory  %.1f MiB on the host", (double)t->memory_bytes / (1 << 20));
    if (device != NULL && t->device_bytes > 0) {
        printf(", %.1f MiB on %s", (double)t->device_bytes / (1 << 20), device);
    }
    printf("\n");
}

static void
print_trial(const struct repository_model *m, const struct trial *t)
{
    for (uint32_t i = 0; i < t->spec.input_count; i++) {
        print_tensor("input", &t->spec.inputs[i]);
    }
    for (uint32_t i = 0; i < t->spec.output_count; i++) {
        print_tensor("output", &t->spec.outputs[i]);
    }
    print_memory(m, t);
    if (t->cost_count > 0) {
        print_costs(t);
    }
}

static void
try_version(const struct models_config *config,
            const struct repository_model *m,
            const struct repository_version *v,
            struct tally *tally)
{
    struct trial t;
    struct fault fault = {.text = ""};
    enum status status = trial_run(&t, &config->batcher, m, v, &fault);
    if (status == STATUS_OK && t.loaded) {
        printf("  version %s: loaded in %.2f s\n", v->name,
               (double)t.took_ns / (double)NS_PER_S);
        print_trial(m, &t);
    } else {
        printf("%s: version %s cannot be loaded: %s\n", m->file, v->name,
               status == STATUS_OK ? t.reason : fault.text);
        tally->failures++;
    }
    trial_close(&t);
}

static void
print_model(const struct repository_model *m)
{
    printf("%s: %s on %s, ", m->name, m->platform, m->device);
    if (m->max_batch_size > 0) {
        printf("batches of up to %" PRIu32 " rows", m->max_batch_size);
    } else {
        printf("one item at a time");
    }
    printf("%s", m->instances > 1 ? ", " : "");
    if (m->instances > 1) {
        printf("%" PRIu32 " instances", m->instances);
    }
    printf("; served:");
    for (size_t i = 0; i < m->version_count; i++) {
        printf(" %s", m->versions[i].name);
    }
    for (size_t i = 0; i < m->labels.count; i++) {
        printf("%s %s=%" PRIu32, i == 0 ? "; labels:" : "", m->labels.items[i].name,
               m->labels.items[i].number);
    }
    printf("\n");
}

/* A platform that is not known is no mistake where a runner of one's own knows it. */
static bool
is_served(const struct models_config *config, const struct repository_model *m)
{
    bool foreign = mistakes_of_kind(&m->mistakes, MISTAKE_FOREIGN) > 0;
    return m->broken == NULL && (!foreign || config->batcher.runner_command != NULL);
}

static void
check_model(const struct models_config *config,
            const struct repository_model *m,
            struct tally *tally)
{
    tally->models++;
    if (!is_served(config, m)) {
        print_mistakes(m, tally);
        tally->mistakes += mistakes_of_kind(&m->mistakes, MISTAKE_FOREIGN);
        return;
    }
    print_model(m);
    for (size_t i = 0; i < m->version_count; i++) {
        tally->versions++;
        if (config->load) {
            try_version(config, m, &m->versions[i], tally);
        }
    }
    if (mistakes_of_kind(&m->mistakes, MISTAKE_FOREIGN) == 0) {
        print_mistakes(m, tally); /* warnings */
    }
    fflush(stdout);
}

static const char *
plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static int
verdict(const struct tally *t)
{
    printf("%zu model%s, %zu version%s: ", t->models, plural(t->models), t->versions,
           plural(t->versions));
    if (t->mistakes > 0) {
        printf("%zu mistake%s", t->mistakes, plural(t->mistakes));
    }
    if (t->failures > 0) {
        printf("%s%zu version%s cannot be loaded", t->mistakes > 0 ? ", " : "",
               t->failures, plural(t->failures));
    }
    if (t->mistakes + t->failures == 0) {
        printf("good");
    }
    if (t->warnings > 0) {
        printf(", %zu warning%s", t->warnings, plural(t->warnings));
    }
    printf("\n");
    if (t->mistakes > 0) {
        return EXIT_CONFIG;
    }
    return t->failures > 0 ? EXIT_FAILED : EXIT_DONE;
}

int
models_check(const struct models_config *config, const char *path)
{
    static char repository[PATH_BYTES];
    struct repository r;
    struct fault fault = {.text = ""};
    struct tally tally = {.models = 0};
    char *name = NULL;
    bool one = split_model_folder(path, repository, &name);
    enum status status = repository_open(
        &r, one ? repository : path, one ? name : config->batcher.models_load, &fault);
    for (size_t i = 0; status == STATUS_OK && i < r.count; i++) {
        check_model(config, &r.models[i], &tally);
    }
    repository_close(&r);
    free(name);
    if (status != STATUS_OK) {
        fprintf(stderr, "leat models: %s\n", fault.text);
        return EXIT_CONFIG;
    }
    return verdict(&tally);
}
