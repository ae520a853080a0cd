#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Two tenants on one Leat of two ingests: each probes what is the other's in all ways and finds nothing; keys
are made by the tool, read anew on SIGHUP, and a bad file changes nothing."""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import api_keys  # noqa: E402
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402
from api_keys import bearer  # noqa: E402

TOKEN = "only-ingests-know-this-token"
SLOW = "/v2/models/slow/infer"
INPUTS = {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                      "data": [1, 2, 3, 4]}]}


def make_key(tenant, *options):
    """(key, line for the file) from the tool."""
    key, line = api_keys.make(tenant, *options)
    assert re.fullmatch(r"leat_[0-9A-Za-z]{10}_[0-9A-Za-z]{43}", key), key
    assert key not in line and key.rsplit("_", 1)[1] not in line
    return key, line


def settled(*what, **more):
    """As ask.call(), again while partitions move between the ingests."""
    answer = []

    def asked():
        answer[:] = ask.call(*what, **more)
        return answer[0] not in (421, 503)

    stage.wait_for(f"{what} to be settled", asked, 60)
    return answer


def submit(address, key):
    code, headers, got = settled(address, "POST", "/v1/jobs", {"model": "slow", **INPUTS},
                                  bearer(key))
    assert code == 202, (code, got)
    return headers["location"]


def probes(place):
    return [("GET", place), ("GET", place + "?wait=1"), ("GET", place + "/result"),
            ("DELETE", place), ("GET", place + "/result?wait=1"),
            ("GET", place + "?tenant=acme"), ("GET", place.upper().replace("/V1/JOBS", "/v1/jobs"))]


def probe(address, place, other, owner):
    """Everything the other tenant tries is 404, as an id that never was; also by claims."""
    for method, path in probes(place):
        for claim in ({}, {"Leat-Tenant": "acme"}, {"X-Tenant": "acme"},
                      {"Leat-Forwarded": "x", "Leat-Tenant": "acme"},
                      {"Leat-Forwarded": TOKEN, "Leat-Tenant": "acme"}):
            code, _, got = settled(address, method, path, headers={**bearer(other), **claim})
            assert code == 404, (method, path, claim, code, got)
        code, _, _ = settled(address, method, path)
        assert code == 401, (method, path, code)
    code, _, got = settled(address, "GET", place, headers=bearer(owner))
    assert code == 200, (code, got)
    return got["status"]


def isolation(s, addresses, acme, bolt):
    """Both ingests probe, whoever owns the id: the tenant travels with what is passed on."""
    for owner, other in ((acme, bolt), (bolt, acme)):
        places = [submit(addresses[i % 2], owner) for i in range(6)]
        for address in addresses:
            for place in places:
                assert probe(address, place, other, owner) != "canceled"
        for address in addresses:
            for place in places:
                code, _, got = settled(address, "GET", place + "?wait=20",
                                        headers=bearer(owner))
                assert code == 200 and got["status"] == "succeeded", (code, got)
                assert probe(address, place, other, owner) == "succeeded"
    told = [records.reply(value) for _, value, _ in records.read(s, "t.replies")]
    assert {r["tenant"] for r in told} == {"acme", "bolt"}, {r["tenant"] for r in told}
    print(f"{len(told)} replies carry their tenants; every probe was 404")


def body_claims_nothing(s, address, bolt):
    """A tenant in the body or in its parameters is not believed."""
    body = {**INPUTS, "parameters": {"tenant": "acme"}}
    code, headers, got = ask.call(address, "POST", SLOW, body, bearer(bolt))
    if code == 200:
        told = {records.reply(value)["id"]: records.reply(value)["tenant"]
                for _, value, _ in records.read(s, "t.replies")}
        assert told[headers["leat-id"]] == "bolt", told
    else:
        assert code == 400, (code, got)


def refused_before_the_body(address):
    """Nobody sends megabytes to be told that he may not."""
    said, _ = ask.raw(address, (f"POST {SLOW} HTTP/1.1\r\nHost: leat\r\n"
                                "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n").encode())
    assert said.startswith(b"HTTP/1.1 401 "), said


def reload(ingest, address, path, keys):
    """A new key is known after SIGHUP, a removed one is not, and a bad file changes nothing."""
    (acme, acme_line), (bolt, bolt_line) = keys
    fresh, fresh_line = make_key("acme", "--scopes=read")
    api_keys.write(path, [acme_line, fresh_line])
    assert ask.call(address, "GET", "/v2", headers=bearer(fresh))[0] == 401
    ingest.process.send_signal(signal.SIGHUP)
    ingest.wait_log("msg=keys_read", times=2)
    assert ask.call(address, "GET", "/v2", headers=bearer(fresh))[0] == 200
    assert ask.call(address, "POST", SLOW, INPUTS, bearer(fresh))[0] == 403
    assert ask.call(address, "GET", "/v2", headers=bearer(bolt))[0] == 401
    for bad, mode in (("nonsense\n", 0o600), (bolt_line + "\n", 0o644)):
        times = len(re.findall("msg=keys_not_read", ingest.log()))
        with open(path, "w", encoding="ascii") as f:
            f.write(bad)
        os.chmod(path, mode)
        ingest.process.send_signal(signal.SIGHUP)
        ingest.wait_log("msg=keys_not_read", times=times + 1)
        assert ask.call(address, "GET", "/v2", headers=bearer(acme))[0] == 200
        assert ask.call(address, "GET", "/v2", headers=bearer(bolt))[0] == 401
    api_keys.write(path, [acme_line, bolt_line])
    ingest.process.send_signal(signal.SIGHUP)
    ingest.wait_log("msg=keys_read", times=3)
    assert ask.call(address, "GET", "/v2", headers=bearer(bolt))[0] == 200


def refuses_to_start(s):
    """Public without keys, and keys that others may read."""
    ingest = os.path.join(stage.BIN, "leat-ingest")
    kafka = f"--kafka.bootstrap.servers={s.brokers}"
    run = subprocess.run([ingest, "--http.listen=0.0.0.0:0", kafka], stderr=subprocess.PIPE,
                         text=True, check=False, timeout=20)
    assert run.returncode != 0 and "http.keys.file" in run.stderr, run
    path = os.path.join(s.folder, "open-keys")
    api_keys.write(path, [make_key("acme")[1]])
    os.chmod(path, 0o644)
    run = subprocess.run([ingest, "--http.listen=0.0.0.0:0", f"--http.keys.file={path}", kafka],
                         stderr=subprocess.PIPE, text=True, check=False, timeout=20)
    assert run.returncode != 0 and "chmod 600" in run.stderr, run


def main():
    with stage.Stage() as s:
        refuses_to_start(s)
        path = os.path.join(s.folder, "keys")
        keys = [make_key("acme"), make_key("bolt", "--scopes=infer,read,admin")]
        (acme, _), (bolt, _) = keys
        api_keys.write(path, [line for _, line in keys])
        s.topics("t.", ["slow"])
        models = s.models(slow=["max.batch.size=4", "sim.alpha=50ms"])
        batcher = s.batcher("t.", models)
        token = os.path.join(s.folder, "token")
        with open(token, "w", encoding="ascii") as f:
            f.write(TOKEN + "\n")
        os.chmod(token, 0o600)
        ingest = s.ingest("t.", f"--http.keys.file={path}", f"--internal.token.file={token}",
                          "--http.listen=0.0.0.0:0",
                          "--admin.listen=127.0.0.1:0")
        address = "127.0.0.1:" + ingest.ready["http"].rsplit(":", 1)[1]
        stage.wait_for("the model", lambda: ask.call(
            address, "POST", SLOW, INPUTS, bearer(acme))[0] == 200)
        stage.wait_for("the model", lambda: ask.call(
            address, "POST", SLOW, INPUTS, bearer(bolt))[0] == 200)
        second = s.ingest("t.", f"--http.keys.file={path}", f"--internal.token.file={token}")
        isolation(s, [address, second.ready["http"]], acme, bolt)
        assert ask.metric(ingest.ready["admin"], "leat_http_keys_refused_total") > 0
        peer = second.ready["internal"]
        for claim in ({"Leat-Tenant": "acme"}, {"Leat-Tenant": "acme", "Leat-Forwarded": "x" * 32},
                      {**bearer(acme), "Leat-Tenant": "acme"}):
            code, _, _ = ask.call(peer, "GET", submit(address, acme), headers=claim)
            assert code == 403, (claim, code)
        assert second.stop() == 0, second.log()
        settled(address, "GET", submit(address, acme), headers=bearer(acme))
        body_claims_nothing(s, address, bolt)
        refused_before_the_body(address)
        reload(ingest, address, path, keys)
        assert ask.call(ingest.ready["admin"], "GET", "/metrics")[0] == 200
        assert ask.call(address, "GET", "/metrics", headers=bearer(bolt))[0] == 404
        log = ingest.log()
        assert acme not in log and bolt not in log
        assert acme.rsplit("_", 1)[1] not in log and "msg=keys_in_the_clear" in log
        env = {**os.environ, "LEAT_KEY": acme}
        run = subprocess.run([os.path.join(stage.BIN, "leat"), "get",
                              submit(address, acme).rsplit("/", 1)[1], "--wait=10s",
                              f"--address={address}"], env=env, stdout=subprocess.PIPE,
                             check=False)
        assert run.returncode == 0 and b"succeeded" in run.stdout, run
        assert ingest.stop() == 0, ingest.log()
        assert batcher.stop() == 0, batcher.log()


main()
