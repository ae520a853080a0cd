#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A slow model on two batchers: a burst goes to both in whole batches, what waits can be
cancelled and is answered once, what has no time left expires, and a cancel that came while no
batcher ran is obeyed."""
import collections
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

SLOW = "/v2/models/slow/infer"
JOBS = "/v1/jobs"
TERMINAL = {"succeeded", "failed", "canceled", "expired"}


def model(s):
    home = os.path.join(s.folder, "models", "slow")
    os.makedirs(home)
    with open(os.path.join(home, "model.properties"), "w", encoding="ascii") as f:
        f.write("platform=sim\nmax.batch.size=5\ninput.0=data UINT8 -1,4\nsim.alpha=500ms\n"
                "max.delay=300ms\n")  # for the rest of a batch, when the device is idle
    return os.path.dirname(home)


def replies(s):
    """What was said of each id, in order."""
    told = collections.defaultdict(list)
    for _, value, _ in records.read(s, "t.replies"):
        reply = records.reply(value)
        told[reply["id"]].append(reply)
    return told


def warm(address):
    code, _, got = ask.call(address, "POST", SLOW, ask.numbered(0))
    assert code == 200, got


def burst(s, address):
    time.sleep(0.1)  # longer than a quantum
    bodies = [json.dumps(ask.numbered(i)).encode() for i in range(10)]
    begin = time.monotonic()
    answers = ask.wave(address, SLOW, bodies)
    took = time.monotonic() - begin
    assert all(code == 200 for code, _, _ in answers), answers
    told = replies(s)
    sizes = [told[headers["leat-id"]][-1]["batch_size"] for _, headers, _ in answers]
    assert sizes == [5] * 10, f"batches of {sizes} in {took:.2f} s"
    print(f"a burst of 10 ran as 5 and 5 in {took:.2f} s")


def submit(address, n):
    code, headers, got = ask.call(address, "POST", JOBS, ask.numbered(n, model="slow"))
    assert code == 202, got
    return headers["location"]


def cancel_some(s, address):
    places = [submit(address, i) for i in range(40)]
    for place in places[25:39]:
        code, headers, got = ask.call(address, "DELETE", place)
        assert code == 202 and headers["location"] == place, (code, got)
    one = places[39].rsplit("/", 1)[1]
    run = subprocess.run([os.path.join(stage.BIN, "leat"), "cancel", one,
                          f"--address={address}"], stdout=subprocess.PIPE, check=False)
    assert run.returncode == 0 and one.encode() in run.stdout, run
    ends = [ask.call(address, "GET", place + "?wait=20")[2]["status"] for place in places]
    assert ends[:25] == ["succeeded"] * 25, ends
    assert ends.count("canceled") >= 10 and set(ends[25:]) <= {"canceled", "succeeded"}, ends
    told = replies(s)
    for place, end in zip(places, ends):
        said = [r["status"] for r in told[place.rsplit("/", 1)[1]]]
        assert [status for status in said if status in TERMINAL] == [end], (place, said)
    code, _, got = ask.call(address, "DELETE", places[0])
    assert code == 409 and "succeeded" in got["detail"], (code, got)
    print(ends.count("canceled"), "of 15 jobs canceled in time, each answered once")


def expire(address):
    """40 at once for 10 a round: three rounds at most fit into 1.8 s. The others are refused at
    once, or expire."""
    answers = []

    def held(n):
        answers.append(ask.call(address, "POST", SLOW, ask.numbered(n), {"Request-Timeout": "1.8"}))

    callers = [threading.Thread(target=held, args=(i,)) for i in range(40)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    codes = collections.Counter(
        "succeeded" if code == 200 else got["code"] for code, _, got in answers)
    assert codes["succeeded"] >= 5 and codes["expired"] + codes["full"] >= 10, codes
    assert codes["succeeded"] + codes["expired"] + codes["full"] == 40, codes
    assert all(code in (200, 429, 504) for code, _, _ in answers), codes
    print("held with a timeout:", dict(codes))


def cancel_while_nobody_runs(s, address, models, batchers):
    for batcher in batchers:
        assert batcher.stop() == 0, batcher.log()
    place = submit(address, 1)
    other = submit(address, 2)
    code, _, got = ask.call(address, "DELETE", place)
    assert code == 202, got
    batcher = s.batcher("t.", models)
    code, _, got = ask.call(address, "GET", place + "?wait=20")
    assert got["status"] == "canceled", got
    code, _, got = ask.call(address, "GET", other + "?wait=20")
    assert got["status"] == "succeeded", got
    assert batcher.stop() == 0, batcher.log()


def main():
    with stage.Stage() as s:
        models = model(s)
        s.topics("t.", ["slow"])
        batchers = [s.batcher("t.", models), s.batcher("t.", models)]
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        warm(address)
        burst(s, address)
        cancel_some(s, address)
        expire(address)
        cancel_while_nobody_runs(s, address, models, batchers)
        assert ingest.stop() == 0, ingest.log()


main()
