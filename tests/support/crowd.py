# SPDX-License-Identifier: Apache-2.0
"""Thousands of callers at once: all connect, all ask in the same instant, and who is refused
with Retry-After comes back when he was told to, once."""
import collections
import heapq
import json
import resource
import selectors
import socket
import time


class Attempt:
    """One request and its answer; times in seconds since the crowd began to ask."""

    def __init__(self, due):
        self.due = due
        self.socket = None
        self.answered = None
        self.bytes = b""
        self.code = 0
        self.headers = {}

    def parse(self):
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        if lines[0]:
            self.code = int(lines[0].split()[1])
            self.headers = {k.lower(): v for k, v in
                            (line.split(": ", 1) for line in lines[1:])}

    def retry_after(self):
        return int(self.headers["retry-after"])


class Crowd:
    """run() gives, for each caller, the list of his attempts: one, or two if he was refused."""

    def __init__(self, address, path, body, headers=None):
        host, port = address.rsplit(":", 1)
        self.address = (host, int(port))
        body = json.dumps(body).encode()
        lines = "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        self.request = (f"POST {path} HTTP/1.1\r\nHost: leat\r\nConnection: close\r\n"
                        f"Content-Length: {len(body)}\r\n{lines}\r\n").encode() + body
        self.selector = selectors.DefaultSelector()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard) if soft < hard else (soft, hard))

    def _connect(self, attempt):
        attempt.socket = socket.create_connection(self.address, timeout=30)
        attempt.socket.setblocking(False)

    def _ask(self, caller, attempt):
        if attempt.socket is None:
            self._connect(attempt)
        attempt.socket.send(self.request)
        self.selector.register(attempt.socket, selectors.EVENT_READ, (caller, attempt))

    def _read(self, attempt):
        """True at the end of the answer."""
        try:
            piece = attempt.socket.recv(65536)
        except ConnectionResetError:
            piece = b""
        attempt.bytes += piece
        return not piece

    def run(self, count, again=True, patience=120):
        callers = [[Attempt(0.0)] for _ in range(count)]
        for attempts in callers:
            self._connect(attempts[0])
        due = [(0.0, i) for i in range(count)]
        open_ones, begin = 0, time.monotonic()
        while due or open_ones:
            now = time.monotonic() - begin
            assert now < patience, f"{open_ones} are not answered, {len(due)} have not come back"
            while due and due[0][0] <= now:
                _, i = heapq.heappop(due)
                self._ask(i, callers[i][-1])
                open_ones += 1
            wait = max(0.0, due[0][0] - now) if due else 1.0
            for key, _ in self.selector.select(min(wait, 1.0)):
                i, attempt = key.data
                if not self._read(attempt):
                    continue
                attempt.answered = time.monotonic() - begin
                self.selector.unregister(attempt.socket)
                attempt.socket.close()
                open_ones -= 1
                attempt.parse()
                if again and attempt.code == 429 and len(callers[i]) == 1:
                    callers[i].append(Attempt(attempt.answered + attempt.retry_after()))
                    heapq.heappush(due, (callers[i][-1].due, i))
        return callers


def outcome(callers):
    """What became of them: counts, and how honest Retry-After was."""
    first = [attempts[0] for attempts in callers]
    second = [attempts[1] for attempts in callers if len(attempts) > 1]
    refused = [a for a in first if a.code == 429]
    return {
        "answered": sum(a.code == 200 for a in first),
        "refused": len(refused),
        "other": len(first) - len(refused) - sum(a.code == 200 for a in first),
        "refused_in_s": max((a.answered - a.due for a in refused), default=0.0),
        "answered_in_s": max((a.answered - a.due for a in first if a.code == 200), default=0.0),
        "retry_after_s": max((a.retry_after() for a in refused), default=0),
        "back": len(second),
        "back_refused": sum(a.code == 429 for a in second),
        "back_answered": sum(a.code == 200 for a in second),
        "back_other": sum(a.code not in (200, 429) for a in second),
        "codes": dict(collections.Counter(a.code for a in first + second)),
    }
