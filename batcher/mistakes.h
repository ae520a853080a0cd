/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a model, all of it: file, line, key and what was expected. Kept as
 * a list, so that a person mends everything in one go.
 */
#ifndef BATCHER_MISTAKES_H
#define BATCHER_MISTAKES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <stdarg.h>
#include <stddef.h>

enum mistake_kind {
    MISTAKE_ERROR,   /* the model cannot be served */
    MISTAKE_FOREIGN, /* unless runner.command names a runner that knows better */
    MISTAKE_WARNING  /* it can, but not as somebody may think */
};

struct mistake {
    enum mistake_kind kind;
    const char *file; /* the path that a person may open */
    unsigned line;    /* from 1; 0: the file or folder as a whole */
    const char *key;  /* "" if it is about none */
    const char *text;
};

enum { MISTAKES_MAX = 100 };

struct mistakes {
    struct mistake *items; /* in the arena that is handed to mistakes_add() */
    size_t count;
    size_t unlisted; /* over MISTAKES_MAX, or without memory; errors */
};

/** Adds one. @param[in] m kind, file, line and key; its text is made of the format. The
 * texts it points to live as long as the arena */
void mistakes_add(struct mistakes *list,
                  struct arena *arena,
                  const struct mistake *m,
                  const char *format,
                  ...) PRINTF_LIKE(4, 5);

/** The same. */
void mistakes_add_list(struct mistakes *list,
                       struct arena *arena,
                       const struct mistake *m,
                       const char *format,
                       va_list args) PRINTF_LIKE(4, 0);

/** Puts them in the order of their lines; what is about no line comes last. */
void mistakes_sort(struct mistakes *list);

size_t mistakes_of_kind(const struct mistakes *list, enum mistake_kind kind);

/** `models/x/model.properties:7: max.batch.size: 5000 is ...`, without a newline. */
void mistake_format(const struct mistake *m, struct buf *out);

#endif
