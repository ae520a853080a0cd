# SPDX-License-Identifier: Apache-2.0
"""Runners of every kind of model that are killed, stand still and run models with bad days."""
import concurrent.futures

import checker
import kinds
import runner
from scenarios import table

SHOWN = 5  # lines of what is wrong, of each part


def _one(s, seed, name, quick):
    """Whatever goes wrong in one part is a line of it and ends no other part."""
    try:
        return runner.run(s, seed, name, quick)
    except Exception as trouble:  # pylint: disable=broad-except
        return {"": f"seed {seed} {name}",
                "wrong": [f"did not end: {type(trouble).__name__}: {trouble}"]}


def _bars(found, bars):
    ended = [row for row in found if "deaths" in row]
    table.bar(bars, "invariants broken, lost, crossed, or answered otherwise than must be",
              sum(len(row["wrong"]) for row in found), 0)
    table.bar(bars, "parts that ended", len(ended), len(found), False)
    table.bar(bars, "batchers that did not exit 0", sum(len(row["exits"]) for row in ended), 0)
    table.bar(bars, "guilty rows that were not FAILED, or others that were",
              sum(abs(row["failed"] - row["harms"]) for row in ended), 0)
    table.bar(bars, "runners killed and stopped without a death",
              sum(max(row["kills"] + row["hangs"] - row["deaths"], 0) for row in ended), 0)


def run(s, options, rows, bars):
    missed = checker.unnoticed(checker.small_history())
    table.bar(bars, "broken histories that the checker misses", len(missed), 0)
    parts = [(seed, name) for seed in range(options.seed, options.seed + options.seeds)
             for name in kinds.KINDS]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        found = list(pool.map(lambda part: _one(s, *part, options.quick), parts))
    _bars(found, bars)
    for row in found:
        for line in row["wrong"][:SHOWN]:
            print(f"{row['']}: {line}")
        rows.append({**row, "wrong": len(row["wrong"]), "exits": str(row.get("exits", ""))})
