#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far off position and estimate are: bursts and a steady overload on `sim`, with one batcher
and with two. Every estimate is held against when the job really ended."""
import datetime
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

BATCH = 8
BATCH_S = 0.4
# Mean error of the estimate: share of the mean wait, and never under what a batch makes
# uncertain (nothing tells how far the one that runs has come).
SHARE, LEAST_S = 0.2, 0.75 * BATCH_S


def submit(address, n):
    code, headers, got = ask.call(address, "POST", "/v1/jobs", ask.numbered(n, model="slow"))
    assert code == 202, got
    return headers["location"]


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Samples:
    """What jobs said of themselves while they were queued."""

    def __init__(self, address):
        self.address = address
        self.taken = []  # (place, wall time, position, estimate in s)
        self.unknown = 0

    def take(self, place):
        code, _, got = ask.call(self.address, "GET", place)
        assert code == 200, got
        if got["status"] != "queued":
            assert "position" not in got and "estimate_ms" not in got, got
            return
        if got["estimate_ms"] is None:
            self.unknown += 1
            return
        self.taken.append((place, time.time(), got["position"], got["estimate_ms"] / 1000))

    def judge(self, what, places):
        """Mean errors once all have ended; orders by position against the real order."""
        ends = {}
        for place in places:
            _, _, got = ask.call(self.address, "GET", place + "?wait=30")
            assert got["status"] == "succeeded", got
            ends[place] = seconds_of(got["completed_at"])
        # What had ended when it was asked was only not yet known to have.
        kept = [s for s in self.taken if ends[s[0]] > s[1]]
        assert len(kept) >= 50, f"{what}: only {len(kept)} samples"
        assert self.unknown <= len(kept) / 10, f"{what}: {self.unknown} of {len(kept)} not known"
        if os.environ.get("LEAT_DEBUG"):
            for place, at, position, estimate in kept:
                real = sum(1 for other in ends.values() if at < other < ends[place])
                print(f"{at % 1000:.2f} pos {position} real {real} est {estimate:.2f} "
                      f"wait {ends[place] - at:.2f}")
        waits = [ends[place] - at for place, at, _, _ in kept]
        errors = [estimate - wait for (_, _, _, estimate), wait in zip(kept, waits)]
        before = [position - sum(1 for other in ends.values() if at < other < ends[place])
                  for place, at, position, _ in kept]
        mean_wait = sum(waits) / len(waits)
        mean_error = sum(map(abs, errors)) / len(errors)
        bias = sum(errors) / len(errors)
        off = sum(map(abs, before)) / len(before)
        print(f"{what}: {len(kept)} samples, mean wait {mean_wait:.2f} s, mean error of the "
              f"estimate {mean_error:.2f} s (bias {bias:+.2f} s), of the position {off:.1f}")
        limit = max(SHARE * mean_wait, LEAST_S)
        assert mean_error <= limit, f"{what}: {mean_error:.2f} s, over {limit:.2f} s"
        assert off <= 3 * BATCH, f"{what}: positions are off by {off:.1f}"


def burst(address, count):
    samples = Samples(address)
    places = [submit(address, n) for n in range(count)]
    chance = random.Random(5)
    while ask.call(address, "GET", places[-1])[2]["status"] in ("queued", "running"):
        time.sleep(0.3)
        for place in chance.sample(places, 12):
            samples.take(place)
    return samples, places


def overload(address, per_s, seconds):
    """More than it can do, for a while: the queue grows, then it is worked off."""
    samples, places = Samples(address), []
    chance = random.Random(7)
    begin = time.monotonic()

    def send():
        while time.monotonic() < begin + seconds:
            places.append(submit(address, len(places)))
            time.sleep(max(0.0, begin + len(places) / per_s - time.monotonic()))

    sender = threading.Thread(target=send)
    sender.start()
    while sender.is_alive() or ask.call(address, "GET", places[-1])[2]["status"] in ("queued", "running"):
        time.sleep(0.3)
        for place in chance.sample(places[-60:], min(4, len(places))):
            samples.take(place)
    sender.join()
    return samples, places


def main():
    with stage.Stage() as s:
        models = s.models(slow=[f"max.batch.size={BATCH}", f"sim.alpha={BATCH_S * 1000:.0f}ms"])
        s.topics("t.", ["slow"])
        batchers = [s.batcher("t.", models)]
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        ask.call(address, "GET", submit(address, 0) + "?wait=20")  # partitions are assigned
        samples, places = burst(address, 160)
        samples.judge("a burst, one batcher", places)
        samples, places = overload(address, 1.5 * BATCH / BATCH_S, 8)
        samples.judge("an overload, one batcher", places)
        batchers.append(s.batcher("t.", models))
        s.balanced(batchers)
        samples, places = burst(address, 240)
        samples.judge("a burst, two batchers", places)
        for process in [*batchers, ingest]:
            assert process.stop() == 0, process.log()


main()
