# SPDX-License-Identifier: Apache-2.0
"""Three ingests, two batchers, requests in four ways through any instance, while one ingest after
the other is killed, or stopped, and started again. Whatever was accepted has exactly one
terminal state, the same by every way of asking, with the right answer, and another tenant who
asks for it finds nothing."""
import asyncio
import os
import random
import tempfile
import threading
import time

import api_keys
import callers
import receiver
import records
import stage
from scenarios import table

INGESTS, CALLERS, EVERY_S, SHOWN = 3, 192, 10, 8
PREFIX, MODEL, PARTITIONS = "results.", "sim", 16
OPTIONS = ["--kafka.consumer.session.timeout.ms=6000",
           "--kafka.consumer.heartbeat.interval.ms=1000", "--webhook.allow.private=true"]


class Ingests(threading.Thread):
    """Kills or stops one of them every EVERY_S until told to end."""

    def __init__(self, s, seed, options):
        super().__init__(daemon=True)
        self.s, self.dice, self.options = s, random.Random(seed), options
        self.stores = [tempfile.mkdtemp(prefix="store-", dir=s.folder) for _ in range(INGESTS)]
        self.running = [self._start(i) for i in range(INGESTS)]
        self.addresses = [p.ready["http"] for p in self.running]
        self.over = threading.Event()
        self.kills = self.stops = 0
        self.wrong = []

    def _start(self, i):
        return stage.Process(self.s, f"ingest{i}", [
            os.path.join(stage.BIN, "leat-ingest"),
            f"--kafka.bootstrap.servers={self.s.brokers}", f"--topics.prefix={PREFIX}",
            "--log.format=logfmt", "--http.listen=127.0.0.1:0",
            f"--results.store={self.stores[i]}", *OPTIONS, *self.options]).wait_ready()

    def run(self):
        while not self.over.wait(EVERY_S):
            i = self.dice.randrange(INGESTS)
            if self.dice.random() < 0.7:
                self.running[i].kill()
                self.kills += 1
            else:
                status = self.running[i].stop(60)
                self.stops += 1
                if status != 0:
                    self.wrong.append(f"an ingest exited {status} after SIGTERM")
            self.running[i] = self._start(i)
            self.addresses[i] = self.running[i].ready["http"]

    def end(self):
        self.over.set()
        self.join()
        for process in self.running:
            status = process.stop(60)
            if status != 0:
                self.wrong.append(f"an ingest exited {status} after SIGTERM")


def _on_topic(s):
    """id -> terminal states in the order in which they stand on the replies topic."""
    found = {}
    for _, value, _ in records.read(s, PREFIX + "replies"):
        reply = records.reply(value)
        if reply["status"] != "queued":
            found.setdefault(reply["id"], []).append(reply["status"])
    return found


def _judge(c, states, hooks):
    wrong = []
    for one in c.accepted:
        first = states.get(one, ["none"])[0]
        if c.endings.get(one, (first,))[0] != first:
            wrong.append(f"{one}: told {c.endings[one][0]}, on the topic {first}")
        if one not in c.endings:
            wrong.append(f"{one}: nobody was told an end")
    pushed = {one for one, (way, _) in c.accepted.items() if way == "pushed"}
    came = {}
    for webhook_id, body in hooks:
        one = body["data"]["id"]
        came.setdefault(one, []).append(webhook_id)
        if one in c.accepted:  # else its caller's connection was lost before the 202
            c.heard(one, body["data"], "webhook")
    wrong += [f"{one}: no webhook" for one in pushed - set(came)]
    wrong += [f"{one}: webhooks under {len(set(some))} ids" for one, some in came.items()
              if len(set(some)) > 1]
    return wrong, sum(len(some) - 1 for some in came.values())


def _until_pushed(c, hook):
    """Webhooks may be retried after 5 s; what has not come a minute later is missing."""
    wanted = sum(way == "pushed" for way, _ in c.accepted.values())
    end = time.monotonic() + 60
    while len({body["data"]["id"] for _, body in hook.calls}) < wanted and \
            time.monotonic() < end:
        time.sleep(0.5)


def run(s, options, rows, bars):
    count = 8000 if options.quick else 200000
    s.topics(PREFIX, [MODEL], PARTITIONS)
    models = os.path.join(stage.ROOT, "bench", "models")
    batchers = [s.batcher(PREFIX, models, f"--models.load={MODEL}") for _ in range(2)]
    secrets = os.path.join(s.folder, "secrets")
    with open(secrets, "w", encoding="ascii") as f:
        f.write("whsec_" + "QUJD" * 11 + "\n")
    os.chmod(secrets, 0o600)
    token = os.path.join(s.folder, "token")
    with open(token, "w", encoding="ascii") as f:
        f.write("known-to-the-ingests-only\n")
    os.chmod(token, 0o600)
    (own, first), (foreign, second) = api_keys.make("acme"), api_keys.make("bolt")
    keys = api_keys.write(os.path.join(s.folder, "keys"), [first, second])
    hook = receiver.Receiver()
    ingests = Ingests(s, options.seed, [
        f"--webhook.secret.file={secrets}", f"--internal.token.file={token}",
        f"--http.keys.file={keys}"])
    c = callers.Callers(ingests.addresses, MODEL, hook.url, (own, foreign))
    ingests.start()
    begin = time.monotonic()
    asyncio.run(c.call(count, CALLERS))
    seconds = time.monotonic() - begin
    asyncio.run(c.ask_again(list(c.accepted), CALLERS))
    _until_pushed(c, hook)
    ingests.end()
    exits = [b.stop(60) for b in batchers]
    wrong, twice = _judge(c, _on_topic(s), hook.calls)
    wrong += c.wrong + ingests.wrong + [f"a batcher exited {e}" for e in exits if e != 0]
    for line in wrong[:SHOWN]:
        print(line)
    rows.append({"": f"seed {options.seed}", "asked": count, "accepted": len(c.accepted),
                 **c.counts, "kills": ingests.kills, "stops": ingests.stops,
                 "webhooks twice": twice, "seconds": seconds, "wrong": len(wrong)})
    table.bar(bars, "promises broken", len(wrong), 0)
    table.bar(bars, "% of what was asked that was accepted", 100 * len(c.accepted) / count, 90,
              False)
    table.bar(bars, "ingests killed", ingests.kills, 1, False)
    table.bar(bars, "probes of another tenant", c.counts["probed"], len(c.accepted) // 10, False)
