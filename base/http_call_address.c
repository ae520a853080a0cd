/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which addresses a webhook may reach. A deny list for IPv4 and, for IPv6, global
 * unicast (2000::/3) less the ranges that embed IPv4 or are set aside. Only the address
 * that is connected to counts: `http://2130706433`, `http://0` and a name that resolves
 * to 127.0.0.1 look harmless as text.
 *
 * Source: the IANA special-purpose address registries (RFC 6890 and its successors);
 * 168.63.129.16 is Azure's platform address inside public space.
 */
#include "base/http_call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct range4 {
    uint32_t first; /* host order */
    unsigned bits;
};

struct range6 {
    uint8_t first[16];
    unsigned bits;
};

#define IPV4(a, b, c, d)                                                               \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct range4 denied4[] = {
    {IPV4(0, 0, 0, 0), 8},        {IPV4(10, 0, 0, 0), 8},
    {IPV4(100, 64, 0, 0), 10},    {IPV4(127, 0, 0, 0), 8},
    {IPV4(169, 254, 0, 0), 16},   {IPV4(172, 16, 0, 0), 12},
    {IPV4(192, 0, 0, 0), 24},     {IPV4(192, 0, 2, 0), 24},
    {IPV4(192, 31, 196, 0), 24},  {IPV4(192, 52, 193, 0), 24},
    {IPV4(192, 88, 99, 0), 24},   {IPV4(192, 168, 0, 0), 16},
    {IPV4(192, 175, 48, 0), 24},  {IPV4(198, 18, 0, 0), 15},
    {IPV4(198, 51, 100, 0), 24},  {IPV4(203, 0, 113, 0), 24},
    {IPV4(224, 0, 0, 0), 4},      {IPV4(240, 0, 0, 0), 4},
    {IPV4(168, 63, 129, 16), 32},
};

static const struct range6 global6 = {{0x20}, 3};

static const struct range6 denied6[] = {
    {{0x20, 0x01}, 23},             /* Teredo, ORCHID, benchmarking */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static const struct range6 mapped6 = {{[10] = 0xff, [11] = 0xff}, 96};

static bool
range4_holds(const struct range4 *range, uint32_t address)
{
    return (address ^ range->first) >> (32 - range->bits) == 0;
}

static bool
range6_holds(const struct range6 *range, const uint8_t address[static 16])
{
    unsigned bytes = range->bits / 8;
    unsigned rest = range->bits % 8;
    if (memcmp(address, range->first, bytes) != 0) {
        return false;
    }
    return rest == 0 || (address[bytes] ^ range->first[bytes]) >> (8 - rest) == 0;
}

static bool
is_public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(denied4) / sizeof(denied4[0]); i++) {
        if (range4_holds(&denied4[i], address)) {
            return false;
        }
    }
    return true;
}

static bool
is_public6(const uint8_t address[static 16])
{
    if (range6_holds(&mapped6, address)) {
        return is_public4(IPV4(address[12], address[13], address[14], address[15]));
    }
    if (!range6_holds(&global6, address)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(denied6) / sizeof(denied6[0]); i++) {
        if (range6_holds(&denied6[i], address)) {
            return false;
        }
    }
    return true;
}

bool
http_address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return is_public6(in6.sin6_addr.s6_addr);
    }
    return false;
}
