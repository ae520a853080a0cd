# SPDX-License-Identifier: Apache-2.0
"""Receivers of webhooks that refuse, hang, trickle, reset, redirect and so on, while the ingest is
killed in the middle; a dead one with thousands of deliveries beside a healthy one; addresses that
must never be reached."""
import concurrent.futures
import datetime
import json
import math
import os
import signal
import time

import ask
import receivers
import ssrf
import stage
import webhooks
from scenarios import table

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
TIMEOUT_S = 2
SHOWN = 5


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def _misbehaving(sentinel):
    """name -> (receiver, how every delivery to it must end)"""
    url = f"http://127.0.0.1:{sentinel.port}/"
    made = {
        "accepts": (receivers.accepts, "delivered"),
        "hangs": (receivers.hangs, "exhausted"),
        "trickles": (receivers.trickles, "exhausted"),
        "resets": (receivers.resets, "exhausted"),
        "redirects": (receivers.redirects_to(url), "exhausted"),
        "talks nonsense": (receivers.talks_nonsense, "exhausted"),
        "500": (receivers.answers(500), "exhausted"),
        "410": (receivers.answers(410), "stopped"),
        "429 at first": (receivers.answers_first(429, b"Retry-After: 1\r\n"), "delivered"),
        "502 at first": (receivers.answers_first(502), "delivered"),
        "late at first": (receivers.late, "delivered"),
        "floods": (receivers.floods, "delivered"),
    }
    found = {name: (receivers.Receiver(*made[name][:1]), made[name][1]) for name in made}
    found["refuses"] = (receivers.Receiver(receivers.accepts, listen=False), "exhausted")
    return found


def _judge(name, receiver, end, ids, deliveries):
    """What is wrong with the deliveries to one receiver; a breaker may have ended some."""
    wrong = []
    for one in ids:
        state = deliveries[one]["state"]
        if state == "delivered" and one not in receiver.good:
            wrong.append(f"{name}: {one} is delivered, and was not received")
        if state != end and not (state == "exhausted" and end == "delivered"
                                 and name not in ("accepts", "floods")):
            wrong.append(f"{name}: {one} is {state}, not {end}")
    return wrong


def _faults(s, prefix, secret, count, bars):
    """All of them at once; the ingest is killed while they are at it, its store is lost."""
    sentinel = ssrf.Sentinel()
    s.topics(prefix, ["sim"])
    s.batcher(prefix, MODELS, "--models.load=sim")
    flags = [secret, "--webhook.allow.private=true", "--webhook.attempts=2",
             f"--webhook.timeout={TIMEOUT_S}s"]
    first = s.ingest(prefix, *flags)
    kinds = _misbehaving(sentinel)
    ids = {name: webhooks.submit_many(first.ready["http"], kind[0].url, count, threads=2)
           for name, kind in kinds.items()}
    stage.wait_for("some are delivered", lambda: len(kinds["accepts"][0].good) > count // 2)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    second = s.ingest(prefix, *flags)
    address, begun = second.ready["http"], time.monotonic()
    everything = {one for some in ids.values() for one in some}
    deliveries = {}
    while len(deliveries) < len(everything) and time.monotonic() - begun < 150:
        found = webhooks.listed(address)
        deliveries = {i: w for i, w in found.items() if i in everything
                      and w["state"] != "pending"}
        time.sleep(0.5)
    rows, wrong = [], []
    for name, (receiver, end) in kinds.items():
        missing = [i for i in ids[name] if i not in deliveries]
        bad = [f"{name}: {i} did not end" for i in missing]
        if not missing:
            bad += _judge(name, receiver, end, ids[name], deliveries)
        ended = [deliveries[i]["state"] for i in ids[name] if i in deliveries]
        rows.append({"": name, "jobs": len(ids[name]), "calls": sum(receiver.seen.values()),
                     **{state: ended.count(state)
                        for state in ("delivered", "exhausted", "stopped")}, "wrong": len(bad)})
        wrong += bad
    for line in wrong[:SHOWN]:
        print(line)
    table.bar(bars, "deliveries that were lost, or ended otherwise than they must", len(wrong), 0)
    table.bar(bars, "hits of a redirect on the sentinel", len(sentinel.hits), 0)
    return rows


def _healthy_ms(address, count):
    """From the end of the inference to the receiver, of jobs at 50 a second."""
    receiver = webhooks.Receiver()
    webhooks.submit_many(address, receiver.url, count, threads=2, every_s=0.04)
    calls = [receiver.calls.get(timeout=60) for _ in range(count)]
    assert len({headers["webhook-id"] for headers, *_ in calls}) == count
    return [(at - _completed(body)) * 1000 for _, body, _, at in calls]


def _completed(body):
    text = json.loads(body)["timestamp"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _dead(s, prefix, secret, small, bars):
    """What a healthy receiver waits alone, and beside one that hangs with a backlog. What judges
    the end of the dead ones, which takes a minute and no more than waiting.

    The small one is judged by its p50: of 100 jobs the p99 is the second worst, which on a
    shared machine is the machine's, and a backlog that stood in the way would stand in everyone's,
    for up to TIMEOUT_S."""
    backlog, count, share = (1000, 100, 0.5) if small else (10000, 500, 0.99)
    s.topics(prefix, ["sim"])
    s.batcher(prefix, MODELS, "--models.load=sim")
    ingest = s.ingest(prefix, secret, "--webhook.allow.private=true", "--webhook.attempts=1",
                      f"--webhook.timeout={TIMEOUT_S}s", "--admission.inflight.requests=50000",
                      "--admission.tenant.requests=0")
    address = ingest.ready["http"]
    _healthy_ms(address, 50)  # warm
    alone = _healthy_ms(address, count)
    dead = receivers.Receiver(receivers.hangs)
    ids = webhooks.submit_many(address, dead.url, backlog)
    beside = _healthy_ms(address, count)
    pending = sum(w["state"] == "pending" for w in webhooks.listed(address, "pending").values())
    after = _healthy_ms(address, count)
    best = min(percentile(alone, share), percentile(after, share))
    table.bar(bars, "dead deliveries still pending while the healthy were measured", pending,
              backlog // 2, False)
    table.bar(bars, f"ms that they move a healthy receiver's p{100 * share:.0f}",
              percentile(beside, share) - best, 50)
    rows = [{"": name, "jobs": len(ms), "p50 ms": percentile(ms, 0.5),
             "p99 ms": percentile(ms, 0.99)}
            for name, ms in (("healthy alone", alone), (f"beside {backlog} dead", beside),
                             ("healthy, later", after))]

    def end():
        found = webhooks.settled(address, ids, 200)
        visible = [w["state"] for w in found.values()].count("exhausted")
        table.bar(bars, "dead deliveries not visibly exhausted", backlog - visible, 0)
        return rows + [{"": "dead", "jobs": backlog, "calls": sum(dead.seen.values()),
                        "exhausted": visible, "wrong": backlog - visible}]
    return end


def _addresses(s, prefix, secret, bars):
    sentinel = ssrf.Sentinel()
    s.topics(prefix, ["sim"])
    s.batcher(prefix, MODELS, "--models.load=sim")
    ingest = s.ingest(prefix, secret, "--webhook.allow.ports=", "--webhook.attempts=1",
                      f"--webhook.timeout={TIMEOUT_S}s")
    address, ids = ingest.ready["http"], []
    corpus = ssrf.urls(sentinel.port)
    for url in corpus:
        code, _, got = ask.call(address, "POST", "/v1/jobs", webhooks.job(url))
        ids += [got["id"]] if code == 202 else []
    found = webhooks.settled(address, ids, 90)
    table.bar(bars, f"hits of {len(corpus)} spellings on the sentinel", len(sentinel.hits), 0)
    return [{"": "spellings", "jobs": len(ids),
             "exhausted": sum(w["state"] == "exhausted" for w in found.values())}]


def run(s, options, rows, bars):
    secret = "--webhook.secret.file=" + webhooks.secret_file(s.folder, os.urandom(32))
    small = options.quick
    # First and alone what is measured; what only waits then waits together.
    dead = _dead(s, "d.", secret, small, bars)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        parts = [pool.submit(dead),
                 pool.submit(_faults, s, "f.", secret, 5 if small else 60, bars),
                 pool.submit(_addresses, s, "a.", secret, bars)]
        for part in parts:
            rows += part.result()
