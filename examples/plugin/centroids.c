/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of Leat as a shared object: which of some points is nearest? The points
 * (centroids) stand in centroids.csv in the folder of the version, one a line: a label
 * and its coordinates. A request brings `point` FP32 [-1, D] and gets `label` BYTES
 * [-1, 1] and `distance` FP32 [-1, 1]; D is read from the file.
 *
 * Shows what a plug-in does: read files and properties, tell tensors, write outputs of
 * fixed and of variable size in place, refuse a row, log.
 */
#include <leat/plugin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CENTROIDS_MAX = 1024, DIMENSIONS_MAX = 64, LABEL_BYTES = 32, LINE_BYTES = 4096 };
enum { OUTPUT_LABEL, OUTPUT_DISTANCE };

struct centroid {
    char label[LABEL_BYTES];
    float at[DIMENSIONS_MAX];
};

struct model {
    const struct leat_log *log;
    double farthest; /* property centroids.farthest: points farther away are refused */
    size_t dimensions;
    size_t count;
    struct centroid centroids[CENTROIDS_MAX];
    size_t *nearest; /* of the rows of a batch, max_batch_size of them */
    float *distance; /* likewise */
};

/* Reads `label,x,y,...`. Returns the number of coordinates, 0 for a bad line. */
static size_t
read_centroid(struct centroid *c, const char *line)
{
    const char *at = strchr(line, ',');
    size_t dimensions = 0;
    if (at == NULL || at == line || (size_t)(at - line) >= sizeof c->label) {
        return 0;
    }
    memcpy(c->label, line, (size_t)(at - line));
    while (*at == ',' && dimensions < DIMENSIONS_MAX) {
        char *end = NULL;
        c->at[dimensions++] = strtof(at + 1, &end);
        if (end == at + 1) {
            return 0;
        }
        at = end;
    }
    return *at == '\n' || *at == '\r' || *at == '\0' ? dimensions : 0;
}

/* Every line must have as many coordinates as the first. Returns what is wrong. */
static const char *
read_lines(struct model *m, FILE *file)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        if (m->count == CENTROIDS_MAX) {
            return "centroids.csv: over 1024 points";
        }
        size_t dimensions = read_centroid(&m->centroids[m->count], line);
        if (dimensions == 0 || (m->count > 0 && dimensions != m->dimensions)) {
            return "centroids.csv: a line is not label,x,y,... with as many numbers as "
                   "the first";
        }
        m->dimensions = dimensions;
        m->count++;
    }
    return m->count == 0 ? "centroids.csv: no points" : NULL;
}

static int
read_file(struct leat_load *load, struct model *m)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/centroids.csv", load->directory);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return load->fail(load, "centroids.csv cannot be opened");
    }
    const char *wrong = read_lines(m, file);
    fclose(file);
    return wrong == NULL ? LEAT_OK : load->fail(load, wrong);
}

static int
tell_tensors(struct leat_load *load, const struct model *m)
{
    const struct leat_tensor point = {
        "point", LEAT_FP32, 2, {-1, (int64_t)m->dimensions}};
    const struct leat_tensor label = {"label", LEAT_BYTES, 2, {-1, 1}};
    const struct leat_tensor distance = {"distance", LEAT_FP32, 2, {-1, 1}};
    if (load->add_input(load, &point) != LEAT_OK ||
        load->add_output(load, &label) != LEAT_OK ||
        load->add_output(load, &distance) != LEAT_OK) {
        return LEAT_FAILED;
    }
    return LEAT_OK;
}

static void
centroids_unload(void *state)
{
    struct model *m = (struct model *)state;
    free(m->nearest);
    free(m->distance);
    free(m);
}

static int
prepare_model(struct leat_load *load, struct model *m)
{
    const char *farthest = load->property(load, "centroids.farthest");
    char text[100];
    m->log = load->log;
    m->farthest = farthest == NULL ? INFINITY : strtod(farthest, NULL);
    m->nearest = (size_t *)calloc(load->max_batch_size, sizeof *m->nearest);
    m->distance = (float *)calloc(load->max_batch_size, sizeof *m->distance);
    if (m->nearest == NULL || m->distance == NULL) {
        return load->fail(load, "no memory, or max.batch.size is 0");
    }
    if (read_file(load, m) != LEAT_OK || tell_tensors(load, m) != LEAT_OK) {
        return LEAT_FAILED;
    }
    snprintf(text, sizeof text, "%zu points of %zu dimensions", m->count,
             m->dimensions);
    m->log->write(m->log, LEAT_INFO, text);
    return LEAT_OK;
}

static int
centroids_load(struct leat_load *load, void **state)
{
    struct model *m = (struct model *)calloc(1, sizeof *m);
    if (m == NULL) {
        return load->fail(load, "no memory");
    }
    if (prepare_model(load, m) != LEAT_OK) {
        centroids_unload(m);
        return LEAT_FAILED;
    }
    *state = m;
    return LEAT_OK;
}

static void
find_nearest(const struct model *m, const float *point, size_t row)
{
    double best = INFINITY;
    m->nearest[row] = 0;
    for (size_t c = 0; c < m->count; c++) {
        double sum = 0;
        for (size_t d = 0; d < m->dimensions; d++) {
            double difference = (double)point[d] - (double)m->centroids[c].at[d];
            sum += difference * difference;
        }
        if (sum < best) {
            best = sum;
            m->nearest[row] = c;
        }
    }
    m->distance[row] = (float)sqrt(best);
}

/* An element of BYTES is its length, 32 bits little-endian, and its bytes. */
static uint8_t *
put_label(uint8_t *at, const char *label)
{
    size_t size = strlen(label);
    const uint8_t length[4] = {(uint8_t)size, (uint8_t)(size >> 8),
                               (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
    memcpy(at, length, sizeof length);
    memcpy(at + sizeof length, label, size);
    return at + sizeof length + size;
}

static int
write_outputs(const struct model *m, struct leat_batch *batch)
{
    const int64_t shape[2] = {(int64_t)batch->rows, 1};
    size_t label_bytes = 0;
    for (uint32_t row = 0; row < batch->rows; row++) {
        label_bytes += 4 + strlen(m->centroids[m->nearest[row]].label);
    }
    uint8_t *label = (uint8_t *)batch->output(batch, OUTPUT_LABEL, shape, label_bytes);
    float *distance = (float *)batch->output(batch, OUTPUT_DISTANCE, shape,
                                             batch->rows * sizeof *distance);
    if (label == NULL || distance == NULL) {
        return LEAT_FAILED; /* output() has said why */
    }
    memcpy(distance, m->distance, batch->rows * sizeof *distance);
    for (uint32_t row = 0; row < batch->rows; row++) {
        label = put_label(label, m->centroids[m->nearest[row]].label);
    }
    return LEAT_OK;
}

static int
centroids_run(void *state, struct leat_batch *batch)
{
    const struct model *m = (const struct model *)state;
    const float *points = (const float *)batch->inputs[0].data;
    for (uint32_t row = 0; row < batch->rows; row++) {
        find_nearest(m, points + row * m->dimensions, row);
        if (!batch->warm_up && !(m->distance[row] <= m->farthest)) {
            batch->refuse_row(batch, row, "the point is too far from everything");
        }
    }
    return write_outputs(m, batch);
}

static const struct leat_plugin centroids = {
    LEAT_PLUGIN_HEAD, centroids_load, NULL, centroids_run, centroids_unload,
};

const struct leat_plugin *
leat_plugin_get(void)
{
    return &centroids;
}
