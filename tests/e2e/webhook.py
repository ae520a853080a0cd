#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A webhook reaches its receiver signed as Standard Webhooks says; one that failed is sent
again under the same id; a private address is refused unless allowed."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import queue
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
ROW = [1, 2, 3, 4]


class Receiver:
    """Puts what comes into `calls`; answers the codes it was given, then 200."""

    def __init__(self, *codes):
        self.calls = queue.Queue()
        codes = list(codes)
        calls = self.calls

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                calls.put(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(codes.pop(0) if codes else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?a=b"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def secret_file(folder, *keys):
    """A file of whsec_ lines and the keys as bytes."""
    path = os.path.join(folder, "webhook-secrets")
    with open(path, "w", encoding="ascii") as f:
        for key in keys:
            f.write("whsec_" + base64.b64encode(key).decode() + "\n")
    os.chmod(path, 0o600)
    return path


def verified(call, keys):
    """The body of a call, once each key is known to have signed it just now."""
    headers, body = call
    stamp = headers["webhook-timestamp"]
    assert abs(time.time() - int(stamp)) < 60, stamp
    assert "." not in headers["webhook-id"], headers
    signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    wanted = {"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
              .decode() for key in keys}
    assert set(headers["webhook-signature"].split(" ")) == wanted, headers
    assert headers["content-type"] == "application/json", headers
    return json.loads(body)


def submit(address, url, data=None):
    code, _, got = ask.call(address, "POST", "/v1/jobs", {
        "model": "sim", "webhook": {"url": url},
        "inputs": [{"name": "data", "shape": [1, len(ROW)], "datatype": "UINT8",
                    "data": data or ROW}]})
    assert code == 202, got
    return got["id"]


def delivered(address, keys):
    receiver = Receiver()
    job = submit(address, receiver.url)
    event = verified(receiver.calls.get(timeout=30), keys)
    assert event["type"] == "inference.succeeded", event
    assert event["data"]["id"] == job, event
    assert event["data"]["outputs"][0]["data"] == [records.fnv(bytes(ROW))], event
    got = webhook_ended(address, job)
    assert got["webhook"] == {"state": "delivered", "attempts": 1}, got
    print("delivered with", len(keys), "signatures")


def sent_again(address, keys):
    receiver = Receiver(500)
    submit(address, receiver.url)
    first = receiver.calls.get(timeout=30)
    began = time.monotonic()
    second = receiver.calls.get(timeout=30)
    waited = time.monotonic() - began
    assert verified(first, keys) == verified(second, keys)
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert int(second[0]["webhook-timestamp"]) > int(first[0]["webhook-timestamp"])
    assert 3.5 < waited < 8, f"{waited:.1f} s instead of 5 s and a fifth more or less"
    print(f"after 500 sent again in {waited:.1f} s")
    assert receiver.calls.empty(), "what was taken is not sent again"


def webhook_ended(address, job, seconds=20):
    """The job, once its webhook has no attempts left."""
    end = time.monotonic() + seconds
    while True:
        code, _, got = ask.call(address, "GET", f"/v1/jobs/{job}")
        assert code == 200, got
        if got.get("webhook", {}).get("state", "pending") != "pending":
            return got
        assert time.monotonic() < end, got
        time.sleep(0.05)


def refused(ingest):
    receiver = Receiver()
    address = ingest.ready["http"]
    job = submit(address, receiver.url)
    got = webhook_ended(address, job)
    assert got["webhook"] == {"state": "exhausted", "attempts": 1}, got
    assert got["status"] == "succeeded" and got["outputs"], got
    assert receiver.calls.empty(), "a private address was called"
    print("a private address is refused, the result stays")


def main():
    with stage.Stage() as s:
        keys = [os.urandom(32), os.urandom(24)]
        secret = "--webhook.secret.file=" + secret_file(s.folder, *keys)
        s.topics("t.", ["sim"])
        s.batcher("t.", MODELS, "--models.load=sim")
        ingest = s.ingest("t.", secret, "--webhook.allow.private=true")
        delivered(ingest.ready["http"], keys)
        sent_again(ingest.ready["http"], keys)
        assert ingest.stop() == 0, ingest.log()
        refused(s.ingest("t.", secret))


main()
