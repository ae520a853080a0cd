# SPDX-License-Identifier: Apache-2.0
"""One seed: of two batchers under load one dies by SIGKILL at a random moment and is started
again; then, after the group has found itself, one is stopped by SIGTERM and started again.

Which duplicates a SIGKILL may cause: requests that the dead one had answered and had not yet
committed. Offsets are committed every COMMIT_MS, up to the oldest open one, and an offset is open
from when the batcher received its request to the answer; so the request's partition was the dead
one's, its offset is not below what is committed, its first answer was written in the last
COMMIT_MS + the longest time that one was open + slack_ms before the kill, and it runs once more,
not more often. What was in a slot of the runner (three, of at most 64 rows) had no answer and is
no duplicate.
"""
import random
import time

import checker
from history import Witness
from members import PARTITIONS, Members, uncommitted_ms

TAKEOVER_MS = 2000
FEED = ["--row-bytes=64", "--late=60s", f"--partitions={PARTITIONS}", "--quantum=16"]
LOAD = ["--rate=1200", "--poisson=true", "--duration=1500ms", *FEED]


def _strike(s, dice, prefix, group, strike):
    """Load, and the fault at a random moment of it. (result, when, victim, its moment)"""
    victim, moment_ms = dice.choice(sorted(group.running)), dice.randint(50, 500)
    begin_ms = time.time() * 1000
    feed = s.feed_begin(prefix, "sim", f"--seed={dice.randint(1, 10**6)}", *LOAD)
    time.sleep(moment_ms / 1000)
    at_ms = time.time() * 1000
    strike(victim)
    group.join()
    return {"result": s.feed_end(feed), "begin": begin_ms, "at": at_ms, "victim": victim,
            "moment": moment_ms}


def _answered(history, since_ms, until_ms):
    """(request, its answers) of the requests sent in a span."""
    answers = history.answers()
    return [(r, answers[r.id]) for r in history.requests
            if since_ms <= r.time_ms < until_ms and r.id in answers]


def _duplicates(history, fault, until_ms, partitions, slack_ms):
    """(count, bound, what is outside it) of what the kill made to run again."""
    pairs = _answered(history, 0, until_ms)
    ours = [(r, a) for r, a in pairs if r.partition in partitions]
    before = [(r, a) for r, a in ours if a[0].time_ms <= fault["at"]]
    since_ms = fault["at"] - uncommitted_ms([a[0] for r, a in before
                                             if r.time_ms >= fault["begin"]], slack_ms)
    after = [x.committed for x in history.samples if x.time_ms > fault["at"] + 300]
    committed = after[0] if after else {}
    twice = [(r, a) for r, a in pairs if len(a) > 1]
    outside = [f"duplicate {r.id} of {r.partition}/{r.offset}, {len(a)} answers, "
               f"{fault['at'] - a[0].time_ms:.0f} ms before the kill, bound "
               f"{fault['at'] - since_ms:.0f} ms, committed {committed.get(r.partition)}"
               for r, a in twice
               if r.partition not in partitions or a[0].time_ms < since_ms or len(a) > 2 or
               r.offset < committed.get(r.partition, 0)]
    return len(twice), sum(a[0].time_ms >= since_ms for _, a in before), outside


def _takeover_ms(history, fault, until_ms):
    """The longest that a request waited from the kill, or from its own begin, to its answer."""
    return max((a[0].time_ms - max(r.time_ms, fault["at"])
                for r, a in _answered(history, fault["begin"], until_ms)
                if a[0].time_ms > fault["at"]), default=0)


def _incomplete(what, fault):
    got = fault["result"]
    return [f"{what}: {got[key]} {key}" for key in ("missing", "wrong", "failed", "expired")
            if got[key]]


def _uncommitted(history):
    last = history.samples[-1].committed
    ends = {}
    for r in history.requests:
        ends[r.partition] = max(ends.get(r.partition, 0), r.offset + 1)
    return [f"{p} is committed to {last.get(p)} of {end} after all have stopped"
            for p, end in ends.items() if last.get(p) != end]


def run(s, seed, slack_ms):
    """A row of the table; its last field is the list of what is wrong."""
    dice, prefix, session_s = random.Random(seed), f"kill{seed}.", 10 if seed % 10 == 0 else 6
    s.topics(prefix, ["sim"], PARTITIONS)
    with Witness(s.brokers, prefix, "sim", PARTITIONS) as witness:
        group = Members(s, prefix, witness, session_s)
        group.join(), group.join()
        owners = group.settle()
        s.feed(prefix, "sim", "--requests=1000", *FEED)  # every connection is open now
        kill = _strike(s, dice, prefix, group, group.kill)
        group.settle()
        stop = _strike(s, dice, prefix, group, group.terminate)
        group.settle()
        statuses = group.end()
    history = witness.history()
    count, bound, outside = _duplicates(history, kill, stop["begin"], owners[kill["victim"]],
                                        slack_ms)
    takeover_ms = _takeover_ms(history, kill, stop["begin"])
    again = sum(len(a) - 1 for _, a in _answered(history, stop["begin"], float("inf")))
    wrong = (checker.check(history) + outside + _incomplete("SIGKILL", kill) +
             _incomplete("SIGTERM", stop) + _uncommitted(history))
    wrong += [f"{name} was not noticed by the checker" for name in checker.unnoticed(history)]
    if count > bound:
        wrong.append(f"{count} duplicates, bound {bound}")
    return {"": f"seed {seed}", "killed": kill["victim"], "at ms": kill["moment"],
            "requests": len(history.requests), "duplicates": count, "bound": bound,
            "takeover s": takeover_ms / 1000, "session s": session_s,
            "stopped": stop["victim"], "at ms ": stop["moment"], "redelivered": again,
            "exits": statuses, "wrong": wrong}
