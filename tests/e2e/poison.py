#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Inputs that break the model, each in the middle of a batch: the poison alone is answered
with its cause, its batch-mates get their answers, and the batcher stays in its group."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODEL = os.path.join(stage.ROOT, "tests", "support", "models", "poison", "model.properties")
INFER = "/v2/models/poison/infer"
MATES = 24  # below sim.memory.rows, so that a batch has room for all of them
# (what it does, first bytes of the row, code of the problem, what the error says)
POISONS = [
    ("fails alone", b"\xde\xad\x01", "model_failed", "sim.reject.on"),
    ("fails its batch", b"\xde\xad\x02", "model_failed", "sim.fail.on"),
    ("kills the runner", b"\xde\xad\x04", "model_died", "signal 6"),
    ("never ends", b"\xde\xad\x05", "model_died", "batcher.run.timeout"),
]


def repository(folder):
    """The model, with a first batch long enough for all the others to wait behind it."""
    home = os.path.join(folder, "models", "poison")
    os.makedirs(os.path.join(home, "1"))
    with open(MODEL, encoding="utf-8") as f:
        text = f.read().replace("sim.alpha=2ms", "sim.alpha=100ms")
    assert "100ms" in text
    with open(os.path.join(home, "model.properties"), "w", encoding="utf-8") as f:
        f.write(text)
    return os.path.dirname(home)


def body(row):
    return json.dumps(ask.row(row)).encode()


def right(answer, row):
    code, _, got = answer
    assert code == 200, got
    assert got["outputs"][0]["data"] == [records.fnv(row)], got


def poisoned(address, log, kind):
    what, start, code, cause = kind
    rows = [bytes([i, 1, 2, 3, 4]) for i in range(MATES)]
    rows.insert(MATES // 2, start + b"\3\4")
    before = len(log())
    answers = ask.wave(address, INFER, [body(row) for row in rows])
    for row, answer in zip(rows, answers):
        if not row.startswith(start):
            right(answer, row)
            continue
        got, _, problem = answer
        assert got == 500 and problem["code"] == code, f"{what}: {got} {problem}"
        assert cause in problem["detail"] and problem["id"], f"{what}: {problem}"
        refused = problem
    wrote = log()[before:]
    split = [int(n) for n in re.findall(r"msg=batch_split rows=(\d+)", wrote)]
    print(f"{what}: {refused['detail']!r}; batches split: {split}")
    assert what == "fails alone" or max(split, default=0) > 1, f"{what} had no mates"
    _, _, job = ask.call(address, "GET", "/v1/jobs/" + refused["id"])
    assert job["status"] == "failed" and job["error"]["code"] == code, job


def out_of_memory(address):
    """More rows wait than the device has memory for: halved until they fit."""
    rows = [bytes([i, 9]) for i in range(60)]
    for row, answer in zip(rows, ask.wave(address, INFER, [body(row) for row in rows])):
        right(answer, row)


def main():
    with stage.Stage() as s:
        s.topics("t.", ["poison"])
        batcher = s.batcher("t.", repository(s.folder), "--batcher.run.timeout=600ms")
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        for kind in POISONS:
            poisoned(address, batcher.log, kind)
        out_of_memory(address)
        log = batcher.log()
        assert log.count("msg=assigned") == 1 and "msg=revoked" not in log, log
        assert log.count("msg=runner_died") >= 2, log
        letters = records.read(s, "t.dead-letters")
        assert len(letters) == 2, f"{len(letters)} dead letters for 2 that cost a runner"
        for _, value, headers in letters:
            assert any(kind[1] in value for kind in POISONS[2:]), value
            assert "exception.message=the runner died" in headers, headers
        assert ingest.stop() == 0, ingest.log()
        assert batcher.stop() == 0, batcher.log()


main()
