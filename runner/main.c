/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leat-runner: the process that holds models. A batcher starts it with a control socket
 * (protocol.h) and ends it by `stop` or by closing the socket; signals for the whole
 * group of processes (Ctrl-C, a service manager's SIGTERM) are the batcher's to answer.
 */
#include "runner/protocol.h"
#include "runner/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

/* The inherited descriptor, or -1 if there is none that is a packet socket. */
static int
control_descriptor(void)
{
    /* No thread runs yet. NOLINTNEXTLINE(concurrency-mt-unsafe) */
    const char *text = getenv(RUNNER_FD_ENVIRONMENT);
    char *end = NULL;
    long fd = text == NULL ? -1 : strtol(text, &end, 10);
    int type = 0;
    socklen_t size = sizeof type;
    if (fd < 0 || fd > 1 << 20 || end == text || *end != '\0' ||
        getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
        type != SOCK_SEQPACKET || fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0) {
        return -1;
    }
    return (int)fd;
}

int
main(void)
{
    int fd = control_descriptor();
    if (fd < 0) {
        fputs("leat-runner holds models for leat-batcher, which starts it with a "
              "SOCK_SEQPACKET socket named in " RUNNER_FD_ENVIRONMENT
              " (docs/runner-protocol.md). It is not started by hand.\n",
              stderr);
        return EXIT_USAGE;
    }
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_NAME, "leat-runner");
    /* The closed socket tells of the parent's end; this also when a sibling kept it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int result = runner_serve(fd);
    if (result != 0) {
        /* Models may still compute: no exit handler under their threads. */
        _exit(result);
    }
    return result;
}
