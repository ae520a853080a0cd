#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Members that join, leave, crash, come back and come twice, with models whose batches are
short, long, and longer than max.poll.interval.ms: every request has an answer, exactly one
unless somebody was killed, and what has nothing to do with a rebalance does not stand still."""
import datetime
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

QUICK = ["max.batch.size=64", "sim.alpha=2ms", "sim.beta=20us"]
# The first of two members computes for long, on a device of its own, or the quick model would
# have to wait for it; the second loads at once and so joins meanwhile.
LONG = {"quick": QUICK, "slow": ["max.batch.size=8", "sim.alpha=5s", "device=cpu:1"],
        "glacier": ["max.batch.size=8", "sim.alpha=4s"]}
SHORT = {"quick": QUICK, "slow": QUICK}
POLL_MS = 2000  # max.poll.interval.ms of the glacier
SESSION = "--kafka.consumer.session.timeout.ms=6000"
MARGIN_US = 20000  # at either end of a revocation
TAKEOVER = 6 + 2 + 5  # the session, the promise, the machine


def once(s, ids, prefix="t."):
    """Each of them is answered, exactly once."""
    def all_there():
        replies = s.records(f"{prefix}replies")
        return replies if set(ids) <= set(replies) else None
    replies = stage.wait_for("answers", all_there)
    twice = {i for i in ids if replies.count(i) > 1}
    assert not twice, f"{len(twice)} of {len(ids)} answered twice"


def spread(s, model, count, prefix="t."):
    """So many requests in each of the four partitions."""
    return [i for p in range(4)
            for i in records.send(s, f"{prefix}requests.{model}", count, model, p)]


def runs(batcher, count):
    """Until so many requests were taken, which an idle device runs at once."""
    stage.wait_for(f"{count} requests taken", lambda: ask.metric(
        batcher.ready["admin"], "leat_batcher_requests_total") >= count)


def load(s, ingest, seconds, rate=500):
    return s.background("bench-load", f"--address={ingest.ready['http']}", "--model=quick",
                        "--connections=64", f"--rate={rate}", f"--duration={seconds}s",
                        "--warm-up=0s", "--bytes=64")


def all_right(what, result):
    print(what, result)
    assert result["wrong"] == result["refused"] == result["failed"] == 0, f"{what}: {result}"
    return result


def slower_than_the_poll_interval(s, models):
    """Begun first, looked at last: it takes its time to load."""
    batcher = s.batcher_begin("t.", models, "--models.load=glacier",
                        f"--kafka.consumer.max.poll.interval.ms={POLL_MS}",
                        f"--kafka.consumer.session.timeout.ms={POLL_MS}")
    return batcher, spread(s, "glacier", 2)


def batches_begun(s, model, begin_us, end_us):
    """Instants in between at which batches of the model were given to its runner."""
    told = (records.reply(value) for _, value, _ in records.read(s, "t.replies"))
    begun = {r["timing"][2] for r in told if r["model"] == model}
    return {at for at in begun if begin_us < at < end_us}


def joined_while_a_batch_runs(s, long, short, ingest):
    """The neighbour model answers all the while; the batch is finished, not run again."""
    first = s.batcher("t.", long, "--models.load=slow,quick", "--admin.listen=127.0.0.1:0")
    run = load(s, ingest, 8)
    ids = spread(s, "slow", 2)
    runs(first, 8)
    second = s.batcher("t.", short, "--models.load=slow")
    once(s, ids)
    revoked = first.wait_log("msg=revoked", "t.requests.slow")[0]
    took = int(revoked.split("took_ms=")[1].split()[0])
    assert "unfinished=0" in revoked and 200 < took < 9000, revoked
    all_right("a neighbour during a revocation", run.result())
    at = re.search(r"ts=(\S+)", revoked)[1].replace("Z", "+00:00")
    end_us = int(datetime.datetime.fromisoformat(at).timestamp() * 1e6)
    begun = batches_begun(s, "quick", end_us - took * 1000 + MARGIN_US, end_us - MARGIN_US)
    assert len(begun) > 1, f"the neighbour stood still for {took} ms"
    print(f"partitions kept for {took} ms, {len(begun)} batches of the neighbour meanwhile")
    return first, second


def out_of_time(s, long, short):
    """A second member waits no longer than rebalance.timeout; the answer of the batch that
    still runs then is not sent, as the other member gives it."""
    first = s.batcher("u.", long, "--models.load=slow", "--rebalance.timeout=300ms",
                      "--admin.listen=127.0.0.1:0")
    ids = spread(s, "slow", 2, "u.")
    runs(first, 8)
    second = s.batcher("u.", short, "--models.load=slow")
    revoked = first.wait_log("msg=revoked", "lost=false")[0]
    assert "unfinished=0" not in revoked, revoked
    once(s, ids, "u.")
    assert first.stop() == 0, first.log()
    assert second.stop() == 0, second.log()
    assert len(s.records("u.replies")) == len(ids), "the late answer was sent"


def joined_and_left(s, models, ingest):
    run = load(s, ingest, 6)
    time.sleep(1)
    second, third = (s.batcher("t.", models, "--models.load=quick", SESSION) for _ in range(2))
    time.sleep(1)
    assert second.stop() == 0, second.log()
    all_right("joined and left", run.result())
    asked, replies = s.records("t.requests.quick"), s.records("t.replies")
    assert len(replies) == len(set(replies)), \
        f"{len(replies) - len(set(replies))} answered twice"
    assert set(asked) <= set(replies)
    return third


def crashed(s, ingest, victim):
    run = load(s, ingest, 5)
    time.sleep(2)
    victim.kill()
    result = all_right("crashed", run.result())
    assert result["max_ms"] < TAKEOVER * 1000, result
    assert set(s.records("t.requests.quick")) <= set(s.records("t.replies"))


def static_members(s, models):
    """One is restarted, which the other does not notice; then it comes twice."""
    def member(name):
        return s.batcher("v.", models, "--models.load=slow", f"--group.instance.id={name}")
    one, two = member("one"), member("two")
    one.wait_log("msg=assigned", "count=2")
    before = two.log().count("msg=revoked")
    assert one.stop() == 0, one.log()
    one = member("one")
    once(s, spread(s, "slow", 1, "v."), "v.")
    assert two.log().count("msg=revoked") == before, two.log()
    twin = member("two")
    assert two.process.wait(stage.PATIENCE_S) == 78, two.log()
    two.wait_log("level=error", "msg=fenced", "group.instance.id")
    once(s, spread(s, "slow", 1, "v."), "v.")
    assert one.stop() == 0, one.log()
    assert twin.stop() == 0, twin.log()


def with_an_ingest(s, long, short):
    glacier, frozen = slower_than_the_poll_interval(s, long)
    ingest = s.ingest("t.")
    first, second = joined_while_a_batch_runs(s, long, short, ingest)
    third = joined_and_left(s, short, ingest)
    crashed(s, ingest, third)
    once(s, frozen)
    assert "revoked" not in glacier.log() and "MAXPOLL" not in glacier.log(), glacier.log()
    for each in (glacier, first, second, ingest):
        assert each.stop() == 0, each.log()


def main():
    os.environ["KAFKA_SETTINGS"] = "group.min.session.timeout.ms=1000"
    with stage.Stage() as s:
        long, short = s.models(**LONG), s.models(**SHORT)
        s.topics("t.", LONG, 4)
        s.topics("u.", ["slow"], 4)
        s.topics("v.", ["slow"], 4)
        stage.side_by_side((with_an_ingest, s, long, short), (out_of_time, s, long, short),
                           (static_members, s, short))


main()
