# SPDX-License-Identifier: Apache-2.0
"""What an instance prints and logs, on its way to the batcher's log.

The child's descriptors 1 and 2 are pipes, so that prints of libraries in C come along, and
so do the last words of a process that was killed. Records of `logging` and tracebacks go
the same way, with their level in front. A flood is cut: the batcher has other work.
"""
import logging
import os
import socket
import time

import leat_control

MARK = "\x01"  # begins a line that says its level: MARK, a letter of LEVELS, the text
LEVELS = {"i": "info", "w": "warn", "e": "error"}
LINES_PER_SECOND = 100
PIECE_BYTES = 65536


class Reader:
    """The supervisor's end of a pipe: each line becomes a message `log`."""

    def __init__(self, control, fd, level, instance):
        self.control = control
        self.fd = fd
        self.level = level
        self.instance = instance
        self.rest = b""
        self.second = 0
        self.lines = 0
        self.left_out = 0

    def read(self):
        """Takes what is there. Returns False at the end of the pipe."""
        try:
            piece = os.read(self.fd, PIECE_BYTES)
        except BlockingIOError:
            return True
        *lines, self.rest = (self.rest + piece).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self.rest) >= leat_control.VALUE_BYTES:
            self._line(self.rest)
            self.rest = b""
        return bool(piece)

    def close(self):
        """The child is gone: whatever it still said."""
        while True:
            try:
                piece = os.read(self.fd, PIECE_BYTES)
            except BlockingIOError:
                break  # somebody else holds the pipe: a child of the child
            if not piece:
                break
            self.rest += piece
        for line in self.rest.split(b"\n"):
            self._line(line)
        self._tell_left_out()

    def _line(self, line):
        if not line.strip():
            return
        now = int(time.monotonic())
        if now != self.second:
            self._tell_left_out()
            self.second, self.lines = now, 0
        self.lines += 1
        if self.lines > LINES_PER_SECOND:
            self.left_out += 1
            return
        text, level = line.decode("utf-8", "replace"), self.level
        if text.startswith(MARK) and text[1:2] in LEVELS:
            text, level = text[2:], LEVELS[text[1]]
        self._send(level, text)

    def _tell_left_out(self):
        count, self.left_out = self.left_out, 0
        if count:
            self._send("warn", f"{count} lines more were left out")

    def _send(self, level, text):
        try:
            leat_control.send(self.control, "log", ("level", level),
                              ("instance", self.instance), ("text", text),
                              flags=socket.MSG_DONTWAIT)
        except BlockingIOError:
            self.left_out += 1  # the batcher is behind: it hears orders before words


def write(letter, text):
    """In the child: one message at that level; lines of a traceback are put side by side."""
    lines = [line.strip() for line in text.rstrip("\n").split("\n")]
    os.write(2, (MARK + letter + " | ".join(lines) + "\n").encode("utf-8", "replace"))


class Handler(logging.Handler):
    """Records of `logging`, where the model configures nothing else."""

    def emit(self, record):
        letter = "e" if record.levelno >= logging.ERROR else (
            "w" if record.levelno >= logging.WARNING else "i")
        try:
            write(letter, self.format(record))
        except Exception:  # as logging wants it: a record never fails the caller
            self.handleError(record)


def install():
    """In the child, before the model's module is imported."""
    logging.basicConfig(level=logging.INFO, handlers=[Handler()],
                        format="%(name)s: %(message)s")
