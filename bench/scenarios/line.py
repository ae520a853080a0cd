# SPDX-License-Identifier: Apache-2.0
"""The line of one request against the bare two hops over Kafka, in one run."""
import os

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
RATES = [(100, 0), (1000, 0), (5000, 1), (10000, 1)]  # per second, linger of the bare in ms


class Meter:
    """CPU seconds of Leat's processes, and of the broker, between two readings."""

    def __init__(self, s, processes):
        self.pids = [p.pid for p in processes]
        self.broker = s.broker_pid()
        self.begin = self._read()

    def _read(self):
        return [sum(stage.cpu_seconds(p) for p in self.pids), stage.cpu_seconds(self.broker)]

    def per_request_us(self, count):
        now = self._read()
        return [(a - b) * 1e6 / max(count, 1) for a, b in zip(now, self.begin)]


def _row(what, result, cpu=None):
    row = {"": what, "rate": result["rate"], "p50 ms": result["p50_ms"],
           "p90 ms": result["p90_ms"], "p99 ms": result["p99_ms"],
           "max ms": result["max_ms"], "right": result["right"],
           "not": result["wrong"] + result["refused"] + result["failed"]}
    if cpu:
        row["CPU us"], row["broker us"] = cpu
    return row


def _measured(s, leat, address, *options):
    meter = Meter(s, leat)
    result = s.load(address, *options)
    count = sum(result[k] for k in ("right", "wrong", "refused", "failed"))
    # The warm-up is not in the counts but is in the CPU time: scale by time.
    scale = 1.0
    if result["seconds"] > 0 and not any("requests" in o for o in options):
        scale = (result["seconds"] + 1) / result["seconds"]
    return result, meter.per_request_us(count * scale)


def run(s, quick, rows, bars):
    seconds = 4 if quick else 15
    s.bare_topics()
    s.topics("line.", ["noop"])
    batcher = s.batcher("line.", MODELS, "--models.load=noop")
    ingest = s.ingest("line.")
    leat, address = [ingest, batcher], ingest.ready["http"]
    # The broker's compiler needs some work to look at before it is as fast as it gets.
    for _ in range(1 if quick else 3):
        s.load(address, "--model=noop", "--connections=256", "--duration=4s")
        s.two_hop(5000, 3, 1)
    for rate, linger in RATES:
        bare = s.two_hop(rate, seconds, linger)
        ours, cpu = _measured(s, leat, address, "--model=noop", f"--rate={rate}",
                              f"--connections={min(512, max(16, rate // 10))}",
                              f"--duration={seconds}s")
        bare_us = bare["cpu"] * 1e6 / (rate * (seconds + 1))
        rows += [_row(f"bare two hops {rate}/s", bare, (bare_us, "")), _row(f"leat {rate}/s", ours, cpu)]
        if rate < 10000:
            table.bar(bars, f"p50 at {rate}/s over the bare", ours["p50_ms"] / bare["p50_ms"],
                      1.5)
            table.bar(bars, f"p99 at {rate}/s over the bare", ours["p99_ms"] / bare["p99_ms"],
                      2.0)
        else:
            table.bar(bars, "p50 at 10000/s over the bare", ours["p50_ms"] / bare["p50_ms"],
                      2.0)
            table.bar(bars, "p99 ms at 10000/s", ours["p99_ms"], 20)
        if rate == 5000:
            table.bar(bars, "CPU us per request at 5000/s", cpu[0], 80)
    for connections in (256, 1000):
        ours, cpu = _measured(s, leat, address, "--model=noop",
                              f"--connections={connections}", f"--duration={seconds}s")
        rows.append(_row(f"leat, {connections} connections", ours, cpu))
        if connections == 256:
            table.bar(bars, "requests/s with 256 connections", ours["rate"], 18000, False)
        else:
            table.bar(bars, "CPU us per request, 1000 outstanding", cpu[0], 45)
    wrong = sum(row["not"] for row in rows)
    table.bar(bars, "answers that were not right", wrong, 0)
