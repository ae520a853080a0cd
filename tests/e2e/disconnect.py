#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hundred held clients go away while a slow batch runs: with cancel.on.disconnect their work is
cancelled, less than one batch of it is run; without, all of it is."""
import collections
import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

CLIENTS, BATCH = 100, 16  # all can be answered within infer.timeout
SLOW_MS = 2500  # in which all have come and gone
BODY = json.dumps(ask.row([1, 2, 3, 4])).encode()


def ends(s):
    """How many requests ended how, by what stands on Kafka."""
    told = collections.Counter()
    for _, value, _ in records.read(s, "t.replies"):
        status = records.reply(value)["status"]
        told[status] += status != "queued"
    return told


def connect(address, model):
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), timeout=30)
    connection.sendall((f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: leat\r\n"
                        f"Content-Length: {len(BODY)}\r\n\r\n").encode() + BODY)
    return connection


def stored(admin):
    return ask.metric(admin, "leat_requests_stored_total")


def leave(ingest, model, before):
    """A batch of one begins to run, a hundred come to wait behind it and go."""
    address, admin = ingest.ready["http"], ingest.ready["admin"]
    blocker = connect(address, model)
    stage.wait_for("the blocker is stored", lambda: stored(admin) == before + 1)
    clients = [connect(address, model) for _ in range(CLIENTS)]
    stage.wait_for("all are stored", lambda: stored(admin) == before + 1 + CLIENTS)
    for client in clients:
        client.close()
    stage.wait_for("they are counted", lambda: gone(admin) == CLIENTS)
    answer = blocker.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    blocker.close()


def gone(admin):
    _, _, text = ask.call(admin, "GET", "/metrics")
    for line in text.decode().splitlines():
        if line.startswith('leat_http_answers_total{outcome="client_gone"}'):
            return int(float(line.split()[-1]))
    return 0


def all_ended(s, count):
    told = ends(s)
    return told if sum(told.values()) >= count else None


def scenario(s, model, wanted):
    ingest = s.ingest("t.", "--admin.listen=127.0.0.1:0",
                      f"--cancel.on.disconnect={'true' if wanted else 'false'}")
    before = ends(s)
    leave(ingest, model, stored(ingest.ready["admin"]))
    told = stage.wait_for("all have ended", lambda: all_ended(
        s, sum(before.values()) + CLIENTS + 1))
    told.subtract(before)
    abandoned = ask.metric(ingest.ready["admin"], "leat_abandoned_requests_total")
    assert ingest.stop() == 0, ingest.log()
    return told, abandoned


def main():
    with stage.Stage() as s:
        slow = f"sim.alpha={SLOW_MS}ms"
        models = s.models(few=[f"max.batch.size={BATCH}", slow],
                          many=[f"max.batch.size={CLIENTS}", slow, "device=cpu:1"])
        s.topics("t.", ["few", "many"])
        batchers = [s.batcher_begin("t.", models, f"--models.load={m}") for m in ("few", "many")]
        for batcher in batchers:
            batcher.wait_ready()
        told, abandoned = scenario(s, "few", True)
        assert abandoned == CLIENTS, abandoned
        ran = told["succeeded"] - 1  # the blocker
        print(f"with cancel.on.disconnect {told['canceled']} of {CLIENTS} canceled, {ran} run")
        assert told["canceled"] + ran == CLIENTS and ran < BATCH, told
        told, abandoned = scenario(s, "many", False)
        assert abandoned == 0, abandoned
        assert told["succeeded"] == CLIENTS + 1, told
        print(f"without all {CLIENTS} are run")
        for batcher in batchers:
            assert batcher.stop() == 0, batcher.log()


main()
