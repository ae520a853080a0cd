# SPDX-License-Identifier: Apache-2.0
"""A backlog in Kafka before 1, 2 and 4 batchers, each with a device of 10 ms for up to 16:
what is counted is the part in which all of them have work."""
import os
import statistics

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
POSSIBLE = 1600  # rows a second of one device


def run(s, quick, rows, bars):
    seconds, repetitions = (2, 1) if quick else (5, 3)
    s.topics("scale.", ["scale"])
    ours, rates = [], {}
    for batchers in (1, 2, 4):
        while len(ours) < batchers:
            ours.append(s.batcher("scale.", MODELS, "--models.load=scale"))
        s.balanced(ours)
        s.feed("scale.", "scale", f"--requests={POSSIBLE}", "--row-bytes=256")
        results = [s.feed("scale.", "scale", f"--requests={POSSIBLE * seconds * batchers}",
                          "--row-bytes=256", "--quantum=16") for _ in range(repetitions)]
        rates[batchers] = statistics.median(r["steady_rate"] for r in results)
        rows.append({"": f"{batchers} batcher{'s'[:batchers - 1]}", "rate": rates[batchers],
                     "worst": min(r["steady_rate"] for r in results),
                     "times": rates[batchers] / rates[1],
                     "of possible": rates[batchers] / (POSSIBLE * batchers),
                     "mean batch": statistics.median(r["batch_mean"] for r in results),
                     "not": sum(r["offered"] - r["right"] + r["duplicates"] for r in results)})
    table.bar(bars, "2 batchers over 1", rates[2] / rates[1], 1.95, False)
    table.bar(bars, "4 batchers over 1", rates[4] / rates[1], 3.9, False)
    table.bar(bars, "answers that were not right", sum(row["not"] for row in rows), 0)
