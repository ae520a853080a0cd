/* SPDX-License-Identifier: Apache-2.0 */
#include "ingest/listen.h"

#include "ingest/ingest.h"

#include <criterion/criterion.h>

Test(listen, knows_the_addresses_only_this_machine_can_reach)
{
    cr_assert(listen_is_loopback("127.0.0.1:8080"));
    cr_assert(listen_is_loopback("127.9.9.9:0"));
    cr_assert(listen_is_loopback("[::1]:8080"));
    cr_assert(listen_is_loopback("localhost:8080"));
}

Test(listen, takes_everything_else_for_public)
{
    static const char *const addresses[] = {
        "0.0.0.0:8080", "[::]:8080", ":8080", "10.0.0.1:80",  "192.168.1.1:80",
        "example:80",   "",          "*:80",  "127.0.0.1x:1", "localhost.evil:80",
    };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        cr_assert_not(listen_is_loopback(addresses[i]), "%s", addresses[i]);
    }
}

Test(listen, wants_a_certificate_and_its_key_together)
{
    struct fault fault = {.text = ""};
    struct ingest_config config = {0};
    cr_assert_eq(listen_check(&config, &fault), STATUS_OK);
    config.http_certificate = "cert.pem";
    cr_assert_eq(listen_check(&config, &fault), STATUS_INVALID);
    cr_assert_str_eq(fault.text, "http.tls.certificate is given without http.tls.key");
    config.http_key = "key.pem";
    cr_assert_eq(listen_check(&config, &fault), STATUS_OK);
    config.admin_key = "key.pem";
    cr_assert_eq(listen_check(&config, &fault), STATUS_INVALID);
    cr_assert_str_eq(fault.text,
                     "admin.tls.key is given without admin.tls.certificate");
    config.admin_certificate = "cert.pem";
    cr_assert_eq(listen_check(&config, &fault), STATUS_OK);
}
