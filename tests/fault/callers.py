# SPDX-License-Identifier: Apache-2.0
"""Callers that ask in one of four ways (held, polled, ?wait=, pushed), each request and each
question through an instance chosen by chance, while instances die and come back. What was
accepted is remembered with the answer that its row must have; whatever contradicts a promise is
a line in `wrong`. What another tenant asks for must be 404. Asyncio, with keep-alive connections of its own, so that one process makes a
few thousand calls a second."""
import asyncio
import json
import os
import random
import time

import records

ROW_BYTES = 16
PATIENCE_S = 90  # from being accepted to a terminal state: session timeout, rebuild, the machine
TERMINAL = ("succeeded", "failed", "canceled", "expired")


class Lost(Exception):
    """The connection went away before the whole answer had come."""


async def body_of(reader, names):
    if names.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(names["content-length"]))
    data = b""
    while True:
        size = int(await reader.readuntil(b"\r\n"), 16)
        piece = await reader.readexactly(size + 2)
        if size == 0:
            return data
        data += piece[:-2]


def last_event(stream):
    """The document of the last event; None where there was none."""
    data = [line[6:] for line in stream.decode().splitlines() if line.startswith("data: ")]
    return json.loads(data[-1]) if data else None


class Doors:
    """Keep-alive connections to whatever addresses there are now."""

    def __init__(self, addresses):
        self.addresses = addresses  # a list that others change
        self._idle = {}

    def any(self):
        return random.choice(self.addresses)

    async def _open(self, address):
        while self._idle.get(address):
            reader, writer = self._idle[address].pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
        host, port = address.rsplit(":", 1)
        return await asyncio.open_connection(host, int(port))

    async def ask(self, address, method, path, body=b"", headers=()):
        """(code, headers, JSON or None)."""
        writer = None
        try:
            reader, writer = await self._open(address)
            lines = [f"{method} {path} HTTP/1.1", f"Host: {address}",
                     f"Content-Length: {len(body)}", *headers, "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            names = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            data = await body_of(reader, names)
        except (OSError, asyncio.IncompleteReadError) as reason:
            if writer is not None:
                writer.close()
            raise Lost(address) from reason
        if names.get("connection") == "close":
            writer.close()
        else:
            self._idle.setdefault(address, []).append((reader, writer))
        if names.get("content-type") == "text/event-stream":
            return int(head[0].split()[1]), names, last_event(data)
        return int(head[0].split()[1]), names, json.loads(data) if data else None

    def close(self):
        for some in self._idle.values():
            for _, writer in some:
                writer.close()
        self._idle.clear()


def ending(document):
    """(status, the answer) of a job document or of an infer answer."""
    status = document.get("status", "succeeded")
    outputs = document.get("outputs") or []
    return status, outputs[0]["data"][0] if outputs else None


class Callers:
    def __init__(self, addresses, model, hook, keys):
        """keys: of the callers, and of somebody else"""
        self.doors = Doors(addresses)
        self.own, self.foreign = ([f"Authorization: Bearer {key}"] for key in keys)
        self.model = model
        self.hook = hook  # URL of the receiver
        self.accepted = {}  # id -> (way, the answer that it must have)
        self.endings = {}  # id -> (status, answer) as first heard
        self.counts = {"refused": 0, "lost": 0, "probed": 0}
        self.wrong = []
        self.left = 0

    def heard(self, one, document, how):
        status, answer = ending(document)
        if status not in TERMINAL:
            return False
        _, expected = self.accepted[one]
        if status == "succeeded" and answer is not None and answer != expected:
            self.wrong.append(f"{one} by {how}: {answer} instead of {expected}")
        if status != self.endings.setdefault(one, (status, answer))[0]:
            self.wrong.append(f"{one} by {how}: {status}, was {self.endings[one][0]}")
        return True

    async def look(self, one, path="", how="GET"):
        """Asks until it has ended; every instance must know it or say 503."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                code, names, document = await self.doors.ask(
                    self.doors.any(), "GET", f"/v1/jobs/{one}{path}", b"", self.own)
            except Lost:
                await asyncio.sleep(0.1)
                continue
            if code == 200 and self.heard(one, document, how):
                return
            if code not in (200, 202, 429, 503):
                self.wrong.append(f"{one} by {how}: {code} {document}")
                return
            if not path:
                await asyncio.sleep(min(float(names.get("retry-after", 0.2)), 1))
        self.wrong.append(f"{one} by {how}: no end within {PATIENCE_S} s")

    def _request(self, way):
        row = list(os.urandom(ROW_BYTES))
        document = {"inputs": [{"name": "data", "shape": [1, ROW_BYTES], "datatype": "UINT8",
                                "data": row}]}
        if way == "held":
            return row, f"/v2/models/{self.model}/infer", document
        document["model"] = self.model
        if way == "pushed":
            document["webhook"] = {"url": self.hook}
        return row, "/v1/jobs", document

    async def _accepted(self, way, code, row, document):
        if code not in (200, 202, 504):
            self.counts["refused"] += 1
            if code not in (429, 503):
                self.wrong.append(f"{way}: {code} {document}")
            await asyncio.sleep(0.2)
            return
        one = document["id"]
        self.accepted[one] = (way, records.fnv(bytes(row)))
        self.counts[way] = self.counts.get(way, 0) + 1
        if code == 200:
            self.heard(one, document, way)
        elif way == "waited":
            await self.look(one, "?wait=5", way)
        elif way in ("held", "polled"):
            await self.look(one, "", way)

    async def _caller(self):
        while self.left > 0:
            self.left -= 1
            way = random.choice(("held", "polled", "waited", "pushed"))
            row, path, document = self._request(way)
            try:
                code, _, answer = await self.doors.ask(self.doors.any(), "POST", path,
                                                       json.dumps(document).encode(),
                                                       self.own)
            except Lost:
                self.counts["lost"] += 1  # nobody was told that it was accepted
                await asyncio.sleep(0.05)
                continue
            await self._accepted(way, code, row, answer)

    async def call(self, count, callers):
        self.left = count
        await asyncio.gather(*(self._caller() for _ in range(callers)))
        self.doors.close()

    async def probe(self, one, method, path):
        """Another tenant's question: 404, whatever has become of the job."""
        code = 503
        while code in (429, 503):
            try:
                code, _, document = await self.doors.ask(
                    self.doors.any(), method, f"/v1/jobs/{one}{path}", b"", self.foreign)
            except Lost:
                await asyncio.sleep(0.1)
        self.counts["probed"] += 1
        if code != 404:
            self.wrong.append(f"{one}: {method} {path} of another tenant: {code} {document}")

    async def ask_again(self, ids, callers):
        """Each of them once more through any instance, by each way of asking in turn, and one
        in eight by another tenant."""
        ways = [("", "GET"), ("?wait=1", "?wait="), ("/result", "/result"),
                ("/events", "/events")]
        probes = [("GET", ""), ("GET", "?wait=1"), ("GET", "/result"), ("GET", "/events"),
                  ("DELETE", "")]
        queue = list(enumerate(ids))

        async def one_asker():
            while queue:
                i, one = queue.pop()
                if i % 8 == 0:
                    await self.probe(one, *random.choice(probes))
                await self.look(one, *ways[i % len(ways)])

        await asyncio.gather(*(one_asker() for _ in range(callers)))
        self.doors.close()
