#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Webhooks when the ingest that makes them is killed, or shares them with a second one: what was
delivered is not sent again, though the new owner has no store; what was not goes on under the
same webhook-id."""
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402
import webhooks  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
JOBS = 40
RETRY_S = 20  # between two attempts; the third would come minutes later


class Gate:
    """Half of the ids are answered 503 until it opens, which must be within RETRY_S."""

    def __init__(self):
        self.opened = threading.Event()

    def decide(self, webhook_id):
        shut = int(webhook_id[-1], 16) % 2 == 1
        wait = 503, {"Retry-After": str(RETRY_S)}
        return wait if shut and not self.opened.is_set() else 200


def partitions(s, prefix):
    """Those of the topic of replies that have a record."""
    return set(s.records(prefix + "replies", "%p"))


def outcomes(s, prefix, ids):
    """Ids with two records or more: begun, and how the first attempt ended."""
    seen = [key for key in s.records(prefix + "webhooks")]
    return {i for i in ids if seen.count(i) >= 2}


def judge(calls, ids, before, what):
    """Each id is delivered once, under one webhook-id; what was before is not sent again."""
    good = [headers["webhook-id"] for headers, _, code, _ in calls if code == 200]
    assert sorted(good) == sorted("msg_" + i for i in set(ids) - before), \
        f"{what}: {len(good)} delivered, {len(set(good))} different"


def killed(s, secret):
    gate, prefix = Gate(), "k."
    receiver = webhooks.Receiver(decide=gate.decide)
    s.topics(prefix, ["sim"], 4)
    s.batcher(prefix, MODELS, "--models.load=sim")
    first = s.ingest(prefix, secret, "--webhook.allow.private=true")
    ids = webhooks.submit_many(first.ready["http"], receiver.url, JOBS, threads=4)
    stage.wait_for("an outcome of every delivery on the topic",
                   lambda: len(outcomes(s, prefix, ids)) == JOBS)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    calls = receiver.taken()
    before = {h["webhook-id"][4:] for h, _, code, _ in calls if code == 200}
    assert 0 < len(before) < JOBS, "the gate lets some through and some not"
    gate.opened.set()
    second = s.ingest(prefix, secret, "--webhook.allow.private=true")
    found = webhooks.settled(second.ready["http"], ids)
    assert {w["state"] for w in found.values()} == {"delivered"}, found
    judge(receiver.taken(), ids, before, "after the kill")
    code, _, got = ask.call(second.ready["http"], "GET", f"/v1/jobs/{ids[0]}")
    assert code == 200 and got["webhook"]["state"] == "delivered", got
    print(f"{len(before)} delivered before the kill were not sent again, "
          f"{JOBS - len(before)} went on")
    assert second.stop() == 0, second.log()


def shared(s, secret):
    gate, prefix = Gate(), "s."
    receiver = webhooks.Receiver(decide=gate.decide)
    s.topics(prefix, ["sim"], 4)
    s.batcher(prefix, MODELS, "--models.load=sim")
    first = s.ingest(prefix, secret, "--webhook.allow.private=true")
    ids = []
    while len(ids) < JOBS or len(partitions(s, prefix)) < 4:  # ids of one moment fall to one
        ids += webhooks.submit_many(first.ready["http"], receiver.url, JOBS // 8, threads=1)
    stage.wait_for("an outcome of every delivery on the topic",
                   lambda: len(outcomes(s, prefix, ids)) == len(ids))
    second = s.ingest(prefix, secret, "--webhook.allow.private=true")
    gate.opened.set()

    def ended():
        told = [webhooks.listed(i.ready["http"]) for i in (first, second)]
        return all(t.get(i, {}).get("state") == "delivered" for t in told for i in ids)

    stage.wait_for("all delivered by either", ended, 120)
    judge(receiver.taken(), ids, set(), "with two")

    page, seen = "?limit=7", []
    while page:
        code, _, got = ask.call(second.ready["http"], "GET", "/v1/webhooks" + page)
        assert code == 200 and "partitions" not in got, got
        seen += [w["id"] for w in got["webhooks"]]
        page = f"?limit=7&from={got['next']}" if "next" in got else None
    assert seen == sorted(ids), "by pages, in order, each once, whoever owns it"
    assert first.stop() == 0, first.log()
    found = webhooks.settled(second.ready["http"], ids)
    assert {w["state"] for w in found.values()} == {"delivered"}, found
    again = {headers["webhook-id"][4:]: at for headers, _, _, at in receiver.taken()}
    told = [line for line in s.records(prefix + "webhooks", "%k %p %o %T") if line[:36] in again]
    assert not again, f"sent again by the new owner: {again}, of {told}\n{second.log()[-2000:]}"
    print(f"two ingests delivered {len(ids)}, each once, and either tells of all")


def apart(s, secret):
    """Ingests that have no way to each other tell of their own, and do not wait for the rest."""
    receiver, prefix = webhooks.Receiver(), "a."
    s.topics(prefix, ["sim"], 4)
    s.batcher(prefix, MODELS, "--models.load=sim")
    options = (prefix, secret, "--webhook.allow.private=true", "--internal.listen=")
    first = s.ingest(*options)
    ids = webhooks.submit_many(first.ready["http"], receiver.url, JOBS, threads=1)
    webhooks.settled(first.ready["http"], ids)
    second = s.ingest(*options)
    told = [webhooks.listed(i.ready["http"]) for i in (first, second)]
    assert set(told[0]) | set(told[1]) <= set(ids), told


def main():
    with stage.Stage() as s:
        secret = "--webhook.secret.file=" + webhooks.secret_file(s.folder, os.urandom(32))
        stage.side_by_side((killed, s, secret), (shared, s, secret))


main()
