/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick: what two hops over Kafka cost without Leat, in plain librdkafka.
 *
 *   bench-two_hop echo   BROKERS IN OUT LINGER_MS PARTITIONS
 *   bench-two_hop client BROKERS OUT IN LINGER_MS PARTITIONS RATE SECONDS BYTES
 * [OUTSTANDING]
 *
 * The client produces on a schedule (or keeps OUTSTANDING records under way when RATE
 * is 0), the echo produces each record back; latency counts from the due instant.
 * Partitions are sticky on both sides: all records of a window go to one partition,
 * then the next.
 */
#include "base/clock.h"
#include "bench/load/load.h"
#include "bench/two_hop/peer.h"

#include <librdkafka/rdkafka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t stopping;

static void
on_signal(int signal_number)
{
    (void)signal_number;
    stopping = 1;
}

static int
run_echo(struct peer *p)
{
    fprintf(stderr, "echo ready\n");
    while (!stopping) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(p->consumer, 100);
        if (m == NULL) {
            continue;
        }
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            peer_send(p, m->payload, m->len, clock_mono_ns());
        }
        rd_kafka_message_destroy(m);
        rd_kafka_poll(p->producer, 0);
    }
    return 0;
}

struct client {
    struct peer *peer;
    struct tally *tally;
    uint8_t *record; /* its first 8 bytes are the due instant */
    size_t bytes;
    double rate;
    uint64_t outstanding;
    int64_t begin_ns;
    int64_t end_ns;
    int64_t due_ns;
    uint64_t sent;
    uint64_t received;
};

static void
client_send(struct client *c, int64_t due_ns, int64_t now_ns)
{
    memcpy(c->record, &due_ns, sizeof(due_ns));
    peer_send(c->peer, c->record, c->bytes, now_ns);
    c->sent++;
}

static void
client_send_due(struct client *c)
{
    int64_t now_ns = clock_mono_ns();
    if (c->rate <= 0) {
        while (now_ns < c->end_ns && c->sent - c->received < c->outstanding) {
            client_send(c, now_ns, now_ns);
        }
        return;
    }
    while (c->due_ns <= now_ns && c->due_ns < c->end_ns) {
        client_send(c, c->due_ns, now_ns);
        c->due_ns += (int64_t)(1e9 / c->rate);
    }
}

static void
client_receive(struct client *c, const rd_kafka_message_t *m)
{
    int64_t due_ns = 0;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR || m->len < sizeof(due_ns)) {
        return;
    }
    memcpy(&due_ns, m->payload, sizeof(due_ns));
    c->received++;
    if (due_ns >= c->begin_ns) {
        tally_add(c->tally, ENDING_RIGHT, clock_mono_ns() - due_ns, 0);
    }
}

/* Nanoseconds until the next record is due, at least 0. */
static int64_t
client_wait_ns(const struct client *c)
{
    int64_t wait_ns = c->due_ns - clock_mono_ns();
    if (c->rate <= 0 || c->due_ns >= c->end_ns) {
        return 10 * NS_PER_MS;
    }
    return wait_ns < 0 ? 0 : wait_ns;
}

static void
client_loop(struct client *c)
{
    int64_t last_ns = c->end_ns + 20 * NS_PER_S;
    int64_t now_ns = 0;
    do {
        client_send_due(c);
        rd_kafka_message_t *m = NULL;
        while ((m = rd_kafka_consumer_poll(c->peer->consumer, 0)) != NULL) {
            client_receive(c, m);
            rd_kafka_message_destroy(m);
        }
        rd_kafka_poll(c->peer->producer, 0);
        peer_wait(c->peer, client_wait_ns(c));
        now_ns = clock_mono_ns();
    } while (!stopping && now_ns < last_ns &&
             (now_ns < c->end_ns || c->received < c->sent));
}

static int
run_client(struct peer *p, char **argv, int argc)
{
    struct tally tally;
    double seconds = strtod(argv[1], NULL);
    int64_t now_ns = clock_mono_ns();
    struct client c = {.peer = p,
                       .tally = &tally,
                       .rate = strtod(argv[0], NULL),
                       .bytes = strtoul(argv[2], NULL, 10),
                       .outstanding = argc > 3 ? strtoul(argv[3], NULL, 10) : 1,
                       .begin_ns = now_ns + NS_PER_S,
                       .due_ns = now_ns};
    c.end_ns = c.begin_ns + (int64_t)(seconds * 1e9);
    c.record = calloc(1, c.bytes < 8 ? 8 : c.bytes);
    if (c.record == NULL || !tally_init(&tally, (size_t)8 << 20)) {
        return 1;
    }
    client_loop(&c);
    tally.endings[ENDING_FAILED] = c.sent - c.received;
    tally_print(&tally, seconds);
    tally_fini(&tally);
    free(c.record);
    return c.sent == c.received ? 0 : 1;
}

int
main(int argc, char **argv)
{
    bool echo = argc == 7 && strcmp(argv[1], "echo") == 0;
    bool client = argc >= 10 && strcmp(argv[1], "client") == 0;
    if (!echo && !client) {
        fprintf(stderr,
                "usage: bench-two_hop echo BROKERS IN OUT LINGER_MS PARTITIONS\n"
                "       bench-two_hop client BROKERS OUT IN LINGER_MS PARTITIONS RATE "
                "SECONDS BYTES [OUTSTANDING]\n");
        return 2;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    struct peer peer;
    const char *in = echo ? argv[3] : argv[4];
    const char *out = echo ? argv[4] : argv[3];
    if (!peer_open(&peer, argv[2], in, out, argv[5], atoi(argv[6]))) {
        return 1;
    }
    int result = echo ? run_echo(&peer) : run_client(&peer, argv + 7, argc - 7);
    peer_close(&peer);
    return result;
}
