/* SPDX-License-Identifier: Apache-2.0 */
/* See child.h and docs/runner-protocol.md. */
#include "bench/bare/child.h"

#include "base/datatype.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
need(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

static void
spawn(struct child *c, char *const *argv)
{
    int pair[2];
    need(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0,
         "socketpair");
    c->pid = fork();
    need(c->pid >= 0, "fork");
    if (c->pid == 0) {
        char number[16];
        fcntl(pair[1], F_SETFD, 0);
        snprintf(number, sizeof number, "%d", pair[1]);
        setenv(RUNNER_FD_ENVIRONMENT, number, 1);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(pair[1]);
    c->control = pair[0];
}

/* Takes messages until one of this type; `failed` and the end of the runner are ours.
 */
static void
expect(const struct child *c, const char *type)
{
    static char text[CONTROL_BYTES + 1];
    char line[64];
    int size = snprintf(line, sizeof line, "type=%s\n", type);
    do {
        ssize_t got = recv(c->control, text, sizeof text - 1, 0);
        need(got > 0, "the runner ended");
        text[got] = '\0';
        if (strncmp(text, "type=failed", 11) == 0) {
            fprintf(stderr, "%s", text);
            exit(1);
        }
    } while (strncmp(text, line, (size_t)size) != 0);
}

static void
send_load(struct child *c, const char *lines, int slab)
{
    char text[16384];
    int length =
        snprintf(text, sizeof text, "type=load\ninstance=0\nslot_bytes=%" PRIu64 "\n%s",
                 c->slot_bytes, lines);
    int fds[] = {slab, c->submit, c->complete};
    union {
        char bytes[CMSG_SPACE(sizeof fds)];
        struct cmsghdr aligned;
    } beside = {.bytes = {0}};
    struct iovec part = {.iov_base = text, .iov_len = (size_t)length};
    struct msghdr header = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = beside.bytes,
                            .msg_controllen = sizeof beside.bytes};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(rights), fds, sizeof fds);
    need(sendmsg(c->control, &header, MSG_NOSIGNAL) == (ssize_t)length, "sendmsg");
}

void
child_start(struct child *c, char *const *argv, const char *lines, uint64_t slot_bytes)
{
    size_t size = slot_bytes * SLOTS_PER_INSTANCE;
    *c = (struct child){.slot_bytes = slot_bytes};
    spawn(c, argv);
    expect(c, "hello");
    int slab = memfd_create("slab", MFD_CLOEXEC);
    c->submit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->complete = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    need(slab >= 0 && c->submit >= 0 && c->complete >= 0, "memfd or eventfd");
    need(ftruncate(slab, (off_t)size) == 0, "ftruncate");
    c->slab = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, slab, 0);
    need(c->slab != MAP_FAILED, "mmap");
    send_load(c, lines, slab);
    close(slab);
    expect(c, "loaded");
}

bool
child_stop(struct child *c)
{
    static const char stop[] = "type=stop\n";
    int status = 0;
    need(send(c->control, stop, sizeof stop - 1, MSG_NOSIGNAL) > 0, "stop");
    need(waitpid(c->pid, &status, 0) == c->pid, "waitpid");
    munmap(c->slab, c->slot_bytes * SLOTS_PER_INSTANCE);
    close(c->control);
    close(c->submit);
    close(c->complete);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

uint64_t
child_aligned(uint64_t size)
{
    return (size + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
}

void
child_fill(struct slot_head *slot, int64_t rows, int64_t row_bytes)
{
    struct slot_tensor *t = &slot->inputs[0];
    *t = (struct slot_tensor){.name = "data",
                              .datatype = DATATYPE_UINT8,
                              .rank = 2,
                              .shape = {rows, row_bytes},
                              .offset = SLOT_DATA_OFFSET,
                              .size = (uint64_t)(rows * row_bytes)};
    memset(slot_bytes_at(slot, t->offset), 7, t->size);
    slot->rows = (uint32_t)rows;
    slot->input_count = 1;
    slot->inputs_end = child_aligned(t->offset + t->size);
}

void
child_submit(struct child *c, struct slot_head *slot)
{
    static const uint64_t one = 1;
    slot->sequence = ++c->sequence;
    atomic_store_explicit(&slot->state, SLOT_FILLED, memory_order_release);
    need(write(c->submit, &one, sizeof one) == (ssize_t)sizeof one, "eventfd");
}

void
child_wait(struct child *c)
{
    uint64_t heard = 0;
    struct pollfd wait = {.fd = c->complete, .events = POLLIN};
    need(poll(&wait, 1, -1) == 1, "poll");
    need(read(c->complete, &heard, sizeof heard) == (ssize_t)sizeof heard, "eventfd");
}
