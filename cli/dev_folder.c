/* SPDX-License-Identifier: Apache-2.0 */
/* Removal goes by nftw, depth first, and never follows a link out of the folder. */
#include "cli/dev_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { SECRET_BYTES = 33 }; /* a multiple of 3: base64 without padding */

static void
base64(const uint8_t *bytes, size_t size, char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three =
            (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        for (unsigned k = 0; k < 4; k++) {
            *out++ = letters[three >> (18 - 6 * k) & 63];
        }
    }
    *out = '\0';
}

static enum status
write_secret(const char *path)
{
    uint8_t random[SECRET_BYTES];
    char text[SECRET_BYTES / 3 * 4 + 1];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return STATUS_IO;
    }
    base64(random, sizeof(random), text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return STATUS_IO;
    }
    int written = dprintf(fd, "whsec_%s\n", text);
    return close(fd) == 0 && written > 0 ? STATUS_OK : STATUS_IO;
}

enum status
dev_folder_create(struct dev_folder *folder, struct fault *fault)
{
    const char *base = getenv("TMPDIR"); /* NOLINT(concurrency-mt-unsafe): at start */
    snprintf(folder->path, sizeof(folder->path), "%s/leat-dev-XXXXXX",
             base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (mkdtemp(folder->path) == NULL) {
        enum status status =
            fault_set(fault, STATUS_IO, "cannot make the folder %s", folder->path);
        folder->path[0] = '\0';
        return status;
    }
    snprintf(folder->store, sizeof(folder->store), "%s/results", folder->path);
    snprintf(folder->secret, sizeof(folder->secret), "%s/webhook", folder->path);
    if (write_secret(folder->secret) != STATUS_OK) {
        return fault_set(fault, STATUS_IO, "cannot write %s", folder->secret);
    }
    return STATUS_OK;
}

static int
remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void
dev_folder_remove(struct dev_folder *folder)
{
    if (folder->path[0] != '\0') {
        nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        folder->path[0] = '\0';
    }
}
