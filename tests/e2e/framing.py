#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that two parsers could cut differently, each with another hidden behind it: the ingest
answers 400 and closes, and what was hidden never becomes a request."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
PATH = "/v2/models/sim/infer"
BODY = '{"inputs":[{"name":"data","shape":[1,1],"datatype":"UINT8","data":[%d]}]}'


def infer(number, host="Host: leat\r\n"):
    body = BODY % number
    return f"POST {PATH} HTTP/1.1\r\n{host}Content-Length: {len(body)}\r\n\r\n{body}"


HIDDEN = infer(2)


def head(*fields, version="1.1", host=True):
    lines = [f"POST {PATH} HTTP/{version}"] + (["Host: leat"] if host else []) + list(fields)
    return "\r\n".join(lines) + "\r\n\r\n"


def lengths(*values):
    return head(*(f"Content-Length: {v}" for v in values))


GOOD = BODY % 1
CHUNKED = "Transfer-Encoding: chunked"
LENGTH = f"Content-Length: {len(GOOD)}"
# A sender meant these as one request with HIDDEN in its body, or as two.
AMBIGUOUS = {
    "two lengths": lengths(len(GOOD), len(GOOD + HIDDEN)) + GOOD,
    "the same length twice": lengths(len(GOOD), len(GOOD)) + GOOD,
    "a list of lengths": lengths(f"{len(GOOD)}, {len(GOOD)}") + GOOD,
    "a signed length": lengths(f"+{len(GOOD)}") + GOOD,
    "a negative length": lengths("-1"),
    "a length in hexadecimal": lengths(hex(len(GOOD))) + GOOD,
    "a length with a space inside": lengths("1 0") + GOOD,
    "an empty length": lengths("") + GOOD,
    "a length beyond 64 bits": lengths("18446744073709551617") + GOOD,
    "a length, then chunked": head(LENGTH, CHUNKED) + "0\r\n\r\n",
    "chunked, then a length": head(CHUNKED, LENGTH) + "0\r\n\r\n",
    "a coding before chunked": head("Transfer-Encoding: gzip, chunked") + "0\r\n\r\n",
    "a coding after chunked": head("Transfer-Encoding: chunked, identity") + "0\r\n\r\n",
    "chunked twice": head(CHUNKED, CHUNKED) + "0\r\n\r\n",
    "nearly chunked": head("Transfer-Encoding: xchunked") + "0\r\n\r\n",
    "chunked in quotes": head('Transfer-Encoding: "chunked"') + "0\r\n\r\n",
    "chunked behind a tab": head("Transfer-Encoding:\x0bchunked") + "0\r\n\r\n",
    "chunked for HTTP/1.0": head(CHUNKED, version="1.0") + "0\r\n\r\n",
    "a space before the colon of chunked": head("Transfer-Encoding : chunked") + "0\r\n\r\n",
    "a space before the colon of the length": head(f"Content-Length : {len(GOOD)}") + GOOD,
    "a space inside a name": head("Content Length: 5", LENGTH) + GOOD,
    "a folded line": head("X: y\r\n folded", LENGTH) + GOOD,
    "a bare CR": head(f"X: y\rContent-Length: {len(HIDDEN)}", LENGTH) + GOOD,
    "a bare LF": head(f"X: y\nContent-Length: {len(HIDDEN)}", LENGTH) + GOOD,
    "a NUL in a field": head(f"X: y\0\r\nContent-Length: {len(HIDDEN)}", LENGTH) + GOOD,
    "no host": head(LENGTH, host=False) + GOOD,
    "two hosts": head("Host: other", LENGTH) + GOOD,
    "a NUL in the target": f"POST {PATH}%00/x HTTP/1.1\r\nHost: leat\r\n{LENGTH}\r\n\r\n" + GOOD,
    "a chunk size of no digits": head(CHUNKED) + "x\r\n\r\n0\r\n\r\n",
    "a chunk size with a sign": head(CHUNKED) + "+1\r\na\r\n0\r\n\r\n",
    "a chunk size with a prefix": head(CHUNKED) + "0x1\r\na\r\n0\r\n\r\n",
    "a chunk size behind a space": head(CHUNKED) + " 1\r\na\r\n0\r\n\r\n",
    "a chunk that is longer than it says": head(CHUNKED) + "1\r\nab\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": head(CHUNKED) + "10000000000000001\r\na\r\n0\r\n\r\n",
}
MAY_BE_413 = {"a length beyond 64 bits", "a chunk size beyond 64 bits"}


def main():
    with stage.Stage() as s:
        s.topics("t.", ["sim"])
        s.batcher("t.", MODELS, "--models.load=sim")
        address = s.ingest("t.").ready["http"]
        wrong = []
        for what, text in AMBIGUOUS.items():
            answer, closed = ask.raw(address, (text + HIDDEN).encode("latin-1"))
            codes = set(re.findall(rb"HTTP/1\.[01] (\d+)", answer))
            expected = {b"400", b"413"} if what in MAY_BE_413 else {b"400"}
            if not closed or not codes or not codes <= expected:
                wrong.append(f"{what}: {codes or 'no answer'}, {'closed' if closed else 'open'}")
        assert not wrong, "\n".join(wrong)
        assert not s.records("t.requests.sim"), "something hidden became a request"

        answer, _ = ask.raw(address, (infer(1) + infer(2)).encode())
        assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == [b"200", b"200"], answer
        assert len(s.records("t.requests.sim")) == 2
        print(f"{len(AMBIGUOUS)} ambiguous requests refused")


main()
