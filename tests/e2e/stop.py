#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM under load: every service exits 0, nothing is answered twice, nothing is lost."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")


def main():
    with stage.Stage() as s:
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
        assert result["right"] >= 12000, result
        assert result["wrong"] == result["refused"] == result["failed"] == 0, result

        # Now the ingest: what it took is answered, what it refuses was not taken.
        run = s.background("bench-load", f"--address={ingest.ready['http']}", "--model=sim",
                           "--connections=64", "--rate=1500", "--duration=3s",
                           "--warm-up=0s")
        time.sleep(1.5)
        assert ingest.stop() == 0, ingest.log()
        run.process.kill()
        asked = set(s.records("t.requests.sim"))
        end = time.monotonic() + 30
        while time.monotonic() < end and set(s.records("t.replies")) != asked:
            pass  # what the ingest took is still being answered
        assert second.stop() == 0, second.log()
        assert third.stop() == 0, third.log()
        answered = s.records("t.replies")
        assert len(answered) == len(set(answered)), "an id was answered twice"
        assert asked == set(answered), \
            f"{len(asked - set(answered))} of {len(asked)} were lost"


main()
