# SPDX-License-Identifier: Apache-2.0
"""Batchers that are killed, stopped, joined by others and poisoned."""
import concurrent.futures
import os

import checker
import kill
import poison
import storm
from scenarios import table

SHOWN = 5  # lines of what is wrong, of each part
# So late may a commit be on a machine of its own, and where tests ran a moment ago.
SLACK_MS, QUICK_SLACK_MS = 100, 500


def _one(run, *arguments):
    """Whatever goes wrong in one part is a line of it and ends no other part."""
    try:
        return run(*arguments)
    except Exception as trouble:  # pylint: disable=broad-except
        what = " ".join(str(a) for a in arguments[1:])
        return {"": f"{run.__module__} {what}",
                "wrong": [f"did not end: {type(trouble).__name__}: {trouble}"]}


def _bars(killed, stormed, poisoned, bars):
    def total(rows, key):
        return sum(len(r[key]) if isinstance(r[key], list) else r[key] for r in rows)

    everything = killed + stormed + poisoned
    table.bar(bars, "invariants broken, lost, crossed, or out of bound",
              total(everything, "wrong"), 0)
    table.bar(bars, "members that did not exit 0 after SIGTERM",
              sum(len(r.get("exits", ())) for r in everything), 0)
    ended = [r for r in killed if "takeover s" in r]
    table.bar(bars, "seeds that ended", len(ended), len(killed), False)
    if ended:
        table.bar(bars, "s beyond the session timeout to take over, worst",
                  max(r["takeover s"] - r["session s"] for r in ended),
                  kill.TAKEOVER_MS / 1000)
        table.bar(bars, "redelivered after SIGTERM", total(ended, "redelivered"), 0)
    for row in stormed:
        table.bar(bars, "s without an answer in the storm", row.get("silence s", 1000), 10)
    for row in poisoned:
        what = row[""]
        table.bar(bars, f"{what}: answered of the 63", row.get("answered", 0), 63, False)
        table.bar(bars, f"{what}: extra runs", row.get("extra runs", 1000),
                  poison.EXTRA_RUNS)
        table.bar(bars, f"{what}: rebalances", row.get("rebalances", 1000), 0)


def run(s, options, rows, bars):
    seeds = range(options.seed, options.seed + options.seeds)
    missed = checker.unnoticed(checker.small_history())
    table.bar(bars, "broken histories that the checker misses", len(missed), 0)
    seconds, slack_ms = (20, QUICK_SLACK_MS) if options.quick else (60, SLACK_MS)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        storms = [pool.submit(_one, storm.run, s, options.seed, seconds, slack_ms)]
        kills = [pool.submit(_one, kill.run, s, seed, slack_ms) for seed in seeds]
        poisons = [pool.submit(_one, poison.run, s, options.seed, kind)
                   for kind in poison.STARTS]
        parts = [[f.result() for f in some] for some in (kills, storms, poisons)]
    _bars(*parts, bars)
    for row in [r for part in parts for r in part]:
        for line in row["wrong"][:SHOWN]:
            print(f"{row['']}: {line}")
        rows.append({**row, "wrong": len(row["wrong"]), "exits": str(row.get("exits", ""))})
    if any(row["wrong"] for row in rows):
        print("LEAT_KEEP=1 keeps all logs" if os.environ.get("LEAT_KEEP") is None else "")
