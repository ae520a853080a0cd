# SPDX-License-Identifier: Apache-2.0
"""10,000 requests held at once, each on a connection of its own, while the batcher is stopped: what
the ingest's memory grew by for each, whether all are answered, and what is left of clients that go
away."""
import json
import signal
import socket
import time

import ask
import stage

from . import table


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
    """Holds and answers `count`: (KiB before, while all are held, after), result of the load."""
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
    return (before, held, _settled_kib(ingest.pid)), result


def _go_away(ingest, batcher, count):
    """So many clients that ask and close; seconds until the ingest has none of their connections."""
    address = ingest.ready["http"].rsplit(":", 1)
    body = json.dumps({"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                                   "data": [1, 2, 3, 4]}]}).encode()
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


def run(s, quick, rows, bars):
    count = 2000 if quick else 10000
    s.topics("held.", ["sim"])
    batcher = s.batcher("held.", s.models(sim=["max.batch.size=64", "sim.alpha=20ms"]))
    ingest = s.ingest("held.", "--admin.listen=127.0.0.1:0", "--infer.timeout=120s",
                      f"--http.connections.max={count + 100}",
                      f"--admission.inflight.requests={2 * count}")
    stage.wait_for("the model", lambda: ask.metric(ingest.ready["admin"], "leat_models_ready") == 1)
    s.load(ingest.ready["http"], "--model=sim", "--connections=64", "--requests=5000")
    memory, result = _held_all(s, ingest, batcher, count)
    grown = (memory[1] - memory[0]) / count
    rows.append({"": f"{count} held", "MiB before": memory[0] / 1024, "MiB held": memory[1] / 1024,
                 "MiB after": memory[2] / 1024, "KiB each": grown, "right": result["right"],
                 "not": result["wrong"] + result["refused"] + result["failed"],
                 "last answer s": result["max_ms"] / 1000})
    gone_s = _go_away(ingest, batcher, count // 10)
    rows.append({"": f"{count // 10} go away", "forgotten in s": gone_s})
    table.bar(bars, "KiB of memory for a held connection", grown, 10)
    table.bar(bars, "answered right", result["right"], count, False)
    table.bar(bars, "seconds until those who left are forgotten", gone_s, 2)
