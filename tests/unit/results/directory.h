/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of its own for a test, removed with what the store put into it. */
#ifndef TESTS_RESULTS_DIRECTORY_H
#define TESTS_RESULTS_DIRECTORY_H

struct directory {
    char path[64];
};

void directory_create(struct directory *d);
void directory_remove(struct directory *d);

/** Writes a file into it and returns its path, valid until the next call. */
const char *
directory_write(const struct directory *d, const char *name, const char *text);

#endif
