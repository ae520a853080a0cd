/* SPDX-License-Identifier: Apache-2.0 */
/* One line in `state`: format, how it was left, boot id. An flock on `lock`. */
#include "results/mark.h"

#include "base/span.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "leat-store-2"

enum { BOOT_ID_MAX = 64, LINE_MAX_BYTES = 128, PATH_MAX_BYTES = 4096 };

static void
read_line(int directory_fd, const char *path, char *line, size_t size)
{
    line[0] = '\0';
    int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    ssize_t length = read(fd, line, size - 1);
    close(fd);
    line[length > 0 ? length : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

/* Without /proc every boot looks alike to us; then only a clean close counts. */
static void
line_for(const char *how, char line[static LINE_MAX_BYTES])
{
    char boot[BOOT_ID_MAX];
    read_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    snprintf(line, LINE_MAX_BYTES, "%s %s %s", FORMAT, how, boot);
}

static bool
left_in_order(int directory_fd)
{
    char found[LINE_MAX_BYTES];
    char open_now[LINE_MAX_BYTES];
    read_line(directory_fd, "state", found, sizeof found);
    line_for("open", open_now);
    bool clean = strncmp(found, FORMAT " clean ", strlen(FORMAT " clean ")) == 0;
    bool same_boot = strcmp(found, open_now) == 0 && strlen(open_now) > 32;
    return clean || same_boot;
}

static enum status
write_state(int directory_fd, const char *how)
{
    char line[LINE_MAX_BYTES];
    line_for(how, line);
    size_t length = strlen(line);
    line[length++] = '\n';
    int fd =
        openat(directory_fd, "state", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return STATUS_IO;
    }
    bool written = write(fd, line, length) == (ssize_t)length && fsync(fd) == 0;
    close(fd);
    return written ? STATUS_OK : STATUS_IO;
}

static enum status
make_directories(const char *directory)
{
    char path[PATH_MAX_BYTES];
    int length = snprintf(path, sizeof path, "%s/", directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        return STATUS_IO;
    }
    for (char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return STATUS_IO;
        }
        *slash = '/';
    }
    return STATUS_OK;
}

static enum status
open_files(struct mark *m, const char *directory)
{
    if (make_directories(directory) != STATUS_OK) {
        return STATUS_IO;
    }
    m->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->directory_fd < 0) {
        return STATUS_IO;
    }
    m->lock_fd = openat(m->directory_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return m->lock_fd < 0 ? STATUS_IO : STATUS_OK;
}

static void
close_files(struct mark *m)
{
    if (m->lock_fd >= 0) {
        close(m->lock_fd);
    }
    if (m->directory_fd >= 0) {
        close(m->directory_fd);
    }
    *m = (struct mark){.directory_fd = -1, .lock_fd = -1};
}

enum status
mark_open(struct mark *m, const char *directory, bool *trusted, struct fault *fault)
{
    *m = (struct mark){.directory_fd = -1, .lock_fd = -1};
    enum status status = open_files(m, directory);
    if (status == STATUS_OK && flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        close_files(m);
        return fault_set(fault, STATUS_CONFLICT,
                         "results.store %s is open in another process: give each "
                         "ingest a directory of its own",
                         directory);
    }
    if (status == STATUS_OK) {
        *trusted = left_in_order(m->directory_fd);
        status = write_state(m->directory_fd, "open");
    }
    if (status != STATUS_OK) {
        int why = errno;
        close_files(m);
        char text[128];
        return fault_set(fault, status, "results.store %s cannot be used: %s",
                         directory, strerror_r(why, text, sizeof text));
    }
    return STATUS_OK;
}

void
mark_distrust(struct mark *m)
{
    m->broken = true;
    (void)write_state(m->directory_fd, "broken");
}

void
mark_close(struct mark *m, bool clean)
{
    if (m->directory_fd >= 0 && clean && !m->broken) {
        (void)write_state(m->directory_fd, "clean");
    }
    close_files(m);
}
