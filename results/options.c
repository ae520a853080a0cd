/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of the results room. */
#include "base/clock.h"
#include "base/option.h"
#include "results/results.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct results_config, name)
#define MIB         (1024LL * 1024)
#define DAY         (86400 * NS_PER_S)

const struct option results_options[] = {
    {.name = "results.store",
     .kind = OPTION_TEXT,
     .offset = FIELD(store),
     .fallback = "leat-results",
     .help = "Directory of the result store; created, and locked while in use."},
    {.name = "results.ttl",
     .kind = OPTION_DURATION,
     .offset = FIELD(ttl_ns),
     .least = NS_PER_S,
     .most = 30 * DAY,
     .fallback = "1h",
     .help = "How long a result can be fetched; the replies topic must keep as long."},
    {.name = "results.delivered.ttl",
     .kind = OPTION_DURATION,
     .offset = FIELD(delivered_ttl_ns),
     .least = NS_PER_S,
     .most = 30 * DAY,
     .fallback = "5m",
     .help = "The same for one that its caller got on the connection it was held on; a "
             "second reply to it is still known for results.ttl."},
    {.name = "results.store.max",
     .kind = OPTION_BYTES,
     .offset = FIELD(store_bytes_max),
     .least = MIB,
     .most = MIB * MIB,
     .fallback = "4GiB",
     .help = "Size at which the oldest results are dropped before their time."},
    {.name = "results.waits.max",
     .kind = OPTION_INT,
     .offset = FIELD(waits_max),
     .least = 1,
     .most = 10000000,
     .fallback = "65536",
     .help = "Waits for results at most, over all connections."},
    {.name = "webhook.secret.file",
     .kind = OPTION_TEXT,
     .offset = FIELD(secret_file),
     .fallback = "",
     .help = "File of whsec_ secrets, one a line, each of which signs (several while a "
             "secret is being changed); read anew on SIGHUP; without it webhooks are "
             "refused."},
    {.name = "webhook.allow.private",
     .kind = OPTION_BOOL,
     .offset = FIELD(allow_private),
     .fallback = "false",
     .help = "Allow webhooks to loopback, private and link-local addresses."},
    {.name = "webhook.allow.hosts",
     .kind = OPTION_TEXT,
     .offset = FIELD(webhook_hosts),
     .fallback = "",
     .help =
         "The only hosts webhooks may go to, by commas; .example.com stands for all "
         "below it; empty: any public one."},
    {.name = "webhook.allow.ports",
     .kind = OPTION_TEXT,
     .offset = FIELD(webhook_ports),
     .fallback = "80,443,8443",
     .help = "Ports webhooks may go to, by commas; empty, or with "
             "webhook.allow.private: any."},
    {.name = "webhook.timeout",
     .kind = OPTION_DURATION,
     .offset = FIELD(webhook_timeout_ns),
     .least = 100 * NS_PER_MS,
     .most = 300 * NS_PER_S,
     .fallback = "15s",
     .help = "Longest time one webhook call may take."},
    {.name = "webhook.attempts",
     .kind = OPTION_INT,
     .offset = FIELD(webhook_attempts_max),
     .least = 1,
     .most = 10,
     .fallback = "10",
     .help = "Calls at most per webhook: at once, then after 5s, 5min, 30min, 2h, 5h, "
             "10h, 14h, 20h and 24h."},
    {.name = "webhook.pending.max",
     .kind = OPTION_INT,
     .offset = FIELD(webhooks_max),
     .least = 1,
     .most = 1000000,
     .fallback = "100000",
     .help = "Webhooks at most with attempts left, half of them to one server; beyond "
             "it new ones end at once."},
};

const size_t results_option_count = sizeof results_options / sizeof *results_options;
