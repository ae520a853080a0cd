# SPDX-License-Identifier: Apache-2.0
"""What the topics of one campaign hold, as the checker wants it: requests with the answer they
must get, replies, dead letters, and samples of committed offsets taken on the way. The records
are taken apart here by the schema alone, with nothing of the product's code."""
import collections
import functools
import subprocess
import threading
import time

import eye

Request = collections.namedtuple("Request", "partition offset time_ms id wanted")
# received_ms: by the batcher; batch: when it began and ended; error: what it says.
Reply = collections.namedtuple(
    "Reply", "partition offset time_ms id status value received_ms batch error",
    defaults=("",))
Letter = collections.namedtuple("Letter", "partition offset time_ms id")
# committed: {partition: offset}; replies, letters: ends of those topics just after.
Sample = collections.namedtuple("Sample", "time_ms committed replies letters")

STATUSES = ["QUEUED", "SUCCEEDED", "FAILED", "CANCELED", "EXPIRED"]


class History:
    def __init__(self, requests, replies, letters, samples):
        self.requests = requests
        self.replies = replies
        self.letters = letters
        self.samples = samples

    def answers(self):
        """{id: its terminal replies in the order of the topic}; one id is one partition."""
        found = collections.defaultdict(list)
        for reply in sorted(self.replies, key=lambda r: (r.partition, r.offset)):
            if reply.status != "QUEUED":
                found[reply.id].append(reply)
        return found


class _Avro:
    def __init__(self, data, at):
        self.data, self.at = data, at

    def long(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def bytes(self):
        size = self.long()
        self.at += size
        return self.data[self.at - size:self.at]

    def text(self):
        return self.bytes().decode()

    def optional_text(self):
        return self.text() if self.long() else None

    def array(self, read):
        found = []
        while True:
            count = self.long()
            if count == 0:
                return found
            if count < 0:
                count = -count
                self.long()
            found += [read() for _ in range(count)]

    def tensor(self):
        self.text()
        self.long()
        self.array(self.long)
        return self.bytes()


def fnv(row):
    """The published constants of FNV-1a, 64 bits: what the sim model answers."""
    value = 0xcbf29ce484222325
    for byte in row:
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return value


def _body(value):
    return _Avro(value, 10 if value[:2] == b"\xc3\x01" else 0)


def read_request(wanted, partition, offset, time_ms, _key, value):
    avro = _body(value)
    request_id = avro.text()
    avro.text()
    avro.optional_text()
    row = avro.array(avro.tensor)[0]
    return Request(partition, offset, time_ms, request_id, wanted(row))


def read_reply(partition, offset, time_ms, _key, value):
    avro = _body(value)
    reply_id = avro.text()
    avro.text()
    avro.optional_text()
    status = STATUSES[avro.long()]
    outputs = avro.array(avro.tensor)
    error = " ".join(avro.text() for _ in range(3)) if avro.long() else ""
    _, received, started, completed = (avro.long() for _ in range(4))
    hash_ = int.from_bytes(outputs[0], "little") if outputs else None
    return Reply(partition, offset, time_ms, reply_id, status, hash_, received / 1000,
                 (started, completed), error)


def read_letter(partition, offset, time_ms, _key, value):
    return Letter(partition, offset, time_ms, _body(value).text())


def dump(brokers, topic, read):
    """Every record of a topic, taken apart."""
    run = subprocess.run(["kcat", "-q", "-b", brokers, "-C", "-t", topic, "-e", "-o",
                          "beginning", "-f", "%p %o %T %K %S\n%k%s"],
                         stdout=subprocess.PIPE, check=True, timeout=120)
    data, at, found = run.stdout, 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        numbers = [int(n) for n in data[at:end].split()]
        key, value = max(numbers[3], 0), max(numbers[4], 0)
        at = end + 1 + key + value
        found.append(read(*numbers[:3], data[end + 1:end + 1 + key], data[end + 1 + key:at]))
    return found


class Witness:
    """Samples what a group has committed until its end, on a thread of its own."""

    INTERVAL_S = 0.1

    def __init__(self, brokers, prefix, model, partitions, wanted=fnv):
        self.brokers, self.prefix, self.partitions = brokers, prefix, partitions
        self.wanted = wanted  # row -> the answer that it must get, as a number
        self.topic = f"{prefix}requests.{model}"
        self.group = f"{prefix}batcher.{model}"
        self.samples = []
        self._trouble = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _sample(self, look):
        # The ends are read after the offsets: an answer that came before its commit is there.
        committed = look.committed(self.group, self.topic, self.partitions)
        self.samples.append(Sample(time.time() * 1000, committed,
                                   look.ends(self.prefix + "replies", self.partitions),
                                   look.ends(self.prefix + "dead-letters", 1)))

    def _watch(self):
        try:
            with eye.Eye(self.brokers) as look:
                while not self._over.wait(self.INTERVAL_S):
                    self._sample(look)
                self._sample(look)
        except (OSError, AssertionError) as trouble:
            self._trouble = trouble  # a witness that saw nothing proves nothing

    def owners(self):
        with eye.Eye(self.brokers) as look:
            return look.owners(self.group, self.topic)

    def history(self):
        if self._trouble is not None:
            raise RuntimeError(f"the witness: {self._trouble}")
        return History(dump(self.brokers, self.topic,
                            functools.partial(read_request, self.wanted)),
                       dump(self.brokers, self.prefix + "replies", read_reply),
                       dump(self.brokers, self.prefix + "dead-letters", read_letter),
                       self.samples)
