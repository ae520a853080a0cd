# SPDX-License-Identifier: Apache-2.0
"""One seed and one kind of model under load: its runner dies by SIGKILL at random moments, then
stands still (SIGSTOP), then rows come that do all the harm that the kind knows, and rows that
leak until it holds more than it may. Nothing may be lost or crossed; the guilty rows, and no others, are FAILED with their cause."""
import os
import random
import signal
import threading
import time

import checker
import kinds
import stage
from feeder import Feeder
from history import Witness

PARTITIONS, RUN_TIMEOUT_MS, ANSWERED_S = 4, 600, 240
MEMORY_MAX, LEAKS = 256 << 20, "leaks"


def _processes(pid):
    """The runner of a batcher, and then what it has started itself."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += [int(child) for child in f.read().split()]
    except OSError:
        pass  # it has ended meanwhile
    return found + [below for child in found for below in _processes(child)]


def _deaths(batcher):
    return batcher.log().count("msg=runner_died")


def _is_loaded(batcher):
    log = batcher.log()
    return log.rfind("msg=model_loaded") > log.rfind("msg=runner_died")


def _strike(batcher, dice, number, moments_ms):
    """SIGKILL to the runner, SIGSTOP also to what it has started; then the batcher's word of the
    death. One that stands still while it loads has minutes, so it has loaded before."""
    if number == signal.SIGSTOP:
        stage.wait_for("a loaded model", lambda: _is_loaded(batcher))
    time.sleep(dice.randint(*moments_ms) / 1000)
    running = stage.wait_for("a runner", lambda: _processes(batcher.pid))
    before = _deaths(batcher)
    for pid in running[:1] if number == signal.SIGKILL else running:
        os.kill(pid, number)
    stage.wait_for("its death", lambda: _deaths(batcher) > before)


class _Scale(threading.Thread):
    """The most that the batcher's runners held at any moment, in bytes."""

    def __init__(self, batcher):
        super().__init__(daemon=True)
        self.batcher, self.most, self.over = batcher, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            self.most = max(self.most, sum(_resident(p) for p in _processes(self.batcher.pid)))

    def end(self):
        self.over.set()
        self.join()
        return self.most


def _resident(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            found = [line.split()[1] for line in f if line.startswith("RssAnon:")]
    except OSError:
        return 0
    return int(found[0]) * 1024 if found else 0


def _leak(batcher, feeder, kind, rows):
    """Rows that leak, until more is lost than a runner may hold. (deaths by it, most held)"""
    if kind.leak is None:
        return 0, 0
    scale = _Scale(batcher)
    scale.start()
    try:
        for _ in range(rows):  # one a wave: many in a batch would take too long, not leak more
            request_id = feeder.put(kind.leak, LEAKS)
            stage.wait_for("a wave", lambda one=request_id: feeder.has_sent(one))
        batcher.wait_log("msg=runner_died", "runner.memory.max")
    finally:
        most = scale.end()
    return batcher.log().count("runner.memory.max"), most


def _harm(feeder, harms, spacing_s):
    for what, (row, _) in harms.items():
        feeder.put(row, what)
        time.sleep(spacing_s)


def _answered(witness, ids):
    """The history, once every id has its answer."""
    end = time.monotonic() + ANSWERED_S
    while True:
        found = witness.history()
        answers = found.answers()
        missing = sum(i not in answers for i in ids)
        if missing == 0:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{missing} of {len(ids)} are not answered")
        time.sleep(0.5)


def _judge(history, feeder, harms):
    """What is wrong with who was answered what."""
    wrong = []
    for request_id, replies in history.answers().items():
        what, reply = feeder.guilty.get(request_id), replies[0]
        if what in (None, LEAKS) and reply.status != "SUCCEEDED":
            wrong.append(f"an innocent row is {reply.status}: {reply.error}")
        elif what not in (None, LEAKS) and (reply.status != "FAILED" or
                                   harms[what][1] not in reply.error):
            wrong.append(f"a row that {what} is {reply.status}: {reply.error}")
    return wrong


def run(s, seed, name, quick):
    dice, prefix, kind = random.Random(f"{seed}{name}"), f"runner{seed}{name}.", kinds.KINDS[name]
    folder = os.path.join(s.folder, f"seed{seed}")
    s.topics(prefix, [name], PARTITIONS)
    kills, hangs = (3, 1) if quick else (10, 3)
    with Witness(s.brokers, prefix, name, PARTITIONS, kind.wanted) as witness:
        batcher = s.batcher(prefix, kinds.repository(folder, name),
                            f"--runner.python={stage.PYTHON}",
                            f"--batcher.run.timeout={RUN_TIMEOUT_MS}ms",
                            f"--runner.memory.max={MEMORY_MAX}")
        feeder = Feeder(s, prefix, name, kind, dice, PARTITIONS)
        feeder.start()
        for _ in range(kills):
            _strike(batcher, dice, signal.SIGKILL, (300, 900))
        for _ in range(hangs):
            _strike(batcher, dice, signal.SIGSTOP, (300, 900))
        _harm(feeder, kind.harms, 0.5)
        restarts, most = _leak(batcher, feeder, kind, 40 if quick else 100)
        ids = feeder.end()
        history = _answered(witness, ids)
        deaths, log = _deaths(batcher), batcher.log()
        status = batcher.stop(60)
    history = witness.history()
    if kind.leak is not None and most < MEMORY_MAX:
        raise RuntimeError(f"{most >> 20} MiB at most: nothing has leaked")
    wrong = checker.check(history) + _judge(history, feeder, kind.harms)
    if "msg=revoked" in log:
        wrong.append("the batcher left its group")
    if most > 2 * MEMORY_MAX:
        wrong.append(f"a runner held {most >> 20} MiB, its bound is {MEMORY_MAX >> 20}")
    failed = sum(a[0].status == "FAILED" for a in history.answers().values())
    return {"": f"seed {seed} {name}", "requests": len(history.requests), "kills": kills,
            "hangs": hangs, "harms": len(kind.harms), "failed": failed, "deaths": deaths,
            "leaked out": restarts, "MiB held": most / (1 << 20),
            "exits": [status] if status else [], "wrong": wrong}
