/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processing.guarantee=exactly_once_v2: under which transactional id this batcher
 * works. With group.instance.id the id is stable: a twin or a successor ends what its
 * predecessor left open, and fences it. Without, the id is this process's own, and what
 * a crash leaves open ends by its timeout; nobody's zombie can commit anyway, as its
 * generation of the group is over (KIP-447).
 */
#ifndef BATCHER_EXACTLY_ONCE_H
#define BATCHER_EXACTLY_ONCE_H

#include "base/status.h"
#include "batcher/batcher.h"
#include "batcher/transaction.h"
#include "bus/config.h"

#include <stdbool.h>

enum { TRANSACTIONAL_ID_SIZE = 512 };

struct exactly_once {
    struct transaction_config config; /* without its functions */
    char id[TRANSACTIONAL_ID_SIZE];
};

bool exactly_once_wanted(const struct batcher_config *config);

/** @return STATUS_OK; STATUS_UNSUPPORTED in dev mode; STATUS_INVALID for a long id */
MUST_CHECK enum status exactly_once_init(struct exactly_once *e,
                                         const struct bus_config *bus,
                                         const struct batcher_config *config,
                                         struct fault *fault);

#endif
