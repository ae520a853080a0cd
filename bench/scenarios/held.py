# SPDX-License-Identifier: Apache-2.0
"""10,000 connections held at once while the batcher is stopped, as held requests, as long polls and
as event streams: what the ingest's memory grew by for each, whether all are answered, and what is
left of clients that go away."""
import json
import selectors
import signal
import socket
import time

import ask
import stage

from . import table


JOBS = 100  # that polls and streams share
BODY = {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8", "data": [1, 2, 3, 4]}]}


def _memory_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def _settled_kib(pid):
    """Once it has not moved for a second."""
    last, since = _memory_kib(pid), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.1)
        now = _memory_kib(pid)
        if abs(now - last) > 64:
            last, since = now, time.monotonic()
    return last


def _held_all(s, ingest, batcher, count):
    """Holds and answers `count`: (KiB before, while all are held, after), answered right."""
    admin = ingest.ready["admin"]
    before = _settled_kib(ingest.pid)
    batcher.process.send_signal(signal.SIGSTOP)
    run = s.background("bench-load", f"--address={ingest.ready['http']}", "--model=sim",
                       f"--connections={count}", f"--burst={count}", "--warm-up=0s")
    stage.wait_for(f"{count} held requests",
                   lambda: ask.metric(admin, "leat_inflight_requests") >= count)
    held = _settled_kib(ingest.pid)
    batcher.process.send_signal(signal.SIGCONT)
    result = run.result()
    return (before, held, _settled_kib(ingest.pid)), result["right"]


def _read_all(clients):
    """What each got until the server closed."""
    got = {client: b"" for client in clients}
    selector = selectors.DefaultSelector()
    for client in clients:
        selector.register(client, selectors.EVENT_READ)
    end = time.monotonic() + 120
    while selector.get_map() and time.monotonic() < end:
        for key, _ in selector.select(1):
            piece = key.fileobj.recv(65536)
            got[key.fileobj] += piece
            if not piece:
                selector.unregister(key.fileobj)
                key.fileobj.close()
    selector.close()
    return got.values()


def _watched_all(ingest, batcher, count, suffix):
    """The same of `count` who wait for a hundred jobs, by this suffix to their address."""
    host, port = ingest.ready["http"].rsplit(":", 1)
    batcher.process.send_signal(signal.SIGSTOP)
    jobs = []
    for _ in range(JOBS):
        code, names, answer = ask.call(ingest.ready["http"], "POST", "/v1/jobs",
                                       {**BODY, "model": "sim"})
        assert code == 202, answer
        jobs.append(names["location"])
    before = _settled_kib(ingest.pid)
    clients = []
    for i in range(count):
        client = socket.create_connection((host, int(port)))
        client.sendall(f"GET {jobs[i % JOBS]}{suffix} HTTP/1.1\r\nHost: leat\r\n"
                       "Connection: close\r\n\r\n".encode())
        clients.append(client)
    stage.wait_for(f"{count} connections", lambda: ask.metric(
        ingest.ready["admin"], "leat_http_connections") >= count)
    held = _settled_kib(ingest.pid)
    batcher.process.send_signal(signal.SIGCONT)
    right = sum(b"succeeded" in got for got in _read_all(clients))
    return (before, held, _settled_kib(ingest.pid)), right


def _go_away(ingest, batcher, count):
    """So many clients that ask and close; seconds until the ingest has none of their connections."""
    address = ingest.ready["http"].rsplit(":", 1)
    body = json.dumps(BODY).encode()
    request = (f"POST /v2/models/sim/infer HTTP/1.1\r\nHost: leat\r\nContent-Length: {len(body)}"
               "\r\n\r\n").encode() + body
    batcher.process.send_signal(signal.SIGSTOP)
    clients = [socket.create_connection((address[0], int(address[1]))) for _ in range(count)]
    for client in clients:
        client.sendall(request)
    admin = ingest.ready["admin"]
    stage.wait_for("clients to be held", lambda: ask.metric(admin, "leat_inflight_requests") >= count)
    begin = time.monotonic()
    for client in clients:
        client.close()
    stage.wait_for("clients to be forgotten", lambda: ask.metric(admin, "leat_http_connections") == 0)
    seconds = time.monotonic() - begin
    batcher.process.send_signal(signal.SIGCONT)
    return seconds


def _fresh(s, count):
    """An ingest that has served a little: freed memory that is used again would not be seen."""
    ingest = s.ingest("held.", "--admin.listen=127.0.0.1:0", "--infer.timeout=120s",
                      f"--http.connections.max={count + 100}",
                      f"--admission.inflight.requests={2 * count}")
    stage.wait_for("the model", lambda: ask.metric(ingest.ready["admin"], "leat_models_ready") == 1)
    s.load(ingest.ready["http"], "--model=sim", "--connections=64", "--requests=5000")
    return ingest


def run(s, quick, rows, bars):
    count = 2000 if quick else 10000
    s.topics("held.", ["sim"])
    batcher = s.batcher("held.", s.models(sim=["max.batch.size=64", "sim.alpha=20ms"]))
    for what, hold in (
            ("held requests", lambda i: _held_all(s, i, batcher, count)),
            ("long polls", lambda i: _watched_all(i, batcher, count, "?wait=60")),
            ("event streams", lambda i: _watched_all(i, batcher, count, "/events"))):
        ingest = _fresh(s, count)
        memory, right = hold(ingest)
        grown = (memory[1] - memory[0]) / count
        rows.append({"": f"{count} {what}", "MiB before": memory[0] / 1024,
                     "MiB held": memory[1] / 1024, "MiB after": memory[2] / 1024,
                     "KiB each": grown, "right": right})
        table.bar(bars, f"{what}: KiB of memory each", grown, 10)
        table.bar(bars, f"{what}: answered right", right, count, False)
        if what != "event streams":
            ingest.stop()
    gone_s = _go_away(ingest, batcher, count // 10)
    rows.append({"": f"{count // 10} go away", "forgotten in s": gone_s})
    table.bar(bars, "seconds until those who left are forgotten", gone_s, 2)
