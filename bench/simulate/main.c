/* SPDX-License-Identifier: Apache-2.0 */
/* bench-simulate: options to a campaign, a table or one line of JSON out. */
#include "bench/simulate/campaign.h"

#include <getopt.h>
#include <stdio.h>

struct simulate_config {
    bool quick;
    bool json;
    const struct policy *policy; /* NULL = all */
};

static void
print_figure(double value)
{
    if (value > 0) {
        printf("%9.2f", value);
    } else {
        printf("%9s", "");
    }
}

static void
print_row(const struct result *r)
{
    const struct reference *p = reference_find(r->scenario->name, r->policy->name);
    const struct reference none = {0};
    p = p == NULL ? &none : p;
    printf("%-18s  %-14s", r->scenario->name, r->policy->name);
    print_figure(r->unstable ? 0 : r->all.mean_ms);
    print_figure(r->unstable ? 0 : r->all.p99_ms);
    printf("%9.1f", r->all.good);
    print_figure(p->mean_ms);
    print_figure(p->p99_ms);
    print_figure(p->good);
    printf("%9.1f", r->rows_mean);
    for (unsigned i = 0; i < r->scenario->kind_count; i++) {
        printf("  %.1f/%.1f", r->kinds[i].p99_ms, r->kinds[i].good);
    }
    printf("%s\n", r->unstable ? "  unstable" : "");
}

static void
print_table(const struct campaign *c, const struct bar *bars, size_t count)
{
    printf("%-18s  %-14s%9s%9s%9s%9s%9s%9s%9s  %s\n", "", "", "mean ms", "p99 ms",
           "good %", "ref.", "ref.", "ref.", "rows", "p99/good of each kind");
    for (size_t i = 0; i < c->count; i++) {
        print_row(&c->results[i]);
    }
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        const struct bar *b = &bars[i];
        printf("%s  %s: %.2f (limit %.2f)\n", b->holds ? "holds" : "FAILS", b->text,
               b->value, b->limit);
    }
}

static void
print_json_row(const struct result *r)
{
    const struct reference *p = reference_find(r->scenario->name, r->policy->name);
    printf("{\"scenario\":\"%s\",\"policy\":\"%s\"", r->scenario->name,
           r->policy->name);
    if (r->unstable) {
        printf(",\"mean ms\":\"unstable\",\"p99 ms\":\"\"");
    } else {
        printf(",\"mean ms\":%.3f,\"p99 ms\":%.3f", r->all.mean_ms, r->all.p99_ms);
    }
    printf(",\"good %%\":%.2f,\"rows\":%.2f", r->all.good, r->rows_mean);
    if (p != NULL && p->unstable) {
        printf(",\"ref. mean\":\"unstable\"");
    } else if (p != NULL && p->mean_ms > 0) {
        printf(",\"ref. mean\":%.2f,\"ref. p99\":%.2f", p->mean_ms, p->p99_ms);
    }
    if (p != NULL && p->good > 0) {
        printf(",\"ref. good\":%.1f", p->good);
    }
    for (unsigned i = 0; i < r->scenario->kind_count; i++) {
        printf(",\"p99 of kind %u\":%.3f,\"good of kind %u\":%.2f", i + 1,
               r->kinds[i].p99_ms, i + 1, r->kinds[i].good);
    }
    printf("}");
}

static void
print_json(const struct campaign *c, const struct bar *bars, size_t count)
{
    printf("{\"rows\":[");
    for (size_t i = 0; i < c->count; i++) {
        printf(i > 0 ? "," : "");
        print_json_row(&c->results[i]);
    }
    printf("],\"bars\":[");
    for (size_t i = 0; i < count; i++) {
        printf("%s{\"bar\":\"%s\",\"value\":%.4f,\"limit\":%.4f,\"holds\":%s}",
               i > 0 ? "," : "", bars[i].text, bars[i].value, bars[i].limit,
               bars[i].holds ? "true" : "false");
    }
    printf("]}\n");
}

static int
simulate(const struct simulate_config *config)
{
    static struct campaign campaign;
    struct bar bars[BARS_MAX];
    campaign_run(&campaign, config->quick, config->policy);
    size_t count = campaign_judge(&campaign, bars);
    if (config->json) {
        print_json(&campaign, bars, count);
    } else {
        print_table(&campaign, bars, count);
    }
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        result = bars[i].holds ? result : 1;
    }
    return result;
}

static int
usage(FILE *out)
{
    fprintf(out, "usage: bench-simulate [--quick] [--json] [--policy NAME]\nNAME:");
    for (const struct policy *p = policies; p->name != NULL; p++) {
        fprintf(out, " %s", p->name);
    }
    fprintf(out, "\n");
    return out == stdout ? 0 : 2;
}

int
main(int argc, char **argv)
{
    static const struct option flags[] = {{"quick", no_argument, NULL, 'q'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"policy", required_argument, NULL, 'p'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct simulate_config config = {0};
    int flag;
    while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        config.quick = config.quick || flag == 'q';
        config.json = config.json || flag == 'j';
        if (flag == 'p') {
            config.policy = policy_find(optarg);
        }
        if (flag == 'h' || flag == '?' || (flag == 'p' && config.policy == NULL)) {
            return usage(flag == 'h' ? stdout : stderr);
        }
    }
    return optind == argc ? simulate(&config) : usage(stderr);
}
