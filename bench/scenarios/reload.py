# SPDX-License-Identifier: Apache-2.0
"""Replacing a model under load, 100 times, through real Kafka: a model of 5 ms + 0.1 ms a row, held
requests in open loop. Before: the same load without a change. During: swap after swap, by order, so
that one is always under way. Counts what was lost or failed."""
import os
import threading

import ask
import stage

from . import table

RATE = 400


def _write(models, number):
    path = os.path.join(models, "m", "model.properties")
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write("platform=sim\ninput.0=data UINT8 -1,-1\nmax.batch.size=64\n"
                f"sim.alpha={5001 + number % 2}us\nsim.beta=0.1ms\n")
    os.rename(path + ".new", path)


class _Swapper(threading.Thread):
    """Swaps again and again until so many are done."""

    def __init__(self, http, models, count):
        super().__init__()
        self.http, self.models, self.count = http, models, count
        self.codes = []

    def run(self):
        for i in range(self.count):
            _write(self.models, i)
            self.codes.append(ask.call(self.http, "POST", "/v2/repository/models/m/load", b"{}")[0])


def _row(what, results, swaps):
    return {"": what, "swaps": swaps, "offered/s": RATE,
            "answered": sum(r["right"] for r in results),
            "p50 ms": max(r["p50_ms"] for r in results),
            "p99 ms": max(r["p99_ms"] for r in results),
            "not": sum(r["wrong"] + r["refused"] + r["failed"] for r in results)}


def run(s, quick, rows, bars):
    swaps, seconds = (10, 5) if quick else (100, 20)
    models = s.models(m=["max.batch.size=64", "sim.alpha=5ms", "sim.beta=0.1ms"])
    s.topics("rl.", ["m"])
    batcher = s.batcher("rl.", models, "--models.poll.interval=0", "--admin.listen=127.0.0.1:0")
    http = s.ingest("rl.").ready["http"]
    s.balanced([batcher])
    options = ["--model=m", "--connections=64", f"--rate={RATE}"]
    s.load(http, *options, "--duration=3s", "--warm-up=0s")  # broker and clients are warm
    before = [s.load(http, *options, f"--duration={seconds}s", "--warm-up=1s")]
    swapper = _Swapper(http, models, swaps)
    swapper.start()
    during = []
    while not during or swapper.is_alive():
        during.append(s.load(http, *options, f"--duration={seconds}s", "--warm-up=0s"))
    swapper.join()
    admin = batcher.ready["admin"]
    replaced = int(ask.metric(admin, "leat_batcher_model_replacements_total"))
    rows.append(_row("before", before, 0))
    rows.append(_row("during", during, replaced))
    table.bar(bars, "swaps that were answered 200", swapper.codes.count(200), swaps, False)
    table.bar(bars, "versions taken over from", replaced, swaps, False)
    table.bar(bars, "requests lost or failed", rows[-1]["not"], 0)
    table.bar(bars, "p99 during over p99 before", rows[1]["p99 ms"] / rows[0]["p99 ms"], 2)
