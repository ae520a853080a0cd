# SPDX-License-Identifier: Apache-2.0
"""20 models on disk, memory for 4, through real Kafka: each is asked in turn and then at random with
a favourite; all answer, loads and evictions are counted."""
import random
import time

import ask
import stage

from . import table

MODELS, FIT = 20, 4
BODY = b'{"inputs":[{"name":"data","datatype":"UINT8","shape":[1,2],"data":[1,2]}]}'


def _ask(http, names):
    """(answered, slowest in s)"""
    answered, slowest = 0, 0.0
    for name in names:
        begin = time.monotonic()
        answered += ask.call(http, "POST", f"/v2/models/{name}/infer", BODY)[0] == 200
        slowest = max(slowest, time.monotonic() - begin)
    return answered, slowest


def run(s, quick, rows, bars):
    names = [f"m{i:02}" for i in range(MODELS)]
    models = s.models(**{name: ["max.batch.size=4", "sim.alpha=1ms", "sim.memory.mib=32"] for name in names})
    s.topics("lru.", names, 2)
    probe = s.batcher("lru.", models, "--models.load=m00", "--admin.listen=127.0.0.1:0")
    one = int(ask.metric(probe.ready["admin"], "leat_batcher_model_memory_bytes"))
    probe.stop()
    most = one * FIT + one // 2
    batcher = s.batcher("lru.", models, "--models.lazy=true", f"--models.memory.max={most}",
                        "--admin.listen=127.0.0.1:0")
    http = s.ingest("lru.").ready["http"]
    stage.wait_for("all models", lambda: len(ask.call(http, "GET", "/v2/models")[2]["models"])
                   == MODELS)
    chooser = random.Random(7)
    favourites = [names[0] if chooser.random() < 0.5 else chooser.choice(names)
                  for _ in range(40 if quick else 200)]
    admin = batcher.ready["admin"]

    def counts():
        return [int(ask.metric(admin, f"leat_batcher_model_{what}"))
                for what in ("loads_total", "evictions_total", "memory_bytes")]
    asked = answered = 0
    most_seen = 0
    for what, which in (("each in turn", names), ("each in turn again", names),
                        ("half of them one", favourites)):
        before = counts()
        right, slowest = _ask(http, which)
        after = counts()
        asked, answered = asked + len(which), answered + right
        most_seen = max(most_seen, after[2])
        rows.append({"": what, "asked": len(which), "answered": right,
                     "loads": after[0] - before[0], "evictions": after[1] - before[1],
                     "MiB": after[2] / 2**20, "slowest s": slowest})
    table.bar(bars, "requests not answered", asked - answered, 0)
    table.bar(bars, "loads where the favourite is asked, of the requests",
              rows[-1]["loads"] / rows[-1]["asked"], 0.6)
    table.bar(bars, "MiB loaded at the end of a row, most", most_seen / 2**20, most / 2**20)
