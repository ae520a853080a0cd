#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""More than a model can answer in time, and more than a tenant may send: who is let in is
answered, who is refused is told at once when to come back, and that is true."""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import api_keys  # noqa: E402
import ask  # noqa: E402
import crowd  # noqa: E402
import stage  # noqa: E402

SLOW = "/v2/models/slow/infer"
QUICK = "/v2/models/quick/infer"
INPUTS = {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                      "data": [1, 2, 3, 4]}]}


def make_key(tenant, limits):
    """(header of a caller, line with these limits)"""
    key, line = api_keys.make(tenant)
    return api_keys.bearer(key), f"{line} {limits}"


def admitted_again(got):
    share = 1 - got["back_refused"] / got["back"]
    print(f"of {got['back']} that came back when told to, {share:.1%} were admitted")
    return share


def body_of(caller):
    return {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                        "data": [caller % 256, caller // 256, 3, 4]}]}


def line_is_too_long(address, key):
    """Batches of 8 in 100 ms: some 130 of 600 can be answered within 2 s. While the others come
    back as they were told, strangers come, half as many as can be answered."""
    headers = {**key, "Request-Timeout": "2"}
    strangers = []
    later = threading.Thread(target=lambda: strangers.extend(
        crowd.Crowd(address, SLOW, lambda i: body_of(10000 + i), headers)
        .run(320, again=False, apart=1 / 40)))
    later.start()
    got = crowd.outcome(crowd.Crowd(address, SLOW, body_of, headers).run(600))
    later.join()
    print("a burst of 600 with 2 s each:", got)
    print("strangers meanwhile:", crowd.outcome(strangers)["codes"])
    assert got["other"] == 0 and got["back_other"] == 0, got
    assert 60 <= got["answered"] <= 200 and got["answered"] + got["refused"] == 600, got
    assert got["refused_in_s"] < 1 and got["answered_in_s"] < 2.5, got
    assert got["retry_after_s"] < 20, got
    assert admitted_again(got) >= 0.9, got


def tenant_is_too_quick(address, key, other):
    """20 at once and 20 a second of it; another tenant does not notice."""
    got = crowd.outcome(crowd.Crowd(address, QUICK, INPUTS, key).run(100))
    print("100 at once of a tenant of 20 a second:", got)
    lasted = got["sent_in_s"] + max(got["refused_in_s"], got["answered_in_s"])
    assert 20 <= got["answered"] <= 21 + 20 * lasted, got
    assert got["answered"] + got["refused"] == 100, got
    assert 3 <= got["retry_after_s"] <= 6, got
    assert admitted_again(got) >= 0.9, got
    code, headers, _ = ask.call(address, "POST", QUICK, INPUTS, key)
    assert code in (200, 429), code
    assert headers["ratelimit-policy"] == '"requests";q=20;w=1', headers
    assert headers["ratelimit"].startswith('"requests";r='), headers
    code, headers, _ = ask.call(address, "POST", QUICK, INPUTS, other)
    assert code == 200 and "ratelimit" not in headers, (code, headers)


def tenant_has_too_much(address, key, other):
    """4 in flight: of 40 held at once the others are refused, but not another tenant's."""
    callers = crowd.Crowd(address, SLOW, INPUTS, key).run(40, again=False)
    got = crowd.outcome(callers)
    assert got["answered"] == 4 and got["refused"] == 36, got
    assert b"tenant" in callers[-1][0].bytes, callers[-1][0].bytes
    code, _, said = ask.call(address, "POST", SLOW, INPUTS, other)
    assert code == 200, said
    code, _, said = ask.call(address, "POST", SLOW, INPUTS, key)
    assert code == 200, said
    print("4 of 40 held, 36 refused, the other tenant answered")


def main():
    with stage.Stage() as s:
        path = os.path.join(s.folder, "keys")
        keys = [make_key("free", ""), make_key("quick", "rate=20 burst=20"),
                make_key("small", "inflight=4")]
        api_keys.write(path, [line for _, line in keys])
        s.topics("t.", ["slow", "quick"])
        models = s.models(slow=["max.batch.size=8", "sim.alpha=100ms"],
                          quick=["max.batch.size=64", "sim.alpha=1ms"])
        batcher = s.batcher("t.", models)
        ingest = s.ingest("t.", f"--http.keys.file={path}")
        address = ingest.ready["http"]
        free, quick, small = (key for key, _ in keys)
        for model in (SLOW, QUICK):
            stage.wait_for("the model", lambda path=model: ask.call(
                address, "POST", path, INPUTS, free)[0] == 200)
        line_is_too_long(address, free)
        tenant_is_too_quick(address, quick, free)
        tenant_has_too_much(address, small, free)
        assert ingest.stop() == 0, ingest.log()
        assert batcher.stop() == 0, batcher.log()


main()
