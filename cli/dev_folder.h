/* SPDX-License-Identifier: Apache-2.0 */
/* Where `leat dev` keeps what lives as long as its broker: the store and a webhook
 * secret. */
#ifndef CLI_DEV_FOLDER_H
#define CLI_DEV_FOLDER_H

#include "base/status.h"

enum { DEV_PATH_BYTES = 256 };

struct dev_folder {
    char path[DEV_PATH_BYTES]; /* "" = not made */
    char store[DEV_PATH_BYTES + 16];
    char secret[DEV_PATH_BYTES + 16];
};

/**
 * Makes the folder below $TMPDIR and a fresh `whsec_` secret in it, readable by the
 * owner only.
 *
 * @return STATUS_OK; STATUS_IO with the reason
 */
MUST_CHECK enum status
dev_folder_create(struct dev_folder *folder, struct fault *fault);

/** Removes it with all that is inside. */
void dev_folder_remove(struct dev_folder *folder);

#endif
