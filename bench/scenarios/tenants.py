# SPDX-License-Identifier: Apache-2.0
"""Eight tenants share a device of 5 ms + 0.1 ms a row; then one of them sends ten times its
share, which is more than the device can do. What the others notice of it."""
import os
import statistics

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
POSSIBLE = 64 / 0.0114
BATCH_MS = 11.4


def run(s, quick, rows, bars):
    seconds, repetitions = (5, 1) if quick else (15, 5)
    s.topics("ten.", ["sim"])
    batcher = s.batcher("ten.", MODELS, "--models.load=sim")
    s.balanced([batcher])

    def feed(flood, seed):
        return s.feed("ten.", "sim", f"--rate={POSSIBLE * 0.6:.0f}", "--poisson=true",
                      "--tenants=8", f"--flood-tenant={flood}", "--slo=500ms",
                      f"--duration={seconds}s", "--warm-up=2s", f"--seed={seed + 1}")

    feed(10, 0)  # costs are learned, the broker's code compiled
    growths, wrong = [], 0
    for seed in range(repetitions):
        calm, flood = feed(1, seed), feed(10, seed)
        growths.append(flood["others"]["p99_ms"] - calm["others"]["p99_ms"])
        for what, r in (("calm", calm), ("flood of t0", flood)):
            wrong += r["wrong"] + r["failed"] + r["missing"]
            rows.append({"": what, "offered/s": r["offered"] / seconds,
                         "arrive p99 ms": r["arrive_p99_ms"],
                         "others p50 ms": r["others"]["p50_ms"],
                         "others p99 ms": r["others"]["p99_ms"],
                         "others %": r["others"]["goodput"],
                         "t0 p99 ms": r["flooder"]["p99_ms"],
                         "t0 %": r["flooder"]["goodput"]})
    table.bar(bars, "ms that the others' p99 grows", statistics.median(growths), BATCH_MS)
    table.bar(bars, "answers wrong, failed or missing", wrong, 0)
