/* SPDX-License-Identifier: Apache-2.0 */
/* A model repository for one test: `sim` models of UINT8 rows, in a folder of its own.
 */
#ifndef TESTS_FLOW_STAGE_MODELS_H
#define TESTS_FLOW_STAGE_MODELS_H

struct stage_models {
    char folder[64];
};

void stage_models_open(struct stage_models *m);

/** Adds a model, or writes its properties anew; the last of equal keys in its
 * properties counts. */
void stage_models_add(const struct stage_models *m,
                      const char *name,
                      const char *properties,
                      int row_bytes);
/** Adds the folder of a version; `sim` needs nothing in it. */
void stage_models_add_version(const struct stage_models *m,
                              const char *name,
                              const char *version);
/** Removes a model, or MODEL/VERSION. */
void stage_models_remove(const struct stage_models *m, const char *path);
void stage_models_close(const struct stage_models *m);

#endif
