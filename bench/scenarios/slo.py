# SPDX-License-Identifier: Apache-2.0
"""Deadlines under overload, through real Kafka: a device of 5 ms + 0.1 ms a row, batches of up
to 64, SLO 50 ms; Poisson, bursts, and two classes of SLO. Goodput is what was answered right
inside its SLO of all that was offered; beside it what the simulator gives for the same device and
load, without Kafka."""
import os
import statistics

import stage

from . import table

MODELS = os.path.join(stage.ROOT, "bench", "models")
POSSIBLE = 64 / 0.0114
KINDS = [("Poisson", "sim", ["--poisson=true"]),
         ("bursty", "sim bursty", ["--bursty=true"]),
         ("mixed, bursty", "sim mixed", ["--bursty=true", "--slo2=200ms"])]
CASES = [(f"{kind} {load} %", load, f"{simulated} {load} %", options)
         for kind, simulated, options in KINDS for load in (60, 90, 120)]


def _simulated(s, quick):
    """{scenario of bench-simulate: goodput in per cent} of the product's former."""
    flags = ["--json", "--policy", "jit-edf"] + (["--quick"] if quick else [])
    rows = s.program("bench-simulate", *flags)["rows"]
    return {row["scenario"]: row["good %"] for row in rows}


def _row(what, results, simulated):
    def median(key, group=None):
        return statistics.median((r[group] if group else r)[key] for r in results)
    row = {"": what, "offered": results[0]["offered"], "goodput %": median("goodput"),
           "simulated %": simulated, "worst %": min(r["goodput"] for r in results),
           "p50 ms": median("p50_ms"), "p99 ms": median("p99_ms"),
           "arrive p99 ms": median("arrive_p99_ms"),
           "expired": int(median("expired")),
           "late": int(median("late")), "mean batch": median("batch_mean"),
           "not": sum(r["wrong"] + r["failed"] + r["missing"] for r in results)}
    if results[0]["slo2"]["offered"]:
        row["50 ms %"], row["200 ms %"] = median("goodput", "slo"), median("goodput", "slo2")
    return row


def run(s, quick, rows, bars):
    simulated = _simulated(s, quick)
    seconds, repetitions = (5, 1) if quick else (15, 3)
    s.topics("slo.", ["sim"])
    batcher = s.batcher("slo.", MODELS, "--models.load=sim")
    s.balanced([batcher])
    for _ in range(1 if quick else 2):  # costs are learned, the broker's code compiled
        s.feed("slo.", "sim", f"--rate={POSSIBLE * 1.2:.0f}", "--poisson=true",
               "--duration=10s", "--slo=50ms")
    for what, load, scenario, options in CASES:
        results = [s.feed("slo.", "sim", f"--rate={POSSIBLE * load / 100:.0f}",
                          f"--duration={seconds}s", "--warm-up=1s", "--slo=50ms",
                          f"--seed={seed + 1}", *options) for seed in range(repetitions)]
        rows.append(_row(what, results, simulated[scenario]))
        if what == "Poisson 120 %":
            table.bar(bars, "% of the offered inside 50 ms, Poisson 120 %",
                      rows[-1]["goodput %"], 80, False)
    table.bar(bars, "answers wrong, failed or missing", sum(row["not"] for row in rows), 0)
