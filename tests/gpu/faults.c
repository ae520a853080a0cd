/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong on a device: no memory (the load says so, and works once there is
 * some), and a device that is lost under a runner: its batch is DEVICE_LOST and the
 * process ends with 75. The second plays a batcher to this program, started again as a
 * runner.
 */
#include "check.h"
#include "runner/protocol.h"
#include "runner/runner.h"
#include "twin.h"

#include <cuda_runtime_api.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS_MAX = 4096, ROWS = 4, IN = 64, OUT = 10, DEVICE_LOST_STATUS = 75 };

static void *taken[BLOCKS_MAX];

/* In ever smaller blocks, until nothing is left. */
static size_t
take_all_memory(void)
{
    size_t count = 0;
    size_t size = (size_t)16 << 30;
    while (size >= 65536 && count < BLOCKS_MAX) {
        if (cudaMalloc(&taken[count], size) == cudaSuccess) {
            count++;
        } else {
            (void)cudaGetLastError();
            size /= 2;
        }
    }
    return count;
}

static void
check_memory(void)
{
    static const uint32_t widths[] = {1024, 1024, 0};
    char folder[FOLDER_BYTES];
    struct twin t;
    struct fault fault = {.text = ""};
    twin_write(widths, folder);
    size_t count = take_all_memory();
    enum status status = twin_load(&t, folder, "layers=l0 relu\n", "cuda", 64, &fault);
    check(status == STATUS_NO_MEMORY, "a load without memory says: %s", fault.text);
    twin_unload(&t);
    for (size_t i = 0; i < count; i++) {
        cudaFree(taken[i]);
    }
    fault.text[0] = '\0';
    status = twin_load(&t, folder, "layers=l0 relu\n", "cuda", 64, &fault);
    check(status == STATUS_OK, "and works once there is some: %s",
          status == STATUS_OK ? "loaded" : fault.text);
    check(t.model.device_bytes > (size_t)1024 * 1024 * 4,
          "a load tells its memory: %zu KiB", (size_t)t.model.device_bytes / 1024);
    twin_unload(&t);
    status = twin_load(&t, folder, "layers=l0 relu\n", "cuda:77", 64, &fault);
    check(status == STATUS_UNSUPPORTED, "a GPU that is not there: %s", fault.text);
    twin_unload(&t);
    status =
        twin_load(&t, folder, "layers=l0 relu\nprecision=fp8\n", "cuda", 64, &fault);
    check(status == STATUS_INVALID, "an unknown precision: %s", fault.text);
    twin_unload(&t);
    twin_remove(folder);
}

static void *
wait_and_lose(void *arg)
{
    const int *fd = arg;
    char byte = 0;
    if (read(*fd, &byte, 1) == 1) {
        lose_device();
        if (write(*fd, &byte, 1) != 1) {
            _exit(3);
        }
    }
    return NULL;
}

int
faults_runner(int control_fd, int pipe_fd)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_and_lose, &pipe_fd) != 0) {
        return 3;
    }
    return runner_serve(control_fd);
}

/* The runner as its batcher, this program, sees it. */
struct child {
    pid_t pid;
    int control;
    int tell; /* a byte here loses its device; it answers with one */
    void *slab;
    uint64_t slot_bytes;
    int slab_fd;
    int submit;
    int complete;
};

static void
start(struct child *c)
{
    int control[2];
    int pipe_ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, control) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, pipe_ends) != 0) {
        exit(2);
    }
    c->control = control[0];
    c->tell = pipe_ends[0];
    c->pid = fork();
    if (c->pid == 0) {
        char numbers[2][16];
        close(control[0]);
        close(pipe_ends[0]);
        snprintf(numbers[0], sizeof numbers[0], "%d", control[1]);
        snprintf(numbers[1], sizeof numbers[1], "%d", pipe_ends[1]);
        execl("/proc/self/exe", "gpu_check", "--runner", numbers[0], numbers[1],
              (char *)NULL);
        _exit(2);
    }
    close(control[1]);
    close(pipe_ends[1]);
}

static void
make_slab(struct child *c)
{
    c->slot_bytes = 65536;
    c->slab_fd = memfd_create("gpu", 0);
    c->submit = eventfd(0, 0);
    c->complete = eventfd(0, 0);
    size_t size = c->slot_bytes * SLOTS_PER_INSTANCE;
    if (c->slab_fd < 0 || ftruncate(c->slab_fd, (off_t)size) != 0) {
        exit(2);
    }
    c->slab = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, c->slab_fd, 0);
}

static void
send_load(const struct child *c, const char *folder)
{
    char text[512];
    int size = snprintf(text, sizeof text,
                        "type=load\ninstance=0\nmodel=m\nversion=1\ndir=%s\n"
                        "platform=dense\nslot_bytes=%lu\nmax_batch_size=%d\n"
                        "device=cuda\nproperty.layers=l0 softmax\n",
                        folder, (unsigned long)c->slot_bytes, ROWS);
    int fds[] = {c->slab_fd, c->submit, c->complete};
    char space[CMSG_SPACE(sizeof fds)];
    memset(space, 0, sizeof space);
    struct iovec part = {.iov_base = text, .iov_len = (size_t)size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = space,
        .msg_controllen = sizeof space,
    };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(head), fds, sizeof fds);
    if (sendmsg(c->control, &message, 0) < 0) {
        exit(2);
    }
}

/* Reads messages up to one of that type. */
static bool
expect(const struct child *c, const char *type)
{
    char text[CONTROL_BYTES + 1];
    char line[64];
    snprintf(line, sizeof line, "type=%s\n", type);
    for (;;) {
        struct pollfd p = {.fd = c->control, .events = POLLIN};
        ssize_t size =
            poll(&p, 1, 60000) == 1 ? recv(c->control, text, sizeof text - 1, 0) : -1;
        if (size <= 0) {
            return false;
        }
        text[size] = '\0';
        if (strncmp(text, line, strlen(line)) == 0) {
            return true;
        }
        const char *words = strstr(text, "text=");
        words = words == NULL ? strstr(text, "reason=") : words;
        if (words != NULL) {
            tell("    runner: %.*s", (int)strcspn(words, "\n"), words);
        }
    }
}

static enum slot_outcome
run_batch(struct child *c, uint64_t sequence)
{
    struct slot_head *slot = slot_at(c->slab, c->slot_bytes, 0);
    slot->sequence = sequence;
    slot->rows = ROWS;
    slot->input_count = 1;
    slot->inputs[0] = (struct slot_tensor){
        .name = "input",
        .datatype = DATATYPE_FP32,
        .rank = 2,
        .shape = {ROWS, IN},
        .offset = SLOT_DATA_OFFSET,
        .size = (uint64_t)ROWS * IN * sizeof(float),
    };
    slot->inputs_end = SLOT_DATA_OFFSET + slot->inputs[0].size;
    atomic_store(&slot->state, SLOT_FILLED);
    uint64_t one = 1;
    struct pollfd done = {.fd = c->complete, .events = POLLIN};
    if (write(c->submit, &one, sizeof one) != sizeof one ||
        poll(&done, 1, 60000) != 1 || read(c->complete, &one, sizeof one) < 0) {
        return SLOT_FAILED;
    }
    return (enum slot_outcome)slot->outcome;
}

static void
check_lost_device(void)
{
    static const uint32_t widths[] = {IN, OUT, 0};
    char folder[FOLDER_BYTES];
    char byte = 1;
    struct child c;
    twin_write(widths, folder);
    start(&c);
    make_slab(&c);
    send_load(&c, folder);
    if (!check(expect(&c, "loaded"), "a runner loads a model on the device")) {
        return;
    }
    check(run_batch(&c, 1) == SLOT_SUCCEEDED, "and runs a batch");
    bool told = write(c.tell, &byte, 1) == 1 && read(c.tell, &byte, 1) == 1;
    enum slot_outcome outcome = run_batch(&c, 2);
    struct slot_head *slot = slot_at(c.slab, c.slot_bytes, 0);
    check(told && outcome == SLOT_DEVICE_LOST,
          "after an illegal address the batch ends as device lost: %s", slot->error);
    int status = 0;
    waitpid(c.pid, &status, 0);
    check(WIFEXITED(status) && WEXITSTATUS(status) == DEVICE_LOST_STATUS,
          "and the runner exits with 75");
    twin_remove(folder);
}

void
check_faults(void)
{
    check_memory();
    check_lost_device();
}
