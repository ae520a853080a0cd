# SPDX-License-Identifier: Apache-2.0
"""One poisoned row in a batch of 64, which fails the batch or kills the runner: the 63 others
are answered, it alone is FAILED, no member leaves the group, and it took no more than
2 log2(64) + 1 runs beyond the one that failed."""
import os
import random
import re
import time

import checker
import records
from history import Witness

BATCH, EXTRA_RUNS = 64, 13
TRIES = 8  # to see all 64 in one batch: they come from Kafka when they come
MODEL = """platform=sim
max.batch.size=64
max.delay=2s
input.0=data UINT8 -1,-1
sim.alpha=20ms
sim.fail.on=dead02
sim.crash.on=dead04
"""
STARTS = {"fails": b"\xde\xad\x02", "crashes": b"\xde\xad\x04"}


def _repository(s, prefix):
    home = os.path.join(s.folder, prefix + "models", "poison")
    os.makedirs(os.path.join(home, "1"))
    with open(os.path.join(home, "model.properties"), "w", encoding="utf-8") as f:
        f.write(MODEL)
    return os.path.dirname(home)


def _wave(s, prefix, dice, start):
    """Sends 64 of which one is poisoned. (id of that one, all ids)"""
    rows = [bytes([i, 1, 2, 3, 4]) for i in range(BATCH)]
    at = dice.randrange(BATCH)
    rows[at] = start + b"\3\4"
    ids = [records.new_id() for _ in rows]
    records.produce(s, prefix + "requests.poison",
                    [records.request(i, [records.tensor("data", row, [1, len(row)])], "poison")
                     for i, row in zip(ids, rows)])
    return ids[at], ids


def _wait(witness, ids, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        history = witness.history()
        answers = history.answers()
        if all(i in answers for i in ids):
            return history, answers
        time.sleep(0.2)
    raise TimeoutError(f"{sum(i not in answers for i in ids)} of {len(ids)} not answered")


def _extra_runs(log, answers, ids):
    """Runs beyond the first: those that gave answers, those that failed, those that died."""
    good = {answers[i][0].batch for i in ids if answers[i][0].status == "SUCCEEDED"}
    deaths = log.count("msg=runner_died")
    failed = log.count("msg=batch_split") + 1
    return len(good) + (deaths or failed) - 1


def run(s, seed, kind):
    dice, prefix, wrong = random.Random(seed), f"poison-{kind}.", []
    s.topics(prefix, ["poison"], 1)
    with Witness(s.brokers, prefix, "poison", 1) as witness:
        batcher = s.batcher(prefix, _repository(s, prefix))
        for wave in range(1, TRIES + 1):
            before = len(batcher.log())
            poisoned, ids = _wave(s, prefix, dice, STARTS[kind])
            history, answers = _wait(witness, ids)
            log = batcher.log()[before:]
            failed = [i for i in ids if answers[i][0].status != "SUCCEEDED"]
            extra = _extra_runs(log, answers, ids)
            if failed != [poisoned] or extra > EXTRA_RUNS:
                wrong.append(f"{kind}: {len(failed)} not answered well, {extra} extra runs")
            if re.search(r"msg=batch_split rows=64\b", log) or wrong:
                break
        else:
            wrong.append(f"{kind}: the {BATCH} never came to one batch in {TRIES} waves")
        left = batcher.log().count("msg=revoked") + batcher.log().count("msg=assigned") - 1
        status = batcher.stop()
    wrong += checker.check(witness.history())
    return {"": f"poison {kind}", "requests": len(history.requests), "waves": wave,
            "answered": len(ids) - len(failed), "failed": len(failed), "extra runs": extra,
            "rebalances": left, "exits": [status] if status else [], "wrong": wrong}
