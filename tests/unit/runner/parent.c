/* SPDX-License-Identifier: Apache-2.0 */
/* See parent.h. */
#include "parent.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 30000 };

void
parent_start(struct parent *p)
{
    static char own[] = LEAT_BINARY_DIR "/leat-runner";
    char *other = getenv("LEAT_RUNNER"); /* one built with another sanitizer */
    char *path = other != NULL ? other : own;
    char *const argv[] = {path, NULL};
    parent_start_program(p, argv);
}

void
parent_start_python(struct parent *p)
{
    static char script[] = LEAT_SOURCE_DIR "/runner/python/leat_runner.py";
    const char *python = getenv("LEAT_PYTHON");
    static char debian[] = "/usr/bin/python3";
    char *const argv[] = {python != NULL ? (char *)(uintptr_t)python : debian, script,
                          NULL};
    parent_start_program(p, argv);
}

void
parent_start_program(struct parent *p, char *const *argv)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    p->child = fork();
    cr_assert_geq(p->child, 0);
    if (p->child == 0) {
        char number[16];
        fcntl(pair[1], F_SETFD, 0);
        snprintf(number, sizeof number, "%d", pair[1]);
        setenv(RUNNER_FD_ENVIRONMENT, number, 1);
        execv(argv[0], argv);
        _exit(127);
    }
    close(pair[1]);
    p->control = pair[0];
    cr_assert(parent_expect(p, "hello"), "no hello of %s", argv[0]);
}

int
parent_wait_exit(struct parent *p)
{
    int status = 0;
    cr_assert_eq(waitpid(p->child, &status, 0), p->child);
    if (p->control >= 0) {
        close(p->control);
    }
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

void
parent_stop(struct parent *p)
{
    parent_send(p, "type=stop\n");
    cr_assert_eq(parent_wait_exit(p), 0);
}

void
parent_send(struct parent *p, const char *text)
{
    ssize_t sent = send(p->control, text, strlen(text), MSG_NOSIGNAL);
    cr_assert_eq(sent, (ssize_t)strlen(text));
}

static bool
receive(struct parent *p)
{
    struct pollfd wait = {.fd = p->control, .events = POLLIN};
    if (poll(&wait, 1, WAIT_MS) != 1) {
        return false;
    }
    ssize_t size = recv(p->control, p->message, sizeof p->message - 1, 0);
    p->message[size > 0 ? size : 0] = '\0';
    return size > 0;
}

bool
parent_expect(struct parent *p, const char *type)
{
    char line[64];
    snprintf(line, sizeof line, "type=%s", type);
    do {
        if (!receive(p)) {
            return false;
        }
    } while (parent_said(p, "type=log"));
    return parent_said(p, line);
}

bool
parent_logs(struct parent *p, const char *words)
{
    do {
        if (!receive(p)) {
            return false;
        }
    } while (!parent_said(p, "type=log") || strstr(p->message, words) == NULL);
    return true;
}

bool
parent_hears(struct parent *p, const char *line)
{
    do {
        if (!receive(p)) {
            return false;
        }
    } while (!parent_said(p, line));
    return true;
}

bool
parent_is_gone(struct parent *p, int wait_ms)
{
    struct pollfd wait = {.fd = p->control, .events = POLLIN};
    ssize_t size = 1;
    while (size > 0 && poll(&wait, 1, wait_ms) == 1) {
        size = recv(p->control, p->message, sizeof p->message - 1, 0);
    }
    return size <= 0;
}

bool
parent_said(const struct parent *p, const char *line)
{
    size_t size = strlen(line);
    for (const char *at = p->message; at != NULL && *at != '\0';) {
        if (strncmp(at, line, size) == 0 && at[size] == '\n') {
            return true;
        }
        at = strchr(at, '\n');
        at = at == NULL ? NULL : at + 1;
    }
    return false;
}

void
parent_load(struct parent *p,
            struct loaded *l,
            unsigned instance,
            uint64_t slot_bytes,
            const char *lines)
{
    size_t size = slot_bytes * SLOTS_PER_INSTANCE;
    *l = (struct loaded){.instance = instance, .slot_bytes = slot_bytes};
    l->slab_fd = memfd_create("slab", MFD_CLOEXEC);
    l->submit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->complete = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    cr_assert(l->slab_fd >= 0 && l->submit >= 0 && l->complete >= 0);
    cr_assert_eq(ftruncate(l->slab_fd, (off_t)size), 0);
    l->slab = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, l->slab_fd, 0);
    cr_assert_neq(l->slab, MAP_FAILED);

    static char text[CONTROL_BYTES];
    int length = snprintf(text, sizeof text,
                          "type=load\ninstance=%u\nslot_bytes=%" PRIu64 "\n%s",
                          instance, slot_bytes, lines);
    int fds[] = {l->slab_fd, l->submit, l->complete};
    union {
        char bytes[CMSG_SPACE(sizeof fds)];
        struct cmsghdr aligned;
    } beside = {.bytes = {0}};
    struct iovec part = {.iov_base = text, .iov_len = (size_t)length};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = beside.bytes,
                            .msg_controllen = sizeof beside.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    cr_assert_eq(sendmsg(p->control, &header, MSG_NOSIGNAL), (ssize_t)length);
}

void
loaded_close(struct loaded *l)
{
    munmap(l->slab, l->slot_bytes * SLOTS_PER_INSTANCE);
    close(l->slab_fd);
    close(l->submit);
    close(l->complete);
}

struct slot_head *
loaded_slot(const struct loaded *l, unsigned index)
{
    return slot_at(l->slab, l->slot_bytes, index);
}

void
slot_begin(struct slot_head *slot, uint32_t rows)
{
    slot->rows = rows;
    slot->input_count = 0;
    slot->inputs_end = SLOT_DATA_OFFSET;
    slot->taken_ns = 0;
    slot->prepared_ns = 0;
    slot->started_ns = 0;
    slot->completed_ns = 0;
}

void
fill_bytes(struct slot_head *slot, uint32_t rows, const char *first_bytes)
{
    uint8_t values[8][4] = {{0}};
    for (uint32_t i = 0; i < rows; i++) {
        values[i][0] = (uint8_t)first_bytes[i];
        values[i][3] = (uint8_t)i;
    }
    int64_t shape[] = {rows, 4};
    slot_begin(slot, rows);
    slot_add(slot, "x", DATATYPE_UINT8, shape, 2, values, rows * sizeof values[0]);
}

void
slot_add(struct slot_head *slot,
         const char *name,
         enum datatype datatype,
         const int64_t *shape,
         uint32_t rank,
         const void *data,
         size_t size)
{
    struct slot_tensor *t = &slot->inputs[slot->input_count++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->datatype = (uint32_t)datatype;
    t->rank = rank;
    memcpy(t->shape, shape, rank * sizeof *shape);
    t->offset = slot->inputs_end;
    t->size = size;
    memcpy(slot_bytes_at(slot, t->offset), data, size);
    slot->inputs_end = (t->offset + size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

const char *
row_error(struct slot_head *slot, uint32_t row)
{
    return slot->row_errors == 0
               ? NULL
               : slot_bytes_at(slot, (uint64_t)slot->row_errors * SLOT_ALIGN +
                                         (uint64_t)row * SLOT_ROW_ERROR_BYTES);
}

void
loaded_submit(struct loaded *l, struct slot_head *slot)
{
    static const uint64_t one = 1;
    slot->sequence = ++l->sequence;
    atomic_store_explicit(&slot->state, SLOT_FILLED, memory_order_release);
    cr_assert_eq(write(l->submit, &one, sizeof one), (ssize_t)sizeof one);
}

bool
loaded_withdraw(struct slot_head *slot)
{
    uint32_t filled = SLOT_FILLED;
    return atomic_compare_exchange_strong(&slot->state, &filled, SLOT_FREE);
}

bool
loaded_wait(const struct loaded *l, uint64_t rings)
{
    uint64_t heard = 0;
    while (heard < rings) {
        uint64_t more = 0;
        struct pollfd wait = {.fd = l->complete, .events = POLLIN};
        if (poll(&wait, 1, WAIT_MS) != 1 ||
            read(l->complete, &more, sizeof more) != (ssize_t)sizeof more) {
            return false;
        }
        heard += more;
    }
    return true;
}

bool
loaded_run(struct loaded *l, struct slot_head *slot)
{
    loaded_submit(l, slot);
    return loaded_wait(l, 1) &&
           atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_DONE;
}
