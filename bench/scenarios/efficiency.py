# SPDX-License-Identifier: Apache-2.0
"""A device of 10 ms for up to 32 with a backlog in Kafka, against the same model with nothing
but its runner in the way, in turn in one run."""
import os
import statistics

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
BATCH = 32


def _bare(s, seconds):
    return s.program("bench-bare", f"--runner={os.path.join(stage.BIN, 'leat-runner')}",
                     "--alpha=10ms", f"--rows={BATCH}", "--row-bytes=1KiB",
                     f"--duration={seconds}s")


def run(s, quick, rows, bars):
    seconds, repetitions = (3, 1) if quick else (6, 5)
    s.topics("eff.", ["efficiency"])
    batcher = s.batcher("eff.", MODELS, "--models.load=efficiency")
    s.balanced([batcher])
    s.feed("eff.", "efficiency", "--requests=6400", f"--quantum={BATCH}")
    ratios, gaps, wrong = [], [], 0
    for _ in range(repetitions):
        bare = _bare(s, seconds)
        ours = s.feed("eff.", "efficiency", f"--requests={3200 * seconds}",
                      f"--quantum={BATCH}")
        ratios.append(ours["steady_rate"] / bare["rate"])
        gaps.append(ours["gap_p50_us"])
        wrong += ours["offered"] - ours["right"] + ours["duplicates"]
        rows.append({"": "bare runner", "rate": bare["rate"]})
        rows.append({"": "leat", "rate": ours["steady_rate"], "of bare": f"{ratios[-1]:.4f}",
                     "mean batch": ours["batch_mean"], "idle p50 us": ours["gap_p50_us"],
                     "idle p99 us": ours["gap_p99_us"]})
    table.bar(bars, "items/s over the bare model's", statistics.median(ratios), 0.97, False)
    table.bar(bars, "idle us between batches, p50", statistics.median(gaps), 50)
    table.bar(bars, "answers that were not right", wrong, 0)
