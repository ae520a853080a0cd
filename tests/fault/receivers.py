# SPDX-License-Identifier: Apache-2.0
"""Receivers of webhooks that misbehave, each on a port of its own. Each knows which webhook-ids
it has answered 2xx, as `good`, and how often each came, as `seen`."""
import collections
import contextlib
import re
import socket
import struct
import threading
import time

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def _answer(code, head=b"", body=b""):
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n%s\r\n" % (code, len(body), head) + body


class Receiver:
    """Speaks as little HTTP as the test needs: a request at a time, kept alive after OK."""

    def __init__(self, behave, listen=True):
        self.behave = behave
        self.seen = collections.Counter()
        self.good = {}  # id -> when
        self.lock = threading.Lock()
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        if listen:
            self.socket.listen(512)
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            with contextlib.suppress(OSError):
                connection, _ = self.socket.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with contextlib.suppress(OSError, ValueError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while True:
                one = self._read(connection)
                if one is None or not self.behave(self, connection, one):
                    return

    @staticmethod
    def _read(connection):
        """The webhook-id of a whole request; None at its end."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        left = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1)) - len(body)
        while left > 0:
            piece = connection.recv(65536)
            if not piece:
                return None
            left -= len(piece)
        return re.search(rb"(?i)webhook-id: *msg_(\S+)", head).group(1).decode()

    def note(self, one, good):
        with self.lock:
            self.seen[one] += 1
            if good:
                self.good.setdefault(one, time.time())
            return self.seen[one]


def accepts(r, connection, one):
    r.note(one, True)
    connection.sendall(OK)
    return True


def hangs(r, connection, one):
    r.note(one, False)
    connection.recv(1)  # until the caller has had enough
    return False


def trickles(r, connection, one):
    r.note(one, False)
    for byte in OK * 100:
        connection.sendall(bytes([byte]))
        time.sleep(0.5)
    return False


def resets(r, connection, one):
    r.note(one, False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def floods(r, connection, one):
    """200, and a body without an end: it was received."""
    r.note(one, True)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def redirects_to(url):
    def behave(r, connection, one):
        r.note(one, False)
        connection.sendall(_answer(307, b"Location: " + url.encode() + b"\r\n"))
        return True
    return behave


def answers_first(code, head=b""):
    """That code to the first call of an id, then 200."""
    def behave(r, connection, one):
        with r.lock:
            first = r.seen[one] == 0
        r.note(one, not first)
        connection.sendall(_answer(code, head) if first else OK)
        return True
    return behave


def answers(code):
    def behave(r, connection, one):
        r.note(one, False)
        connection.sendall(_answer(code))
        return True
    return behave


def late(r, connection, one):
    """200 to the first call when its caller has gone, to later ones at once."""
    with r.lock:
        first = r.seen[one] == 0
    r.note(one, not first)
    if first:
        time.sleep(3)
    connection.sendall(OK)
    return True


def talks_nonsense(r, connection, one):
    r.note(one, False)
    connection.sendall(b"\x00\xff SSH-2.0\r\n\r\n")
    return False
