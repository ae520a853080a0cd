# SPDX-License-Identifier: Apache-2.0
"""Looks at a consumer group from outside: what is committed, where topics end, who owns what.

Four requests of the Kafka protocol, spoken by hand in versions without tagged fields, so that
what is seen owes nothing to the client library that is under test. One broker is enough: it
coordinates every group and leads every partition.
"""
import socket
import struct

OFFSET_FETCH, LIST_OFFSETS, DESCRIBE_GROUPS = 9, 2, 15
NOT_YET = {14, 15, 16}  # the group's coordinator is loading, not there, or elsewhere


def _text(value):
    raw = value.encode()
    return struct.pack(">h", len(raw)) + raw


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def raw(self, size):
        if size < 0:
            return b""
        self.at += size
        return self.data[self.at - size:self.at]

    def text(self):
        return self.raw(self.take("h")).decode()

    def each(self):
        return range(self.take("i"))


class Eye:
    """One connection to one broker; not to be shared by threads."""

    def __init__(self, broker):
        host, port = broker.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        self.correlation = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise ConnectionError("the broker closed the connection")
            data += piece
        return data

    def _ask(self, key, version, body):
        self.correlation += 1
        head = struct.pack(">hhi", key, version, self.correlation) + _text("fault-eye")
        self.socket.sendall(struct.pack(">i", len(head + body)) + head + body)
        answer = _Reader(self._exactly(struct.unpack(">i", self._exactly(4))[0]))
        assert answer.take("i") == self.correlation
        return answer

    def committed(self, group, topic, partitions):
        """{partition: offset} of what the group has committed; {} before it has a coordinator."""
        numbers = struct.pack(f">i{partitions}i", partitions, *range(partitions))
        answer = self._ask(OFFSET_FETCH, 1,
                           _text(group) + struct.pack(">i", 1) + _text(topic) + numbers)
        found = {}
        for _ in answer.each():
            answer.text()
            for _ in answer.each():
                partition, offset = answer.take("iq")
                answer.text()
                error = answer.take("h")
                assert error == 0 or error in NOT_YET, f"OffsetFetch was refused: {error}"
                if offset >= 0:
                    found[partition] = offset
        return found

    def ends(self, topic, partitions):
        """{partition: offset that the next record will get}."""
        wanted = b"".join(struct.pack(">iq", p, -1) for p in range(partitions))
        answer = self._ask(LIST_OFFSETS, 1, struct.pack(">ii", -1, 1) + _text(topic) +
                           struct.pack(">i", partitions) + wanted)
        found = {}
        for _ in answer.each():
            answer.text()
            for _ in answer.each():
                partition, error, _, offset = answer.take("ihqq")
                assert error == 0, f"ListOffsets was refused: {error}"
                found[partition] = offset
        return found

    def owners(self, group, topic):
        """{client.id: [partitions]} of a group that is stable, else {}."""
        answer = self._ask(DESCRIBE_GROUPS, 0, struct.pack(">i", 1) + _text(group))
        found = {}
        for _ in answer.each():
            answer.take("h")
            answer.text()
            state, _, _ = answer.text(), answer.text(), answer.text()
            for _ in answer.each():
                answer.text()
                client, _ = answer.text(), answer.text()
                answer.raw(answer.take("i"))
                found[client] = _assigned(answer.raw(answer.take("i")), topic)
            if state != "Stable":
                return {}
        return found


def _assigned(data, topic):
    """The consumer protocol's assignment: version, topics with partitions, user data."""
    if not data:
        return []
    reader = _Reader(data)
    reader.take("h")
    mine = []
    for _ in reader.each():
        name = reader.text()
        numbers = [reader.take("i") for _ in reader.each()]
        mine += numbers if name == topic else []
    return sorted(mine)
