/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning is least mean squares on the two knots around an observation, each corrected
 * by its share (normalised, so that the error of that very batch shrinks by the gain).
 * One batch that surprises (a page fault) is believed only in part; the second in a row
 * on the same side means that the device has changed, and half of it is believed at
 * once. After every observation the gaps are filled and the curve is made one that
 * never falls; only that second curve is read.
 *
 * A knot that believes too much of its device may keep such batches from ever running,
 * and so itself from learning better. What was not observed for some time therefore
 * sinks to what the observed ones make plausible: a smaller batch takes no longer than
 * a larger one, a row no longer in a larger batch than in a smaller one.
 */
#include "batcher/cost.h"

#include <math.h>

enum {
    FIRST_ONES = 8,   /* observations of a knot that count more */
    STALE_AFTER = 32, /* observations of others */
};

static const double GAIN_FIRST = 1.0 / 4;
static const double GAIN = 1.0 / 8;
static const double GAIN_CHANGED = 1.0 / 2;
static const double GAIN_DEVIATION = 1.0 / 4; /* RFC 6298, section 2.3 */
static const double DEVIATION_FIRST = 1.0 / 8;
static const double DEVIATIONS_BOUND = 2;
/* A residual over this share of the mean is a surprise. */
static const double SURPRISE = 1.0 / 4;
/* What a lone surprise counts at most: a share of the mean, or so many deviations. */
static const double LONE_SHARE = 1.0 / 2;
static const double LONE_DEVIATIONS = 3;
static const double GAIN_STALE = 1.0 / 32;
/* The best of a knot comes up to its mean by this part of each observation. */
static const double BEST_FORGOTTEN = 1.0 / 256;

/** Where a number of rows lies: knots[low] and the next one, share of the next one. */
struct place {
    uint32_t low;
    double share;
};

static double
between(double low, double high, double share)
{
    return low + (high - low) * share;
}

/** First knot at or above so many rows, the last if there is none. */
static uint32_t
knot_above(const struct cost *c, uint32_t rows)
{
    uint32_t i = 0;
    while (i + 1 < c->knot_count && c->knots[i].rows < rows) {
        i++;
    }
    return i;
}

static struct place
place_of(const struct cost *c, uint32_t rows)
{
    uint32_t above = knot_above(c, rows);
    const struct cost_knot *high = &c->knots[above];
    if (c->padded || above == 0 || rows >= high->rows) {
        return (struct place){.low = above};
    }
    const struct cost_knot *low = high - 1;
    return (struct place){.low = above - 1,
                          .share =
                              (double)(rows - low->rows) / (high->rows - low->rows)};
}

void
cost_init(struct cost *c, uint32_t rows_max, const uint32_t *buckets, size_t count)
{
    *c = (struct cost){.padded = count > 0};
    const uint32_t most = COST_KNOTS_MAX - 1;
    for (size_t i = 0; i < count && c->knot_count < most; i++) {
        c->knots[c->knot_count++].rows = buckets[i];
    }
    for (uint64_t rows = 1; count == 0 && rows < rows_max && c->knot_count < most;) {
        c->knots[c->knot_count++].rows = (uint32_t)rows;
        rows *= 2;
    }
    uint32_t last = count > 0 ? buckets[count - 1] : 0;
    last = last > rows_max ? last : rows_max;
    if (count == 0 || count > most) {
        c->knot_count++;
    }
    c->knots[c->knot_count - 1].rows = last;
}

/** Slope of the least squares line through the known knots; never negative. */
static double
slope_of_known(const struct cost *c)
{
    double n = 0;
    double x = 0;
    double y = 0;
    double xx = 0;
    double xy = 0;
    for (uint32_t i = 0; i < c->knot_count; i++) {
        const struct cost_knot *k = &c->knots[i];
        if (k->known) {
            n += 1;
            x += k->rows;
            y += k->mean_ns;
            xx += (double)k->rows * k->rows;
            xy += k->rows * k->mean_ns;
        }
    }
    double spread = n * xx - x * x;
    double slope = spread > 0 ? (n * xy - x * y) / spread : 0;
    return slope > 0 ? slope : 0;
}

/** Beyond the known knots: along the line from the nearest, but no row gets cheaper in
 * a smaller batch. */
static void
fill_outside(struct cost_knot *k, const struct cost_knot *nearest, double slope)
{
    double line = nearest->mean_ns + slope * ((double)k->rows - nearest->rows);
    double in_proportion = nearest->mean_ns * k->rows / nearest->rows;
    k->mean_ns = k->rows < nearest->rows ? fmax(line, in_proportion) : line;
    k->deviation_ns = nearest->deviation_ns * k->mean_ns / nearest->mean_ns;
}

static void
fill_inside(struct cost_knot *k,
            const struct cost_knot *low,
            const struct cost_knot *high)
{
    double share = (double)(k->rows - low->rows) / (high->rows - low->rows);
    k->mean_ns = between(low->mean_ns, high->mean_ns, share);
    k->deviation_ns = between(low->deviation_ns, high->deviation_ns, share);
}

static void
fill_gaps(struct cost *c)
{
    double slope = slope_of_known(c);
    const struct cost_knot *low = NULL;
    for (uint32_t i = 0; i < c->knot_count; i++) {
        struct cost_knot *k = &c->knots[i];
        if (k->known) {
            low = k;
            continue;
        }
        const struct cost_knot *high = k + 1;
        const struct cost_knot *end = c->knots + c->knot_count;
        while (high < end && !high->known) {
            high++;
        }
        if (low != NULL && high < end) {
            fill_inside(k, low, high);
        } else {
            fill_outside(k, low != NULL ? low : high, slope);
        }
    }
}

static void
make_rising(struct cost *c)
{
    double mean = 0;
    double bound = 0;
    for (uint32_t i = 0; i < c->knot_count; i++) {
        struct cost_knot *k = &c->knots[i];
        mean = fmax(mean, k->mean_ns);
        bound = fmax(bound, k->mean_ns + DEVIATIONS_BOUND * k->deviation_ns);
        k->risen_mean_ns = mean;
        k->risen_bound_ns = bound;
    }
}

/** How much of the residual is believed; keeps count of the surprises in a row. */
static double
residual_believed(struct cost *c, double residual, double mean, double deviation)
{
    if (fabs(residual) <= SURPRISE * mean) {
        c->surprises = 0;
        return residual;
    }
    bool same_side = (residual > 0) == (c->surprises > 0);
    int step = residual > 0 ? 1 : -1;
    c->surprises = c->surprises != 0 && same_side ? c->surprises + step : step;
    if (c->surprises < -1 || c->surprises > 1) {
        return residual;
    }
    double most = fmax(LONE_SHARE * mean, LONE_DEVIATIONS * deviation);
    return fmin(fmax(residual, -most), most);
}

/** What a knot takes of a residual so that the curve moves by the residual there. */
static double
share_normalised(double share)
{
    return share / (share * share + (1 - share) * (1 - share));
}

static void
knot_begin(struct cost_knot *k, double share, double residual)
{
    k->mean_ns = fmax(k->mean_ns + share_normalised(share) * residual, 1);
    k->deviation_ns = k->mean_ns * DEVIATION_FIRST;
    k->known = true;
    k->observed = 1;
    k->best_ns = k->mean_ns;
    k->passed_over = 0;
}

static void
knot_correct(struct cost_knot *k, double share, double residual, bool changed)
{
    if (!k->known) {
        return;
    }
    double gain = k->observed < FIRST_ONES ? GAIN_FIRST : GAIN;
    gain = changed ? GAIN_CHANGED : gain;
    k->mean_ns = fmax(k->mean_ns + gain * share_normalised(share) * residual, 1);
    k->deviation_ns += GAIN_DEVIATION * share * (fabs(residual) - k->deviation_ns);
    k->observed += k->observed < FIRST_ONES ? 1 : 0;
    k->best_ns += BEST_FORGOTTEN * (k->mean_ns - k->best_ns);
    k->best_ns = fmin(k->best_ns, k->mean_ns);
    k->passed_over = 0;
}

/** The first observation of a knot sets it, if it is the nearer one. */
static bool
begin_near(struct cost_knot *low, struct cost_knot *high, double share, double residual)
{
    bool low_begins = !low->known && share <= 1.0 / 2;
    bool high_begins = !high->known && share >= 1.0 / 2;
    if (low_begins) {
        knot_begin(low, 1 - share, residual);
    }
    if (high_begins) {
        knot_begin(high, share, residual);
    }
    return low_begins || high_begins;
}

static bool
cost_is_known(const struct cost *c)
{
    return c->knots[0].risen_mean_ns > 0;
}

static void
learn(struct cost *c, struct place at, double took)
{
    struct cost_knot *low = &c->knots[at.low];
    struct cost_knot *high = at.share > 0 ? low + 1 : low;
    if (!cost_is_known(c)) {
        low->mean_ns = took;
        high->mean_ns = took;
    }
    double mean = between(low->mean_ns, high->mean_ns, at.share);
    if (begin_near(low, high, at.share, took - mean)) {
        return;
    }
    double deviation = between(low->deviation_ns, high->deviation_ns, at.share);
    double residual = residual_believed(c, took - mean, mean, deviation);
    bool changed = c->surprises < -1 || c->surprises > 1;
    knot_correct(low, 1 - at.share, residual, changed);
    if (high != low) {
        knot_correct(high, at.share, residual, changed);
    }
}

/** The stale ones sink, if so many rows were just observed. */
static void
sink_stale(struct cost *c, struct place at, uint32_t rows)
{
    const struct cost_knot *low = &c->knots[at.low];
    double mean =
        at.share > 0 ? between(low[0].mean_ns, low[1].mean_ns, at.share) : low->mean_ns;
    double deviation = at.share > 0
                           ? between(low[0].deviation_ns, low[1].deviation_ns, at.share)
                           : low->deviation_ns;
    for (uint32_t i = 0; i < c->knot_count; i++) {
        struct cost_knot *k = &c->knots[i];
        if (!k->known || k->passed_over++ < STALE_AFTER) {
            continue;
        }
        double times = k->rows > rows ? (double)k->rows / rows : 1;
        double surplus = k->mean_ns - mean * times;
        double doubt = k->deviation_ns - fmax(deviation, k->mean_ns * DEVIATION_FIRST);
        k->mean_ns -= GAIN_STALE * fmax(surplus, 0);
        k->deviation_ns -= GAIN_STALE * fmax(doubt, 0);
    }
}

void
cost_relax(struct cost *c)
{
    for (uint32_t i = 0; i < c->knot_count; i++) {
        struct cost_knot *k = &c->knots[i];
        if (k->known) {
            k->mean_ns = k->best_ns;
            k->deviation_ns = fmin(k->deviation_ns, k->mean_ns * DEVIATION_FIRST);
        }
    }
    if (cost_is_known(c)) {
        fill_gaps(c);
        make_rising(c);
    }
}

void
cost_observe(struct cost *c, uint32_t rows, int64_t took_ns)
{
    struct place at = place_of(c, rows);
    learn(c, at, took_ns > 0 ? (double)took_ns : 1);
    sink_stale(c, at, rows > 0 ? rows : 1);
    fill_gaps(c);
    make_rising(c);
}

int64_t
cost_mean(const struct cost *c, uint32_t rows)
{
    struct place at = place_of(c, rows);
    const struct cost_knot *k = &c->knots[at.low];
    return at.share > 0
               ? (int64_t)between(k[0].risen_mean_ns, k[1].risen_mean_ns, at.share)
               : (int64_t)k->risen_mean_ns;
}

int64_t
cost_bound(const struct cost *c, uint32_t rows)
{
    struct place at = place_of(c, rows);
    const struct cost_knot *k = &c->knots[at.low];
    return at.share > 0
               ? (int64_t)between(k[0].risen_bound_ns, k[1].risen_bound_ns, at.share)
               : (int64_t)k->risen_bound_ns;
}

uint32_t
cost_rows_within(const struct cost *c, uint32_t rows_most, int64_t time_ns)
{
    uint32_t low = 0; /* fits */
    uint32_t high = rows_most;
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        if (cost_bound(c, middle) <= time_ns) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

uint32_t
cost_bucket_ceil(const struct cost *c, uint32_t rows)
{
    return c->padded ? c->knots[knot_above(c, rows)].rows : rows;
}

uint32_t
cost_bucket_floor(const struct cost *c, uint32_t rows)
{
    if (!c->padded) {
        return rows;
    }
    uint32_t above = knot_above(c, rows);
    if (c->knots[above].rows <= rows) {
        return c->knots[above].rows;
    }
    return above > 0 ? c->knots[above - 1].rows : 0;
}
