# SPDX-License-Identifier: Apache-2.0
"""Records of schemas/request.avsc written by hand, so that a test can bend them, replies read
as schemas/reply.avsc says, and kcat to put any bytes on a topic and to read what is there."""
import os
import subprocess
import tempfile
import time
import uuid

# C3 01 and the CRC-64-AVRO fingerprint of the request's schema, little-endian.
PREFIX = bytes.fromhex("c3011eed0f50da99b89d")
UINT8 = 1  # of Datatype
INT64 = 8
FP32 = 11
STATUSES = ["queued", "succeeded", "failed", "canceled", "expired"]


def number(value):
    """Avro's int and long: zigzag, seven bits a byte."""
    value = (value << 1) ^ (value >> 63)
    out = b""
    while value > 0x7f:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def data(raw):
    """Avro's bytes and string."""
    return number(len(raw)) + raw


def text(value):
    return data(value.encode())


def tensor(name, raw, shape, datatype=UINT8):
    dims = number(len(shape)) + b"".join(number(d) for d in shape) + number(0)
    return text(name) + number(datatype) + dims + data(raw)


def request(request_id, inputs, model="sim", version=None, reply_to=None):
    """A whole record: `inputs` is a list of tensor(), `reply_to` a topic and a partition or
    None; all other optional fields are absent."""
    out = PREFIX + text(request_id) + text(model)
    out += number(0) if version is None else number(1) + text(version)
    out += (number(len(inputs)) if inputs else b"") + b"".join(inputs) + number(0)
    out += number(0) * 2  # outputs, parameters
    if reply_to is None:
        out += number(0)
    else:
        topic, partition = reply_to
        out += number(1) + text(topic)
        out += number(0) if partition is None else number(1) + number(partition)
    out += number(0) * 2  # route, webhook
    out += text("default") + number(0) + number(0)  # tenant, batch_id, priority
    return out + number(time.time_ns() // 1000) + number(0) + number(0)


class Reader:
    """Takes Avro's values off the front of some bytes."""

    def __init__(self, raw):
        self.rest = raw

    def take(self, size):
        taken, self.rest = self.rest[:size], self.rest[size:]
        assert len(taken) == size, "the record ends early"
        return taken

    def number(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return (value >> 1) ^ -(value & 1)

    def text(self):
        return self.take(self.number()).decode()

    def array(self, item):
        items = []
        while (count := self.number()) != 0:
            if count < 0:
                count, _ = -count, self.number()
            items += [item() for _ in range(count)]
        return items

    def maybe(self, value):
        return value() if self.number() == 1 else None

    def tensor(self):
        return {"name": self.text(), "datatype": self.number(),
                "shape": self.array(self.number), "data": self.take(self.number())}

    def error(self):
        return {"code": self.text(), "message": self.text(), "stage": self.text()}


def reply(value):
    """What a reply says, in single-object encoding; the fields behind tenant are left out."""
    assert value[:2] == b"\xc3\x01", value[:16]
    r = Reader(value[10:])
    told = {"id": r.text(), "model": r.text(), "version": r.maybe(r.text),
            "status": STATUSES[r.number()], "outputs": r.array(r.tensor),
            "error": r.maybe(r.error)}
    told["timing"] = [r.number() for _ in range(4)]
    told.update(batch_size=r.number(), attempt=r.number(), tenant=r.text())
    return told


def new_id():
    """A UUID of version 7."""
    value = (time.time_ns() // 10**6) << 80 | 7 << 76 | 2 << 62
    value |= int.from_bytes(os.urandom(9), "big") & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


def fnv(row):
    """What the sim backend answers for a row."""
    value = 14695981039346656037
    for byte in row:
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


def produce(stage, topic, values, key="stranger", partition=0, header=None):
    """One record a value, in this order, into one partition; None is a tombstone."""
    where = ["kcat", "-q", "-b", stage.brokers, "-P", "-t", topic, "-p", str(partition)]
    where += [] if header is None else ["-H", header]
    run = []
    for value in [*values, None]:
        if value is not None:
            with tempfile.NamedTemporaryFile(dir=stage.folder, delete=False) as f:
                f.write(value)
            run.append(f.name)
        elif run:
            subprocess.run([*where, "-k", key, *run], check=True, timeout=60)
            run = []
    for value in values:
        if value is None:
            subprocess.run([*where, "-Z", "-K", ":"], input=f"{key}:\n".encode(),
                           check=True, timeout=60)


def read(stage, topic, isolation="read_committed"):
    """(key, value, headers as kcat writes them) of every record of a topic."""
    run = subprocess.run(["kcat", "-q", "-b", stage.brokers, "-C", "-t", topic, "-e", "-o",
                          "beginning", "-X", f"isolation.level={isolation}",
                          "-f", "%K %S %h\n%k%s"],
                         stdout=subprocess.PIPE, check=True, timeout=60)
    all_of_it, at, found = run.stdout, 0, []
    while at < len(all_of_it):
        end = all_of_it.index(b"\n", at)
        sizes = all_of_it[at:end].decode().split(" ", 2)
        value_at = end + 1 + max(int(sizes[0]), 0)
        at = value_at + max(int(sizes[1]), 0)
        found.append((all_of_it[end + 1:value_at], all_of_it[value_at:at], sizes[2]))
    return found


def send(stage, topic, count, model="sim", partition=0):
    """So many requests of one row straight into a partition; their ids."""
    ids = [new_id() for _ in range(count)]
    produce(stage, topic, [request(i, [tensor("data", i.encode(), [1, 36])], model)
                           for i in ids], partition=partition)
    return ids
