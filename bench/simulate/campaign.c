/* SPDX-License-Identifier: Apache-2.0 */
/* Runs, then judges: first against the reference, then policy against policy. */
#include "bench/simulate/campaign.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A short run scatters more. */
#define GREEDY_FULL  1.0
#define GREEDY_QUICK 1.01

struct judge {
    const struct campaign *campaign;
    struct bar *bars;
    size_t count;
};

static void
campaign_add(struct campaign *c, const struct scenario *s, const struct policy *p)
{
    struct score score;
    score_init(&score);
    scenario_run(s, p, c->quick, &score);
    struct result *r = &c->results[c->count++];
    *r = (struct result){.scenario = s,
                         .policy = p,
                         .all = tally_outcome(&score.all),
                         .breaches = score.breaches,
                         .rows_mean = (double)score.rows / (double)score.batches,
                         .unstable = score_is_unstable(&score)};
    for (int i = 0; i < GROUPS; i++) {
        r->kinds[i] = tally_outcome(&score.kinds[i]);
    }
    score_fini(&score);
}

void
campaign_run(struct campaign *c, bool quick, const struct policy *policy)
{
    c->quick = quick;
    c->count = 0;
    for (const struct scenario *s = scenarios; s->name != NULL; s++) {
        for (const struct policy *p = policies; p->name != NULL; p++) {
            if ((policy == NULL || policy == p) && c->count < RESULTS_MAX) {
                campaign_add(c, s, p);
            }
        }
    }
}

const struct result *
campaign_find(const struct campaign *c, const char *scenario, const char *policy)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct result *r = &c->results[i];
        if (strcmp(r->scenario->name, scenario) == 0 &&
            strcmp(r->policy->name, policy) == 0) {
            return r;
        }
    }
    return NULL;
}

static struct bar *
judge_bar(struct judge *j, bool at_most, double value, double limit)
{
    struct bar *b = &j->bars[j->count++];
    *b = (struct bar){.value = value, .limit = limit, .at_most = at_most};
    b->holds = at_most ? value <= limit : value >= limit;
    return b;
}

/** Without drops an overload is good only until the backlog has grown, which is a
 * larger share of a short run. */
static bool
hangs_on_length(const struct campaign *c,
                const struct policy *policy,
                const struct reference *p)
{
    return c->quick && policy->ops == &policy_fixed && p->good > 0;
}

/** The farthest that a policy lies from its reference. */
static void
judge_reference(struct judge *j, const struct policy *policy)
{
    const struct campaign *c = j->campaign;
    bool ours = policy->ops == &policy_jit;
    const char *where = NULL;
    double worst = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct result *r = &c->results[i];
        const struct reference *p = reference_find(r->scenario->name, policy->name);
        if (r->policy != policy || p == NULL || hangs_on_length(c, policy, p)) {
            continue;
        }
        double distance = reference_distance(p, &r->all, r->unstable, !ours);
        if (where == NULL || distance > worst) {
            worst = distance;
            where = r->scenario->name;
        }
    }
    if (where != NULL) {
        struct bar *b = judge_bar(j, true, worst, 1);
        snprintf(b->text, sizeof b->text,
                 "%s: bands from the reference, farthest in %s", policy->name, where);
    }
}

/** Broken rules of all policies together. */
static void
judge_breaches(struct judge *j)
{
    struct breaches sum = {0};
    for (size_t i = 0; i < j->campaign->count; i++) {
        const struct breaches *b = &j->campaign->results[i].breaches;
        sum.over_limit += b->over_limit;
        sum.twice += b->twice;
        sum.never += b->never;
        sum.disorder += b->disorder;
        sum.too_late += b->too_late;
    }
    const struct {
        const char *text;
        uint64_t count;
    } rules[] = {{"batches over the limit", sum.over_limit},
                 {"requests that ended twice", sum.twice},
                 {"requests that never ended", sum.never},
                 {"requests that overtook an equal one", sum.disorder},
                 {"requests run that would miss", sum.too_late}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct bar *b = judge_bar(j, true, (double)rules[i].count, 0);
        snprintf(b->text, sizeof b->text, "%s", rules[i].text);
    }
}

/** JIT-EDF is not slower than greedy, where greedy is stable. */
static void
judge_greedy(struct judge *j)
{
    const struct campaign *c = j->campaign;
    double worst = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct result *ours = &c->results[i];
        const struct result *theirs = campaign_find(c, ours->scenario->name, "greedy");
        const struct reference *p = reference_find(ours->scenario->name, "jit-edf");
        if (ours->policy->ops == &policy_jit && theirs != NULL && p != NULL &&
            p->mean_ms > 0 && !theirs->unstable) {
            worst = fmax(worst, ours->all.mean_ms / theirs->all.mean_ms);
        }
    }
    if (worst > 0) {
        struct bar *b =
            judge_bar(j, true, worst, c->quick ? GREEDY_QUICK : GREEDY_FULL);
        snprintf(b->text, sizeof b->text, "mean of jit-edf over that of greedy");
    }
}

/** JIT-EDF answers as many in time as a rule that knows one limit. */
static void
judge_bentoml(struct judge *j)
{
    const struct campaign *c = j->campaign;
    double least = 100;
    bool any = false;
    for (size_t i = 0; i < c->count; i++) {
        const struct result *ours = &c->results[i];
        const struct result *theirs = campaign_find(c, ours->scenario->name, "bentoml");
        const struct reference *p = reference_find(ours->scenario->name, "jit-edf");
        if (ours->policy->ops == &policy_jit && theirs != NULL && p != NULL &&
            p->good > 0) {
            least = fmin(least, ours->all.good - theirs->all.good);
            any = true;
        }
    }
    if (any) {
        struct bar *b = judge_bar(j, false, least, -2);
        snprintf(b->text, sizeof b->text,
                 "points of goodput, jit-edf less bentoml, least");
    }
}

/** One tenant's flood, and the higher priority under overload. */
static void
judge_fairness(struct judge *j)
{
    const struct campaign *c = j->campaign;
    const struct result *even = campaign_find(c, "tenants even", "jit-edf");
    const struct result *flood = campaign_find(c, "tenants flood", "jit-edf");
    const struct result *levels = campaign_find(c, "priorities", "jit-edf");
    if (even == NULL || flood == NULL || levels == NULL) {
        return;
    }
    const struct device *d = flood->scenario->device;
    struct bar *b = judge_bar(j, true, flood->kinds[1].p99_ms - even->kinds[1].p99_ms,
                              (double)device_run_ns(d, d->rows_max) / 1e6);
    snprintf(b->text, sizeof b->text,
             "ms that one tenant's flood adds to the others' p99");
    b = judge_bar(j, false, flood->kinds[1].good, 99);
    snprintf(b->text, sizeof b->text, "per cent good of the others in the flood");
    b = judge_bar(j, false, levels->kinds[0].good, 99);
    snprintf(b->text, sizeof b->text, "per cent good of the higher priority");
    b = judge_bar(j, false, levels->kinds[1].good, 70);
    snprintf(b->text, sizeof b->text, "per cent good of the lower priority");
}

size_t
campaign_judge(const struct campaign *c, struct bar bars[static BARS_MAX])
{
    struct judge j = {.campaign = c, .bars = bars};
    for (const struct policy *p = policies; p->name != NULL; p++) {
        if (p->ops != &policy_aimd) { /* its figures hang on how it happens to start */
            judge_reference(&j, p);
        }
    }
    judge_greedy(&j);
    judge_bentoml(&j);
    judge_fairness(&j);
    judge_breaches(&j);
    return j.count;
}
