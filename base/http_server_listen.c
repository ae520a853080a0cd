/* SPDX-License-Identifier: Apache-2.0 */
/* Splits "host:port", asks getaddrinfo and binds the first address that can be. */
#include "base/http_server_listen.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Host and port of "host:port", without the brackets of an IPv6 address. */
static enum status
split(const char *where, char *host, size_t host_size, const char **port)
{
    const char *colon = strrchr(where, ':');
    if (colon == NULL || colon[1] == '\0') {
        return STATUS_INVALID;
    }
    size_t size = (size_t)(colon - where);
    if (size >= 2 && where[0] == '[' && colon[-1] == ']') {
        where++;
        size -= 2;
    } else if (memchr(where, ':', size) != NULL) {
        return STATUS_INVALID;
    }
    if (size >= host_size) {
        return STATUS_INVALID;
    }
    memcpy(host, where, size);
    host[size] = '\0';
    *port = colon + 1;
    return STATUS_OK;
}

static int
listen_on(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    int one = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
        bind(fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(fd, SOMAXCONN) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static void
name_bound(int fd, char *bound, size_t bound_size)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    char host[48] = "?";
    char port[8] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        getnameinfo((struct sockaddr *)&address, size, host, sizeof(host), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
    }
    bool is_v6 = strchr(host, ':') != NULL;
    int n = snprintf(bound, bound_size, "%s%s%s:%s", is_v6 ? "[" : "", host,
                     is_v6 ? "]" : "", port);
    (void)n; /* a text too long for a log line is cut */
}

enum status
http_server_listen(
    const char *where, int *fd, char *bound, size_t bound_size, struct fault *fault)
{
    char host[256];
    const char *port = NULL;
    if (split(where, host, sizeof(host), &port) != STATUS_OK) {
        return fault_set(fault, STATUS_INVALID,
                         "'%s' is not an address: host:port is expected", where);
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &found);
    if (error != 0) {
        return fault_set(fault, STATUS_INVALID, "'%s' is not an address: %s", where,
                         gai_strerror(error));
    }
    int listening = -1;
    for (struct addrinfo *a = found; a != NULL && listening < 0; a = a->ai_next) {
        listening = listen_on(a);
    }
    freeaddrinfo(found);
    if (listening < 0) {
        return fault_set(fault, STATUS_IO, "cannot listen on %s: %s", where,
                         strerrordesc_np(errno));
    }
    name_bound(listening, bound, bound_size);
    *fd = listening;
    return STATUS_OK;
}
