#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The line on a real Kafka: one ingest, two batchers as processes, 20,000 requests on 64
connections, each with its own answer; a batcher killed in the middle, another started."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
COUNT = 20000


def all_right(what, result):
    print(what, result)
    assert result["right"] == COUNT, f"{what}: {result}"
    assert result["wrong"] == result["refused"] == result["failed"] == 0, f"{what}: {result}"


def shared_between(batchers):
    """Both members were given partitions."""
    for b in batchers:
        assert "msg=assigned" in b.log(), f"{b.name} got no partition:\n{b.log()}"


def main():
    with stage.Stage() as s:
        s.topics("t.", ["sim"])
        batchers = [s.batcher("t.", MODELS, "--models.load=sim") for _ in range(2)]
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        options = [f"--address={address}", "--model=sim", "--connections=64",
                   f"--requests={COUNT}", "--warm-up=0s"]
        all_right("quiet", s.program("bench-load", *options))
        shared_between(batchers)
        replies = s.records("t.replies")
        assert len(replies) == len(set(replies)) == COUNT, \
            f"{len(replies)} replies for {COUNT} requests"

        run = s.background("bench-load", *options)
        time.sleep(0.7)
        batchers[0].kill()
        s.batcher("t.", MODELS, "--models.load=sim")
        all_right("one batcher killed", run.result())
        ids = set(s.records("t.replies"))
        assert len(ids) == 2 * COUNT, f"{len(ids)} ids answered"
        assert s.records("t.dead-letters") == []
        assert ingest.stop() == 0, ingest.log()


main()
