#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No spelling of an address brings a webhook to this machine or a private network, and hosts and
ports can be narrowed; nothing that a tenant reads tells more than a class."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import ssrf  # noqa: E402
import stage  # noqa: E402
import webhooks  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")


def corpus(s, secret):
    """Any port, and still nothing reaches the sentinel."""
    sentinel = ssrf.Sentinel()
    ingest = s.ingest("t.", secret, "--webhook.allow.ports=", "--webhook.attempts=1",
                      "--webhook.timeout=2s")
    address, ids, refused = ingest.ready["http"], {}, 0
    for url in ssrf.urls(sentinel.port):
        code, _, got = ask.call(address, "POST", "/v1/jobs", webhooks.job(url))
        assert code in (202, 400), (url, code, got)
        refused += code == 400
        if code == 202:
            ids[got["id"]] = url
    found = webhooks.settled(address, ids, 90)
    for one, delivery in found.items():
        assert delivery["state"] == "exhausted", (ids[one], delivery)
        assert set(delivery) == {"id", "state", "attempts", "begun_us", "ended_us", "reason"}
    assert not sentinel.hits, sentinel.hits
    told = json.dumps(list(found.values()))
    assert "127.0.0.1" not in told and "::1" not in told, told
    assert ingest.stop() == 0, ingest.log()
    print(f"{len(ids)} spellings were sent nowhere, {refused} are no URLs, 0 hits")


def narrowed(s, secret):
    """Only listed hosts and, of public addresses, the usual ports."""
    receiver = webhooks.Receiver()
    ingest = s.ingest("t.", secret, "--webhook.allow.private=true", "--webhook.attempts=1",
                      "--webhook.allow.hosts=localhost,.example.com")
    address = ingest.ready["http"]
    port = receiver.url.split(":")[2].split("/")[0]
    good = webhooks.submit(address, f"http://LocalHost:{port}/")
    bad = [webhooks.submit(address, url) for url in
           (receiver.url, f"http://example.com:{port}/", f"http://localhost.evil.com:{port}/")]
    found = webhooks.settled(address, [good, *bad])
    assert found[good]["state"] == "delivered", found[good]
    assert {found[b]["reason"] for b in bad} == {"not_allowed"}, found
    assert len(receiver.taken()) == 1
    assert ingest.stop() == 0, ingest.log()
    ports = s.ingest("t.", secret, "--webhook.attempts=1", "--webhook.timeout=2s")
    job = webhooks.submit(ports.ready["http"], "http://192.0.2.1:22/")
    assert webhooks.settled(ports.ready["http"], [job])[job]["reason"] == "not_allowed"
    print("hosts and ports that are not listed are not called")


def main():
    with stage.Stage() as s:
        secret = "--webhook.secret.file=" + webhooks.secret_file(s.folder, os.urandom(32))
        s.topics("t.", ["sim"])
        s.batcher("t.", MODELS, "--models.load=sim")
        corpus(s, secret)
        narrowed(s, secret)


main()
