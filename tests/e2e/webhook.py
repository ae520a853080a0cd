#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A webhook reaches its receiver signed as Standard Webhooks says, which its own library and
`leat webhook` confirm; one that failed is sent again under the same id; only the endings that were
asked for are told of; `leat webhooks` lists and begins anew; a private address is refused unless
allowed."""
import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import api_keys  # noqa: E402
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402
import verifier  # noqa: E402
import webhooks  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
LEAT = os.path.join(stage.BIN, "leat")


def verified(call, keys):
    """The body of a call, once each key is known to have signed it just now."""
    headers, body = call[:2]
    stamp = headers["webhook-timestamp"]
    assert abs(time.time() - int(stamp)) < 60, stamp
    assert "." not in headers["webhook-id"], headers
    signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    wanted = {"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
              .decode() for key in keys}
    assert set(headers["webhook-signature"].split(" ")) == wanted, headers
    assert headers["content-type"] == "application/json", headers
    return json.loads(body)


def leat(*arguments, given=None):
    """(exit status, stdout, stderr) of the tool."""
    run = subprocess.run([LEAT, *arguments], input=given, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False, timeout=60)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def tool_verifies(call, secret):
    headers, body = call[:2]
    flags = ["webhook", "verify", f"--secret-file={secret}", f"--id={headers['webhook-id']}",
             f"--signature={headers['webhook-signature']}"]
    stamp = int(headers["webhook-timestamp"])
    assert leat(*flags, f"--timestamp={stamp}", given=body)[0] == 0
    for given, then in ((body + b" ", stamp), (body, stamp + 1), (body, "soon")):
        code, _, told = leat(*flags, f"--timestamp={then}", given=given)
        assert code == 1 and told, (code, told)


def library_verifies(call, keys):
    said = verifier.verify([{"secret": webhooks.secret(key), "body": call[1].decode(),
                             "headers": call[0]} for key in keys])
    print("standardwebhooks:", said or "skipped, it cannot be installed here")


def delivered(address, keys, secret):
    receiver = webhooks.Receiver()
    job = webhooks.submit(address, receiver.url)
    call = receiver.calls.get(timeout=stage.PATIENCE_S)
    event = verified(call, keys)
    assert event["type"] == "inference.succeeded", event
    assert event["data"]["id"] == job, event
    assert event["data"]["outputs"][0]["data"] == [records.fnv(bytes(webhooks.ROW))], event
    got = webhook_ended(address, job)
    assert got["webhook"] == {"state": "delivered", "attempts": 1}, got
    tool_verifies(call, secret)
    library_verifies(call, keys)
    print("delivered with", len(keys), "signatures")


def sent_again(address, keys):
    receiver = webhooks.Receiver(500)
    webhooks.submit(address, receiver.url)
    first = receiver.calls.get(timeout=stage.PATIENCE_S)
    began = time.monotonic()
    second = receiver.calls.get(timeout=stage.PATIENCE_S)
    waited = time.monotonic() - began
    assert verified(first, keys) == verified(second, keys)
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert int(second[0]["webhook-timestamp"]) > int(first[0]["webhook-timestamp"])
    assert 3.5 < waited < 15, f"{waited:.1f} s instead of 5 s and a fifth more or less"
    print(f"after 500 sent again in {waited:.1f} s")
    assert receiver.calls.empty(), "what was taken is not sent again"


def filtered(address):
    """Of two endings only the one that was asked for is told of."""
    receiver = webhooks.Receiver()
    quiet = webhooks.submit(address, receiver.url, events=["failed", "expired"])
    told = webhooks.submit(address, receiver.url, events=["succeeded"])
    assert receiver.calls.get(timeout=stage.PATIENCE_S)[0]["webhook-id"] == "msg_" + told
    code, _, got = ask.call(address, "GET", f"/v1/jobs/{quiet}?wait=30")
    assert code == 200 and "webhook" not in got, got
    assert receiver.calls.empty()
    code, _, got = ask.call(address, "POST", f"/v1/webhooks/{quiet}/redeliver")
    assert code == 404, (code, got)
    print("only the events that were asked for are told of")


def listed_and_begun_anew(address):
    receiver = webhooks.Receiver(410)
    job = webhooks.submit(address, receiver.url)
    webhook_ended(address, job)
    code, out, _ = leat("webhooks", "list", f"--address={address}", "--state=stopped")
    assert code == 0, out
    stopped = {w["id"]: w for w in json.loads(out)["webhooks"]}
    assert stopped[job]["reason"] == "http_4xx" and stopped[job]["attempts"] == 1, stopped
    code, _, told = leat("webhooks", "redeliver", f"--address={address}", job)
    assert code == 0, told
    stage.wait_for("delivered", lambda: webhook_ended(address, job)["webhook"]["state"]
                   == "delivered")
    first, second = receiver.taken()
    assert first[0]["webhook-id"] == second[0]["webhook-id"] and first[1] == second[1]
    for path in ("?state=lost", "?limit=0", "?limit=1001", "?limit=x", "?from=x"):
        code, _, got = ask.call(address, "GET", "/v1/webhooks" + path)
        assert code == 400, (path, got)
    page, seen = "?limit=1", []
    while page:
        code, _, got = ask.call(address, "GET", "/v1/webhooks" + page)
        seen += [w["id"] for w in got["webhooks"]]
        page = f"?limit=1&from={got['next']}" if "next" in got else None
    assert seen == sorted(webhooks.listed(address)) and job in seen, seen
    assert leat("webhooks", "redeliver", f"--address={address}",
                "00000000-0000-4000-8000-000000000000")[0] == 1
    assert leat("webhooks")[0] == 2 and leat("webhooks", "redeliver", "x")[0] == 2
    print("listed, and begun anew")


def listened(s, address, secret):
    """The tool as a receiver: prints and verifies what comes."""
    tool = stage.Process(s, "listen", [LEAT, "webhook", "listen", f"--secret-file={secret}",
                                       "--listen=127.0.0.1:0", "--count=2"])
    url = tool.wait_log("listening on")[0].split()[-1]
    code, _, _ = ask.call(url[len("http://"):].rstrip("/"), "POST", "/", b"{}",
                          {"webhook-id": "msg_1", "webhook-timestamp": str(int(time.time())),
                           "webhook-signature": "v1,AAAA"})
    assert code == 401, code
    job = webhooks.submit(address, url)
    assert tool.process.wait(30) == 0, tool.log()
    log = tool.log()
    assert "BAD: no signature fits" in log and "good: verified" in log and job in log, log
    print("leat webhook listen prints and verifies")


def webhook_ended(address, job):
    """The job, once its webhook has no attempts left."""
    def ended():
        code, _, got = ask.call(address, "GET", f"/v1/jobs/{job}")
        assert code == 200, got
        return got if got.get("webhook", {}).get("state", "pending") != "pending" else None

    return stage.wait_for(f"the end of the webhook of {job}", ended)


def make_key(tenant):
    """(header of a caller, line of the file of keys)"""
    key, line = api_keys.make(tenant)
    return api_keys.bearer(key), line


def own_only(s, secret, path):
    """One tenant neither sees nor begins anew what is another's; secrets change by SIGHUP."""
    (acme, first), (bolt, second) = make_key("acme"), make_key("bolt")
    keys = os.path.join(s.folder, "keys")
    api_keys.write(keys, [first, second])
    ingest = s.ingest("t.", secret, "--webhook.allow.private=true", f"--http.keys.file={keys}")
    address, receiver = ingest.ready["http"], webhooks.Receiver()
    fresh = [os.urandom(32)]
    webhooks.secret_file(os.path.dirname(path), *fresh)
    ingest.process.send_signal(signal.SIGHUP)
    ingest.wait_log("msg=reloading")
    code, _, got = ask.call(address, "POST", "/v1/jobs", webhooks.job(receiver.url), acme)
    assert code == 202, got
    verified(receiver.calls.get(timeout=stage.PATIENCE_S), fresh)

    def seen(who):
        return [w["id"] for w in ask.call(address, "GET", "/v1/webhooks?limit=1000",
                                          headers=who)[2]["webhooks"]]

    assert seen(acme) == [got["id"]] and seen(bolt) == []
    place = f"/v1/webhooks/{got['id']}/redeliver"
    assert ask.call(address, "POST", place, headers=bolt)[0] == 404
    assert ask.call(address, "POST", place)[0] == 401
    assert receiver.calls.empty()
    assert ask.call(address, "POST", place, headers=acme)[0] == 202
    verified(receiver.calls.get(timeout=stage.PATIENCE_S), fresh)
    assert ingest.stop() == 0, ingest.log()
    print("webhooks are their own tenant's, signed with secrets read anew")


def refused(ingest):
    receiver = webhooks.Receiver()
    address = ingest.ready["http"]
    job = webhooks.submit(address, receiver.url)
    got = webhook_ended(address, job)
    assert got["webhook"] == {"state": "exhausted", "attempts": 1}, got
    assert got["status"] == "succeeded" and got["outputs"], got
    assert receiver.calls.empty(), "a private address was called"
    print("a private address is refused, the result stays")


def main():
    with stage.Stage() as s:
        keys = [os.urandom(32), os.urandom(24)]
        path = webhooks.secret_file(s.folder, *keys)
        secret = "--webhook.secret.file=" + path
        s.topics("t.", ["sim"])
        s.batcher("t.", MODELS, "--models.load=sim")
        ingest = s.ingest("t.", secret, "--webhook.allow.private=true")
        address = ingest.ready["http"]
        delivered(address, keys, path)
        sent_again(address, keys)
        filtered(address)
        listed_and_begun_anew(address)
        listened(s, address, path)
        assert ingest.stop() == 0, ingest.log()
        own_only(s, secret, path)
        refused(s.ingest("t.", secret))


main()
