#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Offsets that are not there: records deleted, a group's offset past the end, the topic made
anew or enlarged, all under a running batcher: said in words, nothing silently skipped."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import kafka_admin  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
TOPIC, GROUP, PARTITIONS = "t.requests.sim", "t.batcher.sim", 4


def answered(s, ids):
    """Every one of them has exactly one answer."""
    def count():
        replies = s.records("t.replies")
        return replies if set(ids) <= set(replies) else None
    replies = stage.wait_for("answers", count)
    assert len(replies) == len(set(replies)), "an id was answered twice"


def gone_before_the_start(s):
    """Deleted below in partition 0, an offset past the end in partition 1, none in 2."""
    deleted = records.send(s, TOPIC, 50)
    early = records.send(s, TOPIC, 5, partition=1)
    fresh = records.send(s, TOPIC, 5, partition=2)
    with kafka_admin.Admin(s.brokers, GROUP) as admin:
        admin.commit(TOPIC, {0: 10, 1: 1000})
        admin.delete_records(TOPIC, {0: 30})
    batcher = s.batcher("t.", MODELS, "--models.load=sim")
    answered(s, deleted[30:] + early + fresh)
    assert not set(deleted[:30]) & set(s.records("t.replies"))
    batcher.wait_log("msg=offset_gone", "partition=0", "offset=10 ")
    batcher.wait_log("msg=reading_resumed", "partition=0", "expected=10", "from=30", "skipped=20")
    batcher.wait_log("msg=offset_gone", "partition=1", "offset=1000 ")
    batcher.wait_log("msg=reading_resumed", "partition=1", "from=0", "skipped=0")
    assert len(batcher.wait_log("msg=offset_gone")) == 2, "nothing committed is no gap"
    return batcher


def committed(s, wanted):
    """The offsets of the group come to what is wanted, and nothing else stands there."""
    with kafka_admin.Admin(s.brokers, GROUP) as admin:
        stage.wait_for(f"offsets {wanted}",
                       lambda: admin.committed(TOPIC, PARTITIONS) == wanted)


def make_again(s):
    """Deleting ends in the background: creating is tried until it works."""
    def create():
        try:
            s.topics("t.", ["sim"], PARTITIONS)
        except stage.CannotRun:
            return False
        with kafka_admin.Admin(s.brokers) as admin:
            return admin.partitions(TOPIC) == PARTITIONS
    stage.wait_for("the topic again", create)


def made_anew_at_once(s, batcher):
    with kafka_admin.Admin(s.brokers) as admin:
        admin.delete_topic(TOPIC)
    make_again(s)
    answered(s, records.send(s, TOPIC, 20) + records.send(s, TOPIC, 3, partition=1))
    committed(s, {0: 20, 1: 3})
    print("made anew at once:", len(batcher.wait_log("msg=offset_gone")), "offsets gone")


def made_anew_later(s, batcher):
    """Under the old offset of partition 0 there is a record again: it must not be read on."""
    with kafka_admin.Admin(s.brokers) as admin:
        admin.delete_topic(TOPIC)
    before = len(batcher.log())
    stage.wait_for("the missing topic in the log",
                   lambda: "UNKNOWN_TOPIC" in batcher.log()[before:]
                   or "topic_missing" in batcher.log()[before:])
    make_again(s)
    answered(s, records.send(s, TOPIC, 30) + records.send(s, TOPIC, 2, partition=3))
    committed(s, {0: 30, 3: 2})


def gone_for_good(s, batcher):
    """The batcher stops all the same."""
    with kafka_admin.Admin(s.brokers) as admin:
        admin.delete_topic(TOPIC)
    before = len(batcher.log())
    stage.wait_for("the missing topic in the log",
                   lambda: "topic_missing" in batcher.log()[before:])
    assert batcher.stop() == 0, batcher.log()


def enlarged(s):
    with kafka_admin.Admin(s.brokers) as admin:
        admin.enlarge_topic(TOPIC, 2 * PARTITIONS)
        stage.wait_for("partitions", lambda: admin.partitions(TOPIC) == 2 * PARTITIONS)
    answered(s, [i for p in range(PARTITIONS, 2 * PARTITIONS)
                 for i in records.send(s, TOPIC, 5, partition=p)])


def main():
    with stage.Stage() as s:
        s.topics("t.", ["sim"], PARTITIONS)
        batcher = gone_before_the_start(s)
        made_anew_at_once(s, batcher)
        made_anew_later(s, batcher)
        enlarged(s)
        assert s.records("t.dead-letters") == []
        gone_for_good(s, batcher)


main()
