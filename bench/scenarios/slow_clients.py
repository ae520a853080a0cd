# SPDX-License-Identifier: Apache-2.0
"""Clients that send their head or their body a byte at a time, or read nothing of their answers:
whether each is closed on time, and what they do to the p99 of healthy ones beside them."""
import selectors
import socket
import statistics
import threading
import time

import stage

from . import table
from .line import MODELS

TIMEOUT_S = 3.0
ARRIVE_PER_S = 40
DRIP_S = 0.5
KINDS = ("head", "body", "reading")
HEAD = b"GET /v2 HTTP/1.1\r\nHost: leat\r\nX-Slow: "
BODY = (b"POST /v2/models/noop/infer HTTP/1.1\r\nHost: leat\r\nContent-Length: 100000\r\n\r\n")
GREEDY = b"GET /openapi.json HTTP/1.1\r\nHost: leat\r\n\r\n" * 400


class Slow:
    """One slow client; `lasted` is how long the server bore it."""

    def __init__(self, address, kind):
        self.kind = kind
        self.lasted = None
        self.socket = socket.socket()
        if kind == "reading":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(address)
        self.begin = time.monotonic()
        self.socket.sendall({"head": HEAD, "body": BODY, "reading": GREEDY}[kind])
        self.socket.setblocking(False)

    def drip(self):
        """Sends its next byte, and so learns of a close although it may not read."""
        try:
            self.socket.send(b"x")
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except BlockingIOError:
            error = 0
        except OSError as e:
            error = e.errno
        if error:
            self.lasted = time.monotonic() - self.begin

    def end(self):
        self.lasted = self.lasted or time.monotonic() - self.begin


class Crowd(threading.Thread):
    """Keeps slow clients of every kind coming, one after the other, until stop()."""

    def __init__(self, address):
        super().__init__()
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        self.clients = []
        self.alive = []
        self.selector = selectors.DefaultSelector()
        self.stopping = threading.Event()

    def run(self):
        begin = time.monotonic()
        while self.alive or not self.stopping.is_set():
            for key, _ in self.selector.select(1 / ARRIVE_PER_S):
                self._ended(key.data)
            due = int((time.monotonic() - begin) * ARRIVE_PER_S)
            while len(self.clients) < due and not self.stopping.is_set():
                self._open(KINDS[len(self.clients) % len(KINDS)])
            self._drip(time.monotonic())

    def _open(self, kind):
        client = Slow(self.address, kind)
        client.next = client.begin + DRIP_S
        self.clients.append(client)
        self.alive.append(client)
        if kind != "reading":
            self.selector.register(client.socket, selectors.EVENT_READ, client)

    def _drip(self, now):
        for client in [c for c in self.alive if c.next <= now]:
            client.next = now + DRIP_S
            client.drip()
            if now > client.begin + 3 * TIMEOUT_S:
                client.lasted = client.lasted or float("inf")
            if client.lasted is not None:
                self._ended(client)

    def _ended(self, client):
        if client.kind != "reading":
            self.selector.unregister(client.socket)
        self.alive.remove(client)
        client.end()
        client.socket.close()

    def stop(self):
        self.stopping.set()
        self.join()
        self.selector.close()


def run(s, quick, rows, bars):
    pairs, seconds = (2, 4) if quick else (5, 10)
    s.topics("slow.", ["noop"])
    batcher = s.batcher("slow.", MODELS, "--models.load=noop")
    timeouts = [f"--http.{what}.timeout={TIMEOUT_S}s" for what in ("head", "body", "write")]
    address = s.ingest("slow.", *timeouts).ready["http"]
    s.balanced([batcher])
    healthy = ["--model=noop", "--connections=64", "--rate=1000", f"--duration={seconds}s"]
    for _ in range(1 if quick else 3):
        s.load(address, *healthy)
    alone, beside, clients = [], [], []
    for _ in range(pairs):
        alone.append(s.load(address, *healthy))
        crowd = Crowd(address)
        crowd.start()
        beside.append(s.load(address, *healthy))
        crowd.stop()
        clients += crowd.clients
    for what, results in (("alone", alone), ("beside slow clients", beside)):
        rows.append({"": what, "p50 ms": statistics.median(r["p50_ms"] for r in results),
                     "p99 ms": statistics.median(r["p99_ms"] for r in results),
                     "not right": sum(r["wrong"] + r["refused"] + r["failed"] for r in results)})
    for kind in KINDS:
        lasted = [c.lasted for c in clients if c.kind == kind]
        rows.append({"": f"slow {kind}", "clients": len(lasted), "first closed s": min(lasted),
                     "last closed s": max(lasted)})
        table.bar(bars, f"seconds until the last slow {kind} is closed", max(lasted),
                  1.25 * TIMEOUT_S + 2 * DRIP_S + 1)
    table.bar(bars, "p99 beside slow clients over p99 alone",
              statistics.median(b["p99_ms"] / a["p99_ms"] for a, b in zip(alone, beside)), 1.1)
    table.bar(bars, "healthy answers that were not right", sum(r["not right"] for r in rows[:2]), 0)
