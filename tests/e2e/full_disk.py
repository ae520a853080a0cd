#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An ingest whose disk is full answers what is held, and says 503 of what it could not keep, never
404; once there is space again it brings all of it back by itself, webhooks too, and a restart
finds it."""
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402
import webhooks  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
BEFORE, AFTER = 50, 2000
NOBODYS = "/v1/jobs/0190a0a0-0000-7000-8000-000000000000"


def start(s, store, secret):
    return stage.Process(s, "ingest", [
        os.path.join(stage.BIN, "leat-ingest"), f"--kafka.bootstrap.servers={s.brokers}",
        "--topics.prefix=t.", "--log.format=logfmt", f"--results.store={store}",
        "--http.listen=127.0.0.1:0", "--admin.listen=127.0.0.1:0", secret,
        "--webhook.allow.private=true", "--admission.accept.timeout=20s"]).wait_ready()


def space(ingest, bytes_max):
    """To the kernel a file over its limit is what a full disk is: nothing can be written."""
    hard = resource.prlimit(ingest.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(ingest.pid, resource.RLIMIT_FSIZE, (bytes_max, hard))


def verbose(ingest):
    return ask.call(ingest.ready["admin"], "GET", "/readyz?verbose")[2].decode()


def asked(address, ids):
    """code -> how often; every job that is found has succeeded."""
    codes = {}
    for job in ids:
        code, _, got = ask.call(address, "GET", f"/v1/jobs/{job}")
        assert code != 200 or got["status"] in ("queued", "running", "succeeded"), got
        codes[code] = codes.get(code, 0) + 1
    return codes


def all_succeeded(address, ids):
    for job in ids:
        code, _, got = ask.call(address, "GET", f"/v1/jobs/{job}?wait=30")
        assert code == 200 and got["status"] == "succeeded", (code, got)


def full(s, ingest, store, receiver):
    """Jobs until the store has failed; all that were accepted."""
    address, ids = ingest.ready["http"], []
    space(ingest, os.path.getsize(os.path.join(store, "data.mdb")))
    while "msg=store_failed" not in ingest.log():
        assert len(ids) < 20 * AFTER, "the store finds space where there is none"
        ids += webhooks.submit_many(address, receiver.url, AFTER)
    assert "store: not everything could be written" in verbose(ingest)
    code, _, got = ask.call(address, "POST", "/v2/models/sim/infer", ask.row([1, 2, 3, 4]))
    assert code == 200, (code, got)
    codes = asked(address, ids[-200:])
    assert set(codes) <= {200, 503}, codes
    print(f"{len(ids)} jobs; asked of the last while the disk was full: {codes}")
    return ids


def main():
    with stage.Stage() as s:
        secret = "--webhook.secret.file=" + webhooks.secret_file(s.folder, os.urandom(32))
        s.topics("t.", ["sim"], 4)
        s.batcher("t.", MODELS, "--models.load=sim")
        receiver, store = webhooks.Receiver(), os.path.join(s.folder, "kept")
        ingest = start(s, store, secret)
        address = ingest.ready["http"]
        ids = webhooks.submit_many(address, receiver.url, BEFORE)
        webhooks.settled(address, ids)
        ids += full(s, ingest, store, receiver)

        space(ingest, resource.RLIM_INFINITY)
        ingest.wait_log("msg=store_mended")
        stage.wait_for("nothing to be missing", lambda: "store:" not in verbose(ingest)
                       and " 0 behind" in verbose(ingest))
        all_succeeded(address, ids)
        found = webhooks.settled(address, ids)
        assert {w["state"] for w in found.values()} == {"delivered"}, found
        good = {headers["webhook-id"] for headers, *_ in receiver.taken()}
        assert good == {"msg_" + i for i in ids}, f"{len(good)} of {len(ids)}"
        assert ask.call(address, "GET", NOBODYS)[0] == 404
        print("all of them are back, and delivered")

        assert ingest.stop() == 0, ingest.log()[-3000:]
        ingest = start(s, store, secret)
        all_succeeded(ingest.ready["http"], ids[::20])
        found = webhooks.settled(ingest.ready["http"], ids)
        assert {w["state"] for w in found.values()} == {"delivered"}, found
        assert receiver.calls.empty(), "what is finished is not sent again"
        assert ingest.stop() == 0, ingest.log()[-3000:]


main()
