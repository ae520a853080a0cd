# SPDX-License-Identifier: Apache-2.0
"""A batch from its parent to the runner and back, through leat-runner and the Python runner, in
turn in one run. The model does nothing: the answer is the question."""
import os
import statistics

import stage

from . import table

KAFKA = False
SCRIPT = os.path.join(stage.ROOT, "runner", "python", "leat_runner.py")
IDENTITY = os.path.join(stage.ROOT, "bench", "models", "identity", "1")
RUNNERS = [
    ("leat-runner, echo", 20, [f"--runner={os.path.join(stage.BIN, 'leat-runner')}"]),
    ("Python, identity", 100, [f"--runner={stage.PYTHON}", f"--script={SCRIPT}",
                               "--platform=python", f"--dir={IDENTITY}"]),
]
SIZES = [("1 row of 1 KiB", ["--rows=1"]), ("32 rows of 1 KiB", ["--rows=32"])]


def run(s, quick, rows, bars):
    batches, repetitions = (2000, 1) if quick else (10000, 5)
    measured = {}
    for _ in range(repetitions):
        for name, limit, options in RUNNERS:
            for size, more in SIZES:
                got = s.program("bench-handover", *options, *more, f"--batches={batches}")
                measured.setdefault((name, size, limit), []).append(got)
    for (name, size, limit), runs in measured.items():
        p50 = statistics.median(run["p50_us"] for run in runs)
        rows.append({"": name, "batch": size, "p50 us": p50,
                     "p99 us": statistics.median(run["p99_us"] for run in runs)})
        table.bar(bars, f"{name}, {size}: us there and back, p50", p50, limit)
        table.bar(bars, f"{name}, {size}: batches that failed",
                  sum(run["failed"] for run in runs), 0)
