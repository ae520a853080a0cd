# SPDX-License-Identifier: Apache-2.0
"""5,000 callers ask in one instant of a model of 1 s per batch of 64, each with 20 s: within a
second every one is in, and then answered in time, or told when to come back, and that is true.
A request a second after the end finds the server as before."""
import time

import ask
import crowd

from . import table

PATH = "/v2/models/burst/infer"
INPUTS = {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                      "data": [1, 2, 3, 4]}]}
PATIENCE_S = 20


def body_of(caller):
    return {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                        "data": [caller % 256, caller // 256, 3, 4]}]}


def alone(address):
    """Seconds that one request takes when nothing else is there."""
    begin = time.monotonic()
    code, _, got = ask.call(address, "POST", PATH, INPUTS)
    assert code == 200, got
    return time.monotonic() - begin


def run(s, quick, rows, bars):
    count = 2000 if quick else 5000
    s.topics("burst.", ["burst"])
    models = s.models(burst=["max.batch.size=64", "sim.alpha=1s"])
    batcher = s.batcher("burst.", models)
    s.balanced([batcher])
    address = s.ingest("burst.", f"--infer.timeout={PATIENCE_S}s").ready["http"]
    idle = min(alone(address) for _ in range(3))
    got = crowd.outcome(crowd.Crowd(address, PATH, body_of).run(count, again=not quick,
                                                               patience=180))
    time.sleep(1)
    after = alone(address)
    rows.append({"": f"{count} at once", **got})
    table.bar(bars, "s until the last refusal was told", got["refused_in_s"], 1)
    table.bar(bars, "s until the last of those let in was answered", got["answered_in_s"],
              PATIENCE_S)
    table.bar(bars, "neither answered nor refused", got["other"] + got["back_other"], 0)
    table.bar(bars, "let in, of what the model can do in that time",
              got["answered"] / (PATIENCE_S * 64), 0.7, most=False)
    if got["back"]:
        table.bar(bars, "admitted, of those who came back when told to",
                  1 - got["back_refused"] / got["back"], 0.9, most=False)
    table.bar(bars, "s that a request takes a second after the end, over one before",
              after - idle, 0.1)
