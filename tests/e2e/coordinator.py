#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three brokers: the one that coordinates the batchers' group ends and comes back under load.
Commits go on at the other one, nothing is lost, nobody is thrown out."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_admin  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
TOPIC, GROUP, PARTITIONS = "t.requests.sim", "t.batcher.sim", 4


def send(s, count):
    return [i for p in range(PARTITIONS)
            for i in records.send(s, TOPIC, count, partition=p)]


def answered_and_committed(s, ids, each):
    """`each` records in every partition."""
    stage.wait_for("answers", lambda: set(ids) <= set(s.records("t.replies")))
    with kafka_admin.Admin(s.brokers, GROUP) as admin:
        stage.wait_for("commits", lambda: admin.committed(TOPIC, PARTITIONS) ==
                       {p: each for p in range(PARTITIONS)})


def main():
    with stage.Stage(brokers=3) as s:
        s.topics("t.", ["sim"], PARTITIONS)
        members = [s.batcher("t.", MODELS, "--models.load=sim") for _ in range(2)]
        ids = send(s, 20)
        answered_and_committed(s, ids, 20)
        first = kafka_admin.coordinator(s.brokers, GROUP)
        ids += send(s, 20)
        subprocess.run([os.path.join(stage.ROOT, "tests", "support", "kafka-down"), s.kafka,
                        str(first)], check=True)
        ids += send(s, 20)
        answered_and_committed(s, ids, 60)
        second = kafka_admin.coordinator(s.brokers, GROUP)
        assert second != first, f"broker {first} still coordinates"
        s.kafka_up("--keep")
        ids += send(s, 20)
        answered_and_committed(s, ids, 80)
        replies = s.records("t.replies")
        print(f"coordinator {first} -> {second},", len(replies) - len(set(replies)),
              "answered twice")
        for each in members:
            assert "lost=true" not in each.log(), each.log()
            assert each.stop() == 0, each.log()
        assert len(replies) == len(set(replies)) == len(ids)


main()
