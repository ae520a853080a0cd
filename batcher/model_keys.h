/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every key that model.properties knows and every platform that a model may have. One
 * table: what is read, what `leat models check` says, what `leat models init` writes
 * and what docs/models.md has to tell come from it. A backend adds its rows here.
 */
#ifndef BATCHER_MODEL_KEYS_H
#define BATCHER_MODEL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a value has to be. */
enum model_key_kind {
    KEY_TEXT,     /* anything, but something */
    KEY_CHOICE,   /* one of `choices` */
    KEY_BOOL,     /* true or false */
    KEY_INT,      /* from `least` to `most` */
    KEY_DURATION, /* 5ms; from `least` to `most` ns */
    KEY_BYTES,    /* 64MiB; from `least` to `most` */
    KEY_ROWS,     /* ascending: 1,2,4 */
    KEY_TENSOR,   /* pixels FP32 -1,64 */
    KEY_DEVICE,   /* cpu, cpu:1, cuda, cuda:1 */
    KEY_POLICY,   /* of versions */
    KEY_VERSION,  /* the number of one */
    KEY_HEX,      /* 1 to 16 bytes: 0a1b */
    KEY_PLATFORM
};

struct model_key {
    /* "input.N" stands for input.0, input.1, ...; behind "version.label.NAME" stands
     * any name. */
    const char *name;
    const char *choices; /* "fail|allow" */
    const char *example; /* the default, or else a good value */
    const char *start;   /* what a new model begins with; NULL: it is not set */
    const char *help;    /* one line */
    int64_t least;       /* both 0: any */
    int64_t most;
    enum model_key_kind kind;
    bool required;   /* a model without it is none */
    bool for_runner; /* the batcher reads it and hands it on, too */
};

struct model_platform {
    const char *name;
    const char *help; /* one line */
    /* A file of the version folder whose name ends so makes it such a model; "": none
     * does. */
    const char *suffix;
    const char *file; /* what the file has to be called; "": as it likes */
    /* Keys that begin so belong to what is loaded and are handed on unseen; "": all
     * that are not nearly one of ours; NULL: none do. */
    const char *own_prefix;
    const struct model_key *keys; /* beside those of every model */
    size_t key_count;
    bool names_tensors; /* input.N has to be written: nothing else tells them */
    const char *next;   /* what a person does after `leat models init`; one line */
};

extern const struct model_platform model_platforms[];
extern const size_t model_platform_count;

/** Those of every model. */
extern const struct model_key model_keys[];
extern const size_t model_key_count;

/** The platform of that name, or NULL. */
const struct model_platform *model_platform_find(const char *name);

/** "dense, sim, echo": for a message. @param[in] size of out; what is over is cut off
 */
void model_platform_list(char *out, size_t size);

/**
 * The row for a key as it is written.
 *
 * @param[in] platform NULL: only keys of every model
 * @return NULL: there is no such key
 */
const struct model_key *
model_key_find(const struct model_platform *platform, const char *key);

/** Whether a key without a row belongs to what is loaded. */
bool model_key_is_own(const struct model_platform *platform, const char *key);

/** The known key that is nearest to one that is none, or NULL if none is near. */
const char *model_key_nearest(const struct model_platform *platform, const char *key);

/** Another platform that has the key, or NULL. */
const struct model_platform *model_key_elsewhere(const char *key);

#endif
