/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Without authentication only the machine itself may call. What is not surely a
 * loopback address counts as public, names other than localhost among it.
 */
#include "ingest/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

enum { HOST_MAX = 64 };

bool
listen_is_loopback(const char *address)
{
    const char *colon = strrchr(address, ':');
    const char *end = colon == NULL ? address + strlen(address) : colon;
    if (end - address >= 2 && address[0] == '[' && end[-1] == ']') {
        address++;
        end--;
    }
    char host[HOST_MAX];
    size_t size = (size_t)(end - address);
    if (size == 0 || size >= sizeof(host)) {
        return false;
    }
    memcpy(host, address, size);
    host[size] = '\0';
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    struct in6_addr v6;
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcmp(host, "localhost") == 0;
}
