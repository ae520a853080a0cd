#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""processing.guarantee=exactly_once_v2 on a real Kafka: batchers killed at random moments, and
who reads committed replies sees each once, with the right answer; SIGTERM takes nothing back;
of two batchers with one group.instance.id the older exits 78; an answer that Kafka refuses
holds nobody up; Kafka away for longer than a transaction may last; a held request is answered."""
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODEL = os.path.join(stage.ROOT, "tests", "support", "models", "sim", "model.properties")
PARTITIONS = 8
KILLS = 8
# A machine that stands still for a while is no fault, unless the fault is to be found soon.
OPTIONS = ["--models.load=sim", "--processing.guarantee=exactly_once_v2"]
HASTY = [*OPTIONS, "--transaction.timeout=2s", "--kafka.consumer.session.timeout.ms=2000",
         "--kafka.consumer.heartbeat.interval.ms=200"]
# Brokers look for members and transactions that are gone sooner than they usually do. One
# that sleeps is not taken for dead: without a peer it would then take its partitions for
# deleted and end no transaction in them (Kafka 4.3.1: "likely deleted already").
os.environ["KAFKA_SETTINGS"] = "\n".join([
    "group.min.session.timeout.ms=1000",
    "broker.session.timeout.ms=60000",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms=500"])


def repository(folder):
    """The model slowed down to 250 requests a second, so that batchers are killed at work."""
    home = os.path.join(folder, "models", "sim")
    os.makedirs(os.path.join(home, "1"))
    with open(MODEL, encoding="utf-8") as f:
        text = f.read().replace("max.batch.size=64", "max.batch.size=5")
    text = text.replace("sim.alpha=2ms", "sim.alpha=20ms")
    assert "=5\n" in text and "=20ms" in text
    with open(os.path.join(home, "model.properties"), "w", encoding="utf-8") as f:
        f.write(text)
    return os.path.dirname(home)


class Feed(threading.Thread):
    """Puts requests on a topic of its prefix, `size` at a time, until it has put `rounds`."""

    def __init__(self, s, prefix, rounds, size=60):
        super().__init__()
        self.s, self.topic, self.rounds, self.size = s, prefix + "requests.sim", rounds, size
        self.expected = {}  # what is answered, by id

    def put(self, partition, header=None):
        values = []
        for _ in range(self.size):
            one, row = records.new_id(), os.urandom(12)
            values.append(records.request(one, [records.tensor("data", row, [1, len(row)])]))
            self.expected[one] = records.fnv(row).to_bytes(8, "little")
        records.produce(self.s, self.topic, values, partition=partition, header=header)

    def run(self):
        for i in range(self.rounds):
            self.put(i % PARTITIONS)


def committed(s, prefix):
    return records.read(s, prefix + "replies")


def once(s, prefix, expected):
    """Each request has one committed reply, and the right one."""
    def all_there():
        replies = committed(s, prefix)
        return replies if len({key for key, _, _ in replies}) >= len(expected) else None

    replies = stage.wait_for(f"{len(expected)} answers below {prefix}", all_there, 120)
    ids = [key.decode() for key, _, _ in replies]
    assert len(ids) == len(set(ids)), f"{len(ids) - len(set(ids))} ids were answered twice"
    assert set(ids) == set(expected), "answers to other ids"
    for key, value, _ in replies:
        assert expected[key.decode()] in value, f"{key}: {value}"


def killed(s, models, seed):
    """One of the two is a static member, whose transactional id its successor takes over."""
    s.topics("k.", ["sim"], PARTITIONS)
    choose = random.Random(seed)
    names = [["--group.instance.id=first"], []]
    feed = Feed(s, "k.", 80)
    feed.start()
    batchers = [s.batcher("k.", models, *HASTY, *name) for name in names]
    for kills in range(1, KILLS + 1):
        time.sleep(choose.uniform(0.2, 1.5))
        who = choose.randrange(2)
        batchers[who].kill()
        batchers[who] = s.batcher("k.", models, *HASTY, *names[who])
    feed.join()
    once(s, "k.", feed.expected)
    wrote = len(records.read(s, "k.replies", "read_uncommitted"))
    assert wrote > len(feed.expected), "no transaction was open when a batcher was killed"
    print(f"seed {seed}: {kills} kills, {len(feed.expected)} requests, each answered once; "
          f"{wrote - len(feed.expected)} replies were taken back")
    for batcher in batchers:
        assert batcher.stop() == 0, batcher.log()


def stopped(s, models):
    s.topics("s.", ["sim"], PARTITIONS)
    feed = Feed(s, "s.", 24)
    batchers = [s.batcher("s.", models, *OPTIONS) for _ in range(2)]
    feed.start()
    time.sleep(1)
    assert batchers[0].stop() == 0, batchers[0].log()
    third = s.batcher("s.", models, *OPTIONS)
    feed.join()
    once(s, "s.", feed.expected)
    assert batchers[1].stop() == 0, batchers[1].log()
    assert third.stop() == 0, third.log()
    wrote = len(records.read(s, "s.replies", "read_uncommitted"))
    assert wrote == len(feed.expected), f"{wrote - len(feed.expected)} replies were taken back"
    print("SIGTERM: nothing was answered twice or taken back")


def twins(s, models):
    s.topics("w.", ["sim"], PARTITIONS)
    older = s.batcher("w.", models, *OPTIONS, "--group.instance.id=one")
    feed = Feed(s, "w.", 40)
    feed.start()
    newer = s.batcher("w.", models, *OPTIONS, "--group.instance.id=one")
    status = older.process.wait(stage.PATIENCE_S)
    assert status == 78, f"the older twin ended with {status}: {older.log()}"
    assert "msg=fenced" in older.log(), older.log()
    feed.join()
    once(s, "w.", feed.expected)
    assert newer.stop() == 0, newer.log()
    print("the older of two twins exited 78, and each request has one answer")


def refused(s, models):
    """Among good requests: bytes that are none, and answers to a topic that does not exist."""
    s.topics("r.", ["sim"], PARTITIONS)
    batcher = s.batcher("r.", models, *OPTIONS, "--reply.topics.allow=nowhere")
    feed = Feed(s, "r.", 8)
    feed.start()
    lost = Feed(s, "r.", 0, size=3)
    lost.put(1, header="kafka_replyTopic=nowhere")
    records.produce(s, "r.requests.sim", [b"no record"], partition=2)
    feed.join()
    once(s, "r.", {**feed.expected, **{one: b"not_found" for one in lost.expected}})
    letters = records.read(s, "r.dead-letters")
    assert [value for _, value, _ in letters] == [b"no record"], letters
    assert batcher.stop() == 0, batcher.log()
    print("what Kafka refused was answered otherwise, and its neighbours once")


def away(s, models):
    s.topics("a.", ["sim"], PARTITIONS)
    feed = Feed(s, "a.", 24)
    feed.run()
    batchers = [s.batcher("a.", models, *HASTY) for _ in range(2)]
    time.sleep(0.5)
    os.kill(s.broker_pid(), signal.SIGSTOP)
    time.sleep(4)
    os.kill(s.broker_pid(), signal.SIGCONT)
    once(s, "a.", feed.expected)
    for batcher in batchers:
        assert batcher.stop() == 0, batcher.log()
    renewed = sum(batcher.log().count("msg=transactions_renewed") for batcher in batchers)
    print(f"Kafka was away, {renewed} clients were renewed, each request has one answer")


def held(s, models):
    s.topics("h.", ["sim"], PARTITIONS)
    batcher = s.batcher("h.", models, *OPTIONS)
    ingest = s.ingest("h.")
    row = [1, 2, 3]
    body = {"inputs": [{"name": "data", "shape": [1, 3], "datatype": "UINT8", "data": row}]}
    code, _, got = ask.call(ingest.ready["http"], "POST", "/v2/models/sim/infer", body)
    assert code == 200 and got["outputs"][0]["data"] == [records.fnv(bytes(row))], got
    assert ingest.stop() == 0, ingest.log()
    assert batcher.stop() == 0, batcher.log()
    print("a held request is answered")


def in_peace(s, models):
    held(s, models)
    stopped(s, models)
    twins(s, models)
    refused(s, models)


def main():
    seed = int(os.environ.get("SEED", time.time_ns() % 10000))
    with stage.Stage() as s:
        models = repository(s.folder)
        stage.side_by_side((killed, s, models, seed), (in_peace, s, models))
        away(s, models)


main()
