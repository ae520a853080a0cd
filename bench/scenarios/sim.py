# SPDX-License-Identifier: Apache-2.0
"""A device of 5 ms + 0.1 ms a row, batches of up to 64, over HTTP: 5,614/s are possible."""
import os

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
POSSIBLE = 64 / 0.0114
NOT_RIGHT = ("wrong", "refused", "failed")  # refused: 429 or 503; failed: else, or no answer
RATES = [(500, 10, 20), (2000, 15, 25), (5000, None, 60)]  # per second, p50 and p99 in ms


def _row(what, result):
    return {"": what, "rate": result["rate"], "of possible": result["rate"] / POSSIBLE,
            "p50 ms": result["p50_ms"], "p90 ms": result["p90_ms"],
            "p99 ms": result["p99_ms"], "max ms": result["max_ms"],
            "right": result["right"], "last code": result["last_code"],
            **{ending: result[ending] for ending in NOT_RIGHT}}


def run(s, quick, rows, bars):
    seconds, warm_up = (4, 1) if quick else (15, 3)
    s.topics("sim.", ["sim"])
    s.batcher("sim.", MODELS, "--models.load=sim")
    address = s.ingest("sim.").ready["http"]

    def load(*options):
        return s.load(address, "--model=sim", f"--duration={seconds}s",
                      f"--warm-up={warm_up}s", *options)

    for _ in range(1 if quick else 2):  # the broker's compiler learns what it is to do
        load("--connections=256")
    for connections in (256, 1000):
        result = load(f"--connections={connections}")
        rows.append(_row(f"{connections} connections", result))
        table.bar(bars, f"requests/s, {connections} connections", result["rate"], 5450, False)
    for rate, p50, p99 in RATES:
        result = load(f"--rate={rate}", f"--connections={min(1000, max(64, rate // 5))}")
        rows.append(_row(f"{rate}/s", result))
        if p50:
            table.bar(bars, f"p50 ms at {rate}/s", result["p50_ms"], p50)
        table.bar(bars, f"p99 ms at {rate}/s", result["p99_ms"], p99)
        table.bar(bars, f"answered of {rate}/s", result["right"] / seconds, rate * 0.98, False)
    table.bar(bars, "answers that were not right",
              sum(row[ending] for row in rows for ending in NOT_RIGHT), 0)
