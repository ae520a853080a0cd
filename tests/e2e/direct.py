#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Producers that write requests straight into Kafka, as our record says it and as Spring's
templates do, through librdkafka, kcat and Kafka's Java client, while others ask over HTTP: all
run in the same batches and are answered where they asked to be, with their headers."""
import os
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import kafka_client  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

INFER = "/v2/models/mix/infer"
REQUESTS = "t.requests.mix"
OWN = "own.replies"
PARTITIONS = 8
CORRELATION = bytes([0, 255, 1, 254, 2, 253, 61, 44, 10, 0, 0, 128, 127, 9, 8, 7])
TRACE = [("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
         ("tracestate", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7")]


def model(s):
    home = os.path.join(s.folder, "models", "mix")
    os.makedirs(home)
    with open(os.path.join(home, "model.properties"), "w", encoding="ascii") as f:
        f.write("platform=sim\nmax.batch.size=64\ninput.0=data UINT8 -1,4\nsim.alpha=60ms\n")
    return os.path.dirname(home)


class Case:
    """One request: how it is sent, and what its answer must be."""

    def __init__(self, name, topic, partition=None, words=None, headers=(), reply_to=None,
                 frame=None):
        self.name, self.topic, self.partition, self.words = name, topic, partition, words
        self.headers = list(headers)
        self.id = records.new_id()
        self.row = os.urandom(4)
        value = records.request(self.id, [records.tensor("data", self.row, [1, 4])], "mix",
                                reply_to=reply_to)
        self.value = {"confluent": b"\0\0\0\0\x2a" + value[10:], "bare": value[10:]}.get(
            frame, value)

    def check(self, found):
        partition, key, value, headers = found
        told = records.reply(value)
        assert key == self.id.encode(), (self.name, key)
        if self.partition is not None:
            assert partition == self.partition, (self.name, partition)
        wanted = [h for h in self.headers
                  if h[0] in ("traceparent", "tracestate", "kafka_correlationId")]
        assert headers == wanted, (self.name, headers, wanted)
        if self.words is None:
            assert told["status"] == "succeeded", (self.name, told)
            right = records.fnv(self.row).to_bytes(8, "little")
            assert told["outputs"][0]["data"] == right, (self.name, told)
        else:
            assert told["status"] == "failed", (self.name, told)
            assert self.words in told["error"]["message"], (self.name, told)
        return told


def spring(topic=OWN, partition=None, correlation=CORRELATION):
    headers = [("kafka_replyTopic", topic.encode()), ("kafka_correlationId", correlation)]
    if partition is not None:
        headers.append(("kafka_replyPartition", partition))
    return headers


def big_endian(number):
    return number.to_bytes(4, "big")


def cases():
    made = [
        Case("field, partition", OWN, 3, reply_to=(OWN, 3), headers=TRACE),
        Case("field, by key", OWN, reply_to=(OWN, None)),
        Case("Spring", OWN, 5, headers=spring(partition=big_endian(5)) + TRACE),
        Case("Spring, no partition", OWN, headers=spring(correlation=b"\0" * 16)),
        Case("Spring, null partition", OWN, headers=spring() + [("kafka_replyPartition", None)]),
        Case("Spring, Confluent framing", OWN, 0, headers=spring(partition=big_endian(0)),
             frame="confluent"),
        Case("bare", OWN, 7, reply_to=(OWN, 7), frame="bare"),
        Case("the field counts before the header", OWN, 1, reply_to=(OWN, 1),
             headers=spring("own.missing", big_endian(6))),
        Case("no wish", "t.replies", headers=TRACE + [("other", b"stays behind")]),
        Case("not allowed", "t.replies", words="secret.topic is not allowed",
             reply_to=("secret.topic", None)),
        Case("not allowed, Spring", "t.replies", words="is not allowed by reply.topics.allow",
             headers=spring("secret.topic")),
        Case("no such topic", "t.replies", words="does not exist",
             reply_to=("own.missing", None)),
        Case("no such partition", "t.replies", words="does not exist", reply_to=(OWN, 99)),
        Case("three bytes of partition", "t.replies", words="kafka_replyPartition",
             headers=spring(partition=b"\0\0\1")),
        Case("eight bytes of partition", "t.replies", words="kafka_replyPartition",
             headers=spring(partition=b"\0" * 8)),
    ]
    return made + [Case(f"one of many {i}", OWN, reply_to=(OWN, None)) for i in range(60)]


def with_kcat(s, case):
    """Headers of text only: kcat takes them as arguments."""
    path = os.path.join(s.folder, case.id)
    with open(path, "wb") as f:
        f.write(case.value)
    command = ["kcat", "-q", "-b", s.brokers, "-P", "-t", REQUESTS, "-k", "kcat"]
    for name, value in case.headers:
        command += ["-H", f"{name}={value.decode()}"]
    subprocess.run([*command, path], check=True, timeout=60)


def with_java(s, made):
    """False where no JDK is at hand: a program is started from its source."""
    modules = subprocess.run(["java", "--list-modules"], stdout=subprocess.PIPE, check=True)
    if b"jdk.compiler" not in modules.stdout:
        return False
    support = os.path.join(stage.ROOT, "tests", "support")
    jars = subprocess.run([os.path.join(support, "kafka-fetch")], stdout=subprocess.PIPE,
                          text=True, check=True).stdout.strip()
    lines = [" ".join([REQUESTS, b"java".hex(), case.value.hex(),
                       *(f"{name}={value.hex()}" for name, value in case.headers)])
             for case in made]
    run = subprocess.run(["java", "-cp", f"{jars}/*", os.path.join(support, "JavaRequests.java"),
                          s.brokers], input="\n".join(lines), text=True, check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert run.returncode == 0, run.stdout
    return True


class Callers(threading.Thread):
    """Others ask over HTTP at the same time, each with its own row."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.enough = address, threading.Event()
        self.ids, self.wrong = set(), []

    def run(self):
        n = 0
        while not self.enough.is_set():
            row = [n % 256, n // 256 % 256, 3, 4]
            n += 1
            data = {"name": "data", "shape": [1, 4], "datatype": "UINT8", "data": row}
            code, headers, got = ask.call(self.address, "POST", INFER, {"inputs": [data]})
            if code != 200 or got["outputs"][0]["data"] != [records.fnv(bytes(row))]:
                self.wrong.append((code, got))
            self.ids.add(headers.get("leat-id"))


def answers(s, made):
    """The records at the ids of the cases, once all are there: id -> (topic, record)."""
    wanted = {case.id.encode() for case in made}
    missing = []

    def all_there():
        everything = [(topic, found) for topic in (OWN, "t.replies")
                      for found in kafka_client.read(s.brokers, topic, PARTITIONS)]
        left = wanted - {found[1] for _, found in everything}
        missing[:] = [case.name for case in made if case.id.encode() in left]
        return everything if not left else None

    try:
        return stage.wait_for("answers", all_there)
    except AssertionError as late:
        raise AssertionError(missing) from late


def mixed(everything, direct, http):
    """Batches with rows of both: those of one batch began at the same microsecond."""
    batches = {}
    for _, (_, _, value, _) in everything:
        told = records.reply(value)
        batches.setdefault(told["timing"][2], []).append(told)
    count = 0
    for began, rows in batches.items():
        ids = {told["id"] for told in rows}
        if began != 0 and ids & direct and ids & http:
            assert rows[0]["batch_size"] > 1, rows
            count += 1
    return count


def main():
    with stage.Stage() as s:
        models = model(s)
        s.topics("t.", ["mix"], PARTITIONS)
        s.topics("own.", [], PARTITIONS)
        batcher = s.batcher("t.", models, "--reply.topics.allow=own.*")
        ingest = s.ingest("t.")
        made = cases()
        callers = [Callers(ingest.ready["http"]) for _ in range(4)]
        for caller in callers:
            caller.start()
        with kafka_client.Producer(s.brokers) as producer:
            for case in made:
                producer.send(REQUESTS, case.value, b"librdkafka", case.headers)
        kcat = Case("kcat", OWN, headers=spring(correlation=b"a-text-of-mine"))
        with_kcat(s, kcat)
        java = [Case("Java", OWN, 2, headers=spring(partition=big_endian(2)) + TRACE),
                Case("Java, field", OWN, 4, reply_to=(OWN, 4), headers=TRACE)]
        has_java = with_java(s, java)
        made += [kcat, *(java if has_java else [])]
        everything = answers(s, made)
        for caller in callers:
            caller.enough.set()
            caller.join()
            assert caller.ids and not caller.wrong, caller.wrong[:3]
        for case in made:
            found = [(topic, one) for topic, one in everything if one[1] == case.id.encode()]
            assert [topic for topic, _ in found] == [case.topic], (case.name, found)
            case.check(found[0][1])
        http = set().union(*(caller.ids for caller in callers))
        shared = mixed(everything, {case.id for case in made}, http)
        assert shared > 0, "no batch held rows of both kinds"
        print(len(made), "straight into Kafka,", len(http), "by HTTP,", shared,
              "batches with both;", "Java's client too" if has_java else "no JDK for Java's")
        assert ingest.stop() == 0, ingest.log()
        assert batcher.stop() == 0, batcher.log()


main()
