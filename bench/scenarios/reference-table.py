# SPDX-License-Identifier: Apache-2.0
"""Bursts over HTTP at a model whose decoding takes 0.5 s and whose device takes 0.5 s for up
to five: the table that a FastAPI + Redis micro-batching service publishes, beside ours."""
import math
import os
import statistics

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
PUBLISHED = {(1, 1): 1.07, (10, 1): 2.26, (50, 1): 7.49, (100, 1): 12.72, (200, 1): 25.1,
             (1, 2): 1.07, (10, 2): 1.67, (50, 2): 4.05, (100, 2): 7.18, (200, 2): 13.00}
SLACK_S = 0.030


def ideal(burst, batchers):
    return 0.5 + 0.5 * math.ceil(burst / (5 * batchers))


def _measure(s, address, burst, batchers, repetitions, rows, bars):
    results = [s.load(address, "--model=reference", f"--burst={burst}",
                      f"--connections={burst}", "--warm-up=0s", "--bytes=64")
               for _ in range(repetitions)]
    spans = [r["max_ms"] / 1000 for r in results]
    wanted, published = ideal(burst, batchers), PUBLISHED[burst, batchers]
    median = statistics.median(spans)
    rows.append({"": f"{burst} at once, {batchers} batcher{'s'[:batchers - 1]}",
                 "ideal s": wanted, "median s": f"{median:.3f}",
                 "worst s": f"{max(spans):.3f}", "over ideal ms": (median - wanted) * 1000,
                 "published s": published,
                 "not": sum(burst - r["right"] for r in results)})
    table.bar(bars, f"s for {burst} at once, {batchers} batchers", median, wanted + SLACK_S)


def run(s, quick, rows, bars):
    bursts = (1, 10, 50) if quick else (1, 10, 50, 100, 200)
    repetitions = 1 if quick else 3
    s.topics("ref.", ["reference"])
    ours = []
    address = s.ingest("ref.").ready["http"]
    for batchers in (1, 2):
        ours.append(s.batcher("ref.", MODELS, "--models.load=reference"))
        s.balanced(ours)
        s.load(address, "--model=reference", "--burst=40", "--connections=40",
               "--warm-up=0s", "--bytes=64")
        for burst in bursts:
            _measure(s, address, burst, batchers, repetitions, rows, bars)
    table.bar(bars, "answers that were not right", sum(row["not"] for row in rows), 0)
