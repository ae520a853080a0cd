/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `leat webhook`, and its part that listens. */
#ifndef CLI_WEBHOOK_H
#define CLI_WEBHOOK_H

#include <stdint.h>

struct webhook_options {
    const char *secret_file;
    const char *listen;
    int64_t count;
    const char *id; /* of verify: the headers */
    const char *timestamp;
    const char *signature;
};

/**
 * Receives webhooks, prints each and whether its signature fits, and answers 204, or
 * 401 where it does not, until SIGTERM or SIGINT or `count` have come.
 *
 * @return an exit status of cli/verb.h
 */
int webhook_listen(const struct webhook_options *options);

#endif
