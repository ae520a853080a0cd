# SPDX-License-Identifier: Apache-2.0
"""Control messages of the runner protocol: packets of `key=value` lines, the first the type.

The socket is shared by the supervisor and the processes of the instances; a packet is
whole whoever sends it, so nobody has to ask another to.
"""
import os

PACKET_BYTES = 65536
VALUE_BYTES = 8192


def parse(packet):
    """The fields of a packet; of a key that stands twice the first."""
    fields = {}
    for line in packet.decode("utf-8", "replace").split("\n"):
        key, equals, value = line.partition("=")
        if equals:
            fields.setdefault(key, value)
    return fields


def number(fields, key, least, most):
    """A number of a message; ValueError in words."""
    text = fields.get(key, "")
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{key}={text} is no number from {least} to {most}")
    return int(text)


def clean(value, most=VALUE_BYTES):
    """One line of printable text of so many bytes at most, encoded."""
    text = "".join(c if c >= " " and c != "\x7f" else " " for c in str(value))
    data = text.encode("utf-8", "replace")
    return data if len(data) <= most else data[:most].decode("utf-8", "ignore").encode()


def send(sock, kind, *pairs, flags=0):
    """Sends one message; BlockingIOError only with the flag for it. If nobody is there to
    hear it, the batcher died: so do we."""
    packet = b"type=" + kind.encode() + b"\n" + b"".join(
        key.encode() + b"=" + clean(value) + b"\n" for key, value in pairs)
    try:
        sock.send(packet[:PACKET_BYTES], flags)
    except BlockingIOError:
        raise
    except OSError:
        os._exit(1)
