#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers that are larger than their topic takes: they alone fail, in words, by HTTP, as a job
and on a topic of the caller's own; small ones that travel with them arrive."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
ECHO = "/v2/models/echo/infer"
JOBS = "/v1/jobs"
LIMIT = 20 * 1024
SMALL, LARGE = 256, 8000  # floats: 1 KiB, and 31 KiB
SMALL_ONES = 100


def body(count, first):
    data = {"name": "data", "shape": [1, count], "datatype": "FP32",
            "data": [first] + [0] * (count - 1)}
    return {"inputs": [data]}


def mixed_wave(address):
    """Small ones, together far over the limit, and large ones between them, all at once."""
    counts = [LARGE if i % 20 == 7 else SMALL for i in range(SMALL_ONES)]
    bodies = [json.dumps(body(count, i)).encode() for i, count in enumerate(counts)]
    large = 0
    for i, (code, _, got) in enumerate(ask.wave(address, ECHO, bodies)):
        if counts[i] == SMALL:
            assert code == 200 and got["outputs"][0]["data"][0] == i, (i, code, got)
        else:
            assert code == 500 and got["code"] == "result_too_large", (code, got)
            assert "max.message.bytes" in got["detail"], got
            large += 1
    print(SMALL_ONES - large, "small ones answered beside", large, "too large ones")


def in_transactions(s, address):
    """None is held up, and none of the small ones is taken for too large."""
    batcher = s.batcher("t.", MODELS, "--models.load=echo",
                        "--processing.guarantee=exactly_once_v2")
    mixed_wave(address)
    assert "msg=batch_larger_than_topic_takes" in batcher.log(), batcher.log()
    assert batcher.stop() == 0, batcher.log()


def job(address):
    code, headers, _ = ask.call(address, "POST", JOBS, {"model": "echo", **body(LARGE, 1)})
    assert code == 202, code
    place = headers["location"]
    code, _, got = ask.call(address, "GET", place + "?wait=20")
    assert got["status"] == "failed", got
    assert got["error"]["code"] == "result_too_large", got
    assert got["error"]["stage"] == "reply", got
    code, _, got = ask.call(address, "GET", place + "/result")
    assert code == 500 and got["code"] == "result_too_large", (code, got)


def tensor(count):
    return records.tensor("data", b"\0\0\x80\x3f" * count, [1, count], records.FP32)


def own_topic(s):
    """A direct producer hears it where it asked to be answered."""
    one, other = records.new_id(), records.new_id()
    records.produce(s, "t.requests.echo", [
        records.request(one, [tensor(LARGE)], "echo", reply_to=("own.replies", 3)),
        records.request(other, [tensor(SMALL)], "echo", reply_to=("own.replies", 3))])

    def both():
        told = {r["id"]: r for r in (records.reply(value)
                                     for _, value, _ in records.read(s, "own.replies"))}
        return told if len(told) == 2 else None

    told = stage.wait_for("both answers", both)
    assert told[one]["status"] == "failed", told[one]
    assert told[one]["error"]["code"] == "result_too_large", told[one]
    assert told[other]["status"] == "succeeded", told[other]


def main():
    with stage.Stage() as s:
        # Made first, so that the second call leaves them as they are.
        s.topics("t.", [], options=[f"--topics.message.max={LIMIT}"])
        s.topics("own.", [], options=[f"--topics.message.max={LIMIT}"])
        s.topics("t.", ["echo"])
        batcher = s.batcher("t.", MODELS, "--models.load=echo", "--reply.topics.allow=own.*")
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        mixed_wave(address)
        job(address)
        own_topic(s)
        assert "msg=batch_larger_than_topic_takes" in batcher.log(), batcher.log()
        assert batcher.stop() == 0, batcher.log()
        in_transactions(s, address)
        assert ingest.stop() == 0, ingest.log()


main()
