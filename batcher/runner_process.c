/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_spawn, as other threads (librdkafka's) run while we start one. The child gets a
 * process group of its own, so that Ctrl-C on the terminal drains the batcher instead
 * of killing what it drains, and so that it is killed with all that it started; it ends
 * by itself when its socket closes.
 */
#include "batcher/runner_process.h"

#include "runner/protocol.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_SOCKET = 3, RUNNER_FDS_MAX = 3, ENVIRONMENT_MAX = 512 };

struct runner_process {
    struct loop *loop;
    struct runner_events events;
    void *arg;
    pid_t pid;
    int pidfd;
    int socket;
    bool dead; /* reaped */
};

/** The environment with the descriptor's name in it. */
static void
child_environment(char *setting, char *environment[static ENVIRONMENT_MAX + 2])
{
    size_t n = 0;
    for (char **e = environ; *e != NULL && n < ENVIRONMENT_MAX; e++) {
        if (strncmp(*e, RUNNER_FD_ENVIRONMENT "=",
                    sizeof RUNNER_FD_ENVIRONMENT "=" - 1) != 0) {
            environment[n++] = *e;
        }
    }
    environment[n++] = setting;
    environment[n] = NULL;
}

static int
spawn(pid_t *pid, const struct runner_command *command, int child_socket)
{
    char setting[64];
    snprintf(setting, sizeof setting, "%s=%d", RUNNER_FD_ENVIRONMENT, CHILD_SOCKET);
    char *environment[ENVIRONMENT_MAX + 2];
    child_environment(setting, environment);
    char *const argv[] = {(char *)(uintptr_t)command->program,
                          (char *)(uintptr_t)command->script, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, child_socket, CHILD_SOCKET);
    sigset_t set;
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigaddset(&set, SIGPIPE);
    sigaddset(&set, SIGXFSZ);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int error =
        posix_spawnp(pid, command->program, &actions, &attributes, argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/** Gives what the child said to the owner. @return false when nothing more can come */
static bool
runner_read(struct runner_process *p)
{
    static _Thread_local char text[CONTROL_BYTES];
    for (;;) {
        ssize_t size = recv(p->socket, text, sizeof text, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return errno == EAGAIN;
        }
        if (size == 0) {
            return false;
        }
        p->events.message(p->arg, span_of(text, (size_t)size));
        if (p->dead) {
            return false;
        }
    }
}

static void
runner_readable(void *arg, uint32_t events)
{
    (void)events;
    struct runner_process *p = arg;
    if (!runner_read(p)) {
        loop_unwatch(p->loop, p->socket);
        runner_process_kill(p);
    }
}

static void
describe_end(const siginfo_t *info, char *text, size_t size)
{
    if (info->si_code == CLD_EXITED) {
        snprintf(text, size, "exit status %d", info->si_status);
    } else {
        const char *name = sigdescr_np(info->si_status);
        snprintf(text, size, "signal %d (%s)", info->si_status,
                 name == NULL ? "unknown" : name);
    }
}

/** Kills what has not ended of the runner and of what it started. */
static void
end_group(const struct runner_process *p)
{
    kill(-p->pid, SIGKILL);
}

static void
runner_ended(void *arg, uint32_t events)
{
    (void)events;
    struct runner_process *p = arg;
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        info.si_pid == 0) {
        return;
    }
    /* Before its number is free for others. Whatever it started may still write into
     * the slots. */
    end_group(p);
    (void)waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG);
    loop_unwatch(p->loop, p->pidfd);
    loop_unwatch(p->loop, p->socket);
    (void)runner_read(p);
    p->dead = true;
    char how[96];
    describe_end(&info, how, sizeof how);
    p->events.died(p->arg, how);
}

static enum status
runner_spawn(struct runner_process *p,
             const struct runner_command *command,
             struct fault *fault)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return fault_set(fault, STATUS_IO, "socketpair: %s", strerrordesc_np(errno));
    }
    p->socket = pair[0];
    /* dup2 onto itself would leave close-on-exec set. */
    int error = pair[1] == CHILD_SOCKET ? EBUSY : spawn(&p->pid, command, pair[1]);
    close(pair[1]);
    if (error != 0) {
        return fault_set(fault, error == ENOENT ? STATUS_NOT_FOUND : STATUS_IO,
                         "cannot start the runner %s: %s", command->program,
                         strerrordesc_np(error));
    }
    p->pidfd = pidfd_open(p->pid, 0);
    if (p->pidfd < 0) {
        return fault_set(fault, STATUS_IO, "pidfd_open: %s", strerrordesc_np(errno));
    }
    enum status status = loop_watch(p->loop, p->socket, EPOLLIN, runner_readable, p);
    if (status == STATUS_OK) {
        status = loop_watch(p->loop, p->pidfd, EPOLLIN, runner_ended, p);
    }
    return status;
}

enum status
runner_process_start(struct runner_process **out,
                     struct loop *loop,
                     const struct runner_command *command,
                     const struct runner_events *events,
                     void *arg,
                     struct fault *fault)
{
    struct runner_process *p = calloc(1, sizeof *p);
    if (p == NULL) {
        return fault_set(fault, STATUS_NO_MEMORY, "no memory for a runner");
    }
    *p = (struct runner_process){
        .loop = loop, .events = *events, .arg = arg, .pidfd = -1, .socket = -1};
    enum status status = runner_spawn(p, command, fault);
    if (status != STATUS_OK) {
        runner_process_destroy(&p);
        return status;
    }
    *out = p;
    return STATUS_OK;
}

void
runner_process_destroy(struct runner_process **process)
{
    struct runner_process *p = *process;
    if (p == NULL) {
        return;
    }
    if (p->socket >= 0) {
        loop_unwatch(p->loop, p->socket);
        close(p->socket);
    }
    if (p->pid > 0 && !p->dead) {
        end_group(p);
        siginfo_t info;
        while (waitid(P_PID, (id_t)p->pid, &info, WEXITED) != 0 && errno == EINTR) {
        }
    }
    if (p->pidfd >= 0) {
        loop_unwatch(p->loop, p->pidfd);
        close(p->pidfd);
    }
    free(p);
    *process = NULL;
}

enum status
runner_process_send(struct runner_process *p,
                    struct span text,
                    const int *fds,
                    size_t fd_count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * RUNNER_FDS_MAX)];
    } control = {0};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)text.data,
                          .iov_len = text.size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *c = &control.header;
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(p->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)text.size ? STATUS_OK : STATUS_IO;
}

void
runner_process_kill(struct runner_process *p)
{
    if (!p->dead) {
        end_group(p);
    }
}

/** The first line of a file of /proc; empty if there is none. */
static void
proc_line(pid_t pid, const char *file, char *line, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "re");
    if (f == NULL || fgets(line, (int)size, f) == NULL) {
        line[0] = '\0';
    }
    if (f != NULL) {
        fclose(f);
    }
}

/** The kernel counts what is resident anyway, so this costs little however large the
 * process is. */
static int64_t
resident_bytes(pid_t pid)
{
    char line[128];
    proc_line(pid, "statm", line, sizeof line);
    const char *second = strchr(line, ' ');
    return second == NULL ? 0 : strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE);
}

int64_t
runner_process_memory(const struct runner_process *p)
{
    char file[64];
    char children[512];
    snprintf(file, sizeof file, "task/%d/children", (int)p->pid);
    proc_line(p->pid, file, children, sizeof children);
    int64_t bytes = resident_bytes(p->pid);
    char *rest = children;
    long child;
    while ((child = strtol(rest, &rest, 10)) > 0) {
        bytes += resident_bytes((pid_t)child);
    }
    return bytes;
}

pid_t
runner_process_pid(const struct runner_process *p)
{
    return p->pid;
}
