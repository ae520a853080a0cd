# SPDX-License-Identifier: Apache-2.0
"""A member joins, is stopped or is killed every two seconds, under load.

A kill stops the whole group for up to the session timeout, since nobody can know that a member
is dead any sooner and the others wait for it; so the dice leave a session and two seconds
between two kills. Every other change may come while the group is still busy with the last.
"""
import random
import time

import checker
from history import Witness
from members import PARTITIONS, Members, uncommitted_ms

EVERY_S, SESSION_S, MEMBERS_MOST = 2, 6, 4


def _change(dice, group, now_s, state):
    """One event. Its name."""
    count = len(group.running)
    leave = count > 2 and (count == MEMBERS_MOST or dice.random() < 0.5)
    if not leave:
        group.join()
        return "joined"
    name = dice.choice(sorted(group.running))
    if now_s - state["killed_s"] >= SESSION_S + 2 and dice.random() < 0.5:
        state["killed_s"] = now_s
        state["kills"].append(time.time() * 1000)
        group.kill(name)
        return "kills"
    group.terminate(name)
    return "left"


def _silence_s(history, seconds, begin_ms):
    """The longest time between two answers while requests kept coming."""
    moments = sorted(a[0].time_ms for a in history.answers().values())
    moments = [begin_ms] + [m for m in moments if m <= begin_ms + seconds * 1000]
    moments.append(begin_ms + seconds * 1000)
    return max(b - a for a, b in zip(moments, moments[1:])) / 1000


def _unexplained(answers, kills_ms, slack_ms):
    """Answered again although no member died after the first answer, before its commit."""
    within_ms = uncommitted_ms([a[0] for a in answers.values()], slack_ms)
    return [f"{i} was answered {len(a)} times, first at {a[0].time_ms}; kills {kills_ms}"
            for i, a in answers.items() if len(a) > 1 and
            not any(0 <= at + 50 - a[0].time_ms <= within_ms for at in kills_ms)]


def run(s, seed, seconds, slack_ms):
    dice, prefix = random.Random(seed), f"storm{seed}."
    s.topics(prefix, ["sim"], PARTITIONS)
    state, events = {"killed_s": -100, "kills": []}, {"joined": 0, "left": 0, "kills": 0}
    with Witness(s.brokers, prefix, "sim", PARTITIONS) as witness:
        group = Members(s, prefix, witness, SESSION_S)
        group.join(), group.join()
        group.settle()
        feed = s.feed_begin(prefix, "sim", "--rate=300", "--poisson=true", f"--seed={seed}",
                            f"--duration={seconds}s", "--row-bytes=64", "--late=60s",
                            f"--partitions={PARTITIONS}")
        begin = time.time()
        for turn in range(1, seconds // EVERY_S):
            time.sleep(max(0, begin + turn * EVERY_S - time.time()))
            events[_change(dice, group, turn * EVERY_S, state)] += 1
        result = s.feed_end(feed)
        statuses = group.end()
    history = witness.history()
    answers = history.answers()
    wrong = checker.check(history) + _unexplained(answers, state["kills"], slack_ms)
    wrong += [f"storm: {result[k]} {k}" for k in ("missing", "wrong", "failed") if result[k]]
    return {"": f"storm {seconds} s", "requests": len(history.requests), **events,
            "duplicates": sum(len(a) - 1 for a in answers.values()),
            "silence s": _silence_s(history, seconds, begin * 1000), "exits": statuses,
            "wrong": wrong}
