#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM under load: every service exits 0, nothing is answered twice, nothing is lost; the
same of members that compute for seconds."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")


def under_load(s):
    s.topics("t.", ["sim"])
    first = s.batcher("t.", MODELS, "--models.load=sim")
    second = s.batcher("t.", MODELS, "--models.load=sim")
    ingest = s.ingest("t.")
    run = s.background("bench-load", f"--address={ingest.ready['http']}", "--model=sim",
                       "--connections=128", "--rate=1500", "--duration=8s",
                       "--warm-up=0s")
    time.sleep(2)
    assert first.stop() == 0, first.log()
    time.sleep(1)
    third = s.batcher("t.", MODELS, "--models.load=sim")
    result = run.result()
    print(result)
    assert result["right"] >= 6000, result
    assert result["wrong"] == result["refused"] == result["failed"] == 0, result

    # Now the ingest: what it took is answered, what it refuses was not taken.
    run = s.background("bench-load", f"--address={ingest.ready['http']}", "--model=sim",
                       "--connections=64", "--rate=1500", "--duration=3s",
                       "--warm-up=0s")
    time.sleep(1.5)
    assert ingest.stop() == 0, ingest.log()
    run.process.kill()
    asked = set(s.records("t.requests.sim"))
    stage.wait_for("what the ingest took", lambda: set(s.records("t.replies")) == asked)
    assert second.stop() == 0, second.log()
    assert third.stop() == 0, third.log()
    answered = s.records("t.replies")
    assert len(answered) == len(set(answered)), "an id was answered twice"
    assert asked == set(answered), \
        f"{len(asked - set(answered))} of {len(asked)} were lost"


def members_with_long_batches(s):
    """Each ends what it runs and leaves the rest, which the others take once more."""
    slow = ["max.batch.size=4", "sim.alpha=1500ms"]
    long, short = s.models(slow=slow), s.models(slow=["max.batch.size=4"])
    s.topics("u.", ["slow"], 6)
    members = [s.batcher("u.", long, "--admin.listen=127.0.0.1:0") for _ in range(2)]
    for each in members:
        each.wait_log("msg=assigned", "count=3")
    ids = [i for p in range(6)
           for i in records.send(s, "u.requests.slow", 6, "slow", p)]
    for each in members:
        stage.wait_for("requests taken", lambda e=each: ask.metric(
            e.ready["admin"], "leat_batcher_requests_total") >= 18)
    for each in members:
        begin = time.monotonic()
        assert each.stop() == 0, each.log()
        print(f"a member left after {time.monotonic() - begin:.1f} s")
    left = len(ids) - len(s.records("u.replies"))
    assert left > 0, "everything was answered before the end: this test shows nothing"
    third = s.batcher("u.", short)
    stage.wait_for("answers", lambda: set(ids) <= set(s.records("u.replies")))
    assert third.stop() == 0, third.log()
    assert len(s.records("u.replies")) == len(ids), "an id was answered twice"


def main():
    with stage.Stage() as s:
        stage.side_by_side((under_load, s), (members_with_long_batches, s))


main()
