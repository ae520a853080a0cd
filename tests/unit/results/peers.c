/* SPDX-License-Identifier: Apache-2.0 */
#include "results/peers.h"

#include <criterion/criterion.h>

#include <string.h>

Test(peers, read_back_the_address_that_a_client_id_shows)
{
    static const char *const addresses[] = {"127.0.0.1:41233", "[::1]:9",
                                            "ingest-0.leat.svc:8081"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        char id[PEERS_CLIENT_ID_SIZE];
        char found[PEERS_ADDRESS_SIZE];
        cr_assert_eq(peers_client_id("le@t", addresses[i], id), STATUS_OK);
        cr_assert_eq(peers_address_of(id, found), STATUS_OK);
        cr_assert_str_eq(found, addresses[i]);
    }
}

Test(peers, believe_no_address_that_could_lead_elsewhere)
{
    static const char *const ids[] = {
        "leat",           "leat@",           "leat@host",         "leat@:80",
        "leat@host:",     "leat@host:80/x",  "leat@host:8 0",     "leat@a:b",
        "leat@host:80?x", "leat@ho%2fst:80", "leat@host:80#frag",
    };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char found[PEERS_ADDRESS_SIZE];
        cr_assert_eq(peers_address_of(ids[i], found), STATUS_NOT_FOUND, "%s", ids[i]);
    }
}

Test(peers, refuse_to_show_an_address_that_is_none_or_too_long)
{
    char id[PEERS_CLIENT_ID_SIZE];
    char address[PEERS_ADDRESS_SIZE + 8];
    char name[PEERS_CLIENT_ID_SIZE];
    cr_assert_eq(peers_client_id("leat", "host", id), STATUS_INVALID);
    memset(address, 'a', sizeof(address));
    memcpy(address + sizeof(address) - 4, ":80", 4);
    cr_assert_eq(peers_client_id("leat", address, id), STATUS_INVALID);
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    cr_assert_eq(peers_client_id(name, "host:80", id), STATUS_INVALID);
}
