#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Idempotency-Key on two ingests: one job per key whichever way and however often it is asked
for, another body is 422, and both hold after the owner of the key was killed."""
import collections
import concurrent.futures
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

INFER = "/v2/models/fast/infer"
SLOW = "/v2/models/slow/infer"
SESSION = "--kafka.consumer.session.timeout.ms=6000"


def job(n, model="fast"):
    return ask.numbered(n, model=model)


def keyed(address, path, content, key, **headers):
    """One POST; asks again for as long as it is told to by a 503."""
    def once():
        answer = ask.call(address, "POST", path, content,
                          {"Idempotency-Key": key, **{k.replace("_", "-"): v
                                                      for k, v in headers.items()}})
        assert answer[0] != 503 or int(answer[1]["retry-after"]) >= 1, answer
        return answer if answer[0] != 503 else None
    return stage.wait_for("an answer other than 503", once, 60)


def key_of(n):
    return f'"{uuid.uuid5(uuid.NAMESPACE_URL, str(n))}"'


def the_same_key_is_the_same_job(addresses):
    for n in range(12):
        answers = [keyed(addresses[i % 2], "/v1/jobs", job(n), key_of(n)) for i in range(4)]
        assert [a[0] for a in answers] == [202] * 4, answers
        first = answers[0][1]["leat-id"]
        assert {a[1]["leat-id"] for a in answers} == {first}, answers
        for address in addresses:
            code, _, got = ask.call(address, "GET", f"/v1/jobs/{first}?wait=20")
            assert code == 200 and got["status"] == "succeeded", got
        again = keyed(addresses[n % 2], "/v1/jobs", job(n), key_of(n).strip('"'))
        assert again[0] == 202 and again[1]["leat-id"] == first, again


def a_held_request_gets_the_same_answer_again(addresses):
    first = keyed(addresses[0], INFER, ask.numbered(5, id="mine"), key_of("held"))
    assert first[0] == 200 and first[2]["id"] == "mine", first
    for address in addresses:
        again = keyed(address, INFER, ask.numbered(5, id="mine"), key_of("held"))
        assert again[0] == 200 and again[2] == first[2], (first, again)
        assert again[1]["leat-id"] == first[1]["leat-id"]
    raw = ask.numbered(6, parameters={"binary_data_output": True})
    binary = [keyed(a, INFER, raw, key_of("binary")) for a in addresses * 2]
    assert all(b[0] == 200 and "inference-header-content-length" in b[1] for b in binary), binary
    assert len({b[2] for b in binary}) == 1, binary
    waits = [keyed(a, INFER, ask.numbered(7), key_of("wait"), Prefer="wait=20")
             for a in addresses * 2]
    assert all(w[0] == 200 and w[2] == waits[0][2] for w in waits), waits


def another_request_is_refused(addresses):
    assert keyed(addresses[0], "/v1/jobs", job(1), key_of("other"))[0] == 202
    for address in addresses:
        for path, content in (("/v1/jobs", job(2)), (INFER, ask.numbered(1)),
                              ("/v1/jobs", job(1, "slow"))):
            code, headers, got = keyed(address, path, content, key_of("other"))
            assert code == 422 and headers["content-type"] == "application/problem+json", got
        assert keyed(address, "/v1/jobs", job(1), key_of("other"))[0] == 202


def bad_values_are_refused(addresses):
    for value in ('""', '"open', 'a b', 'a,b', '"a"b"', '"a";q=1', "k" * 256, '"\\n"'):
        for address in addresses:
            code, _, got = ask.call(address, "POST", "/v1/jobs", job(1),
                                    {"Idempotency-Key": value})
            assert code == 400 and "Idempotency-Key" in got["detail"], (value, code, got)


def what_is_refused_claims_nothing(addresses):
    for n, address in enumerate(addresses):
        bad = job(1)
        bad["inputs"][0]["name"] = "no such input"
        assert keyed(address, "/v1/jobs", bad, key_of(f"bad{n}"))[0] == 400
        assert keyed(address, "/v1/jobs", job(1), key_of(f"bad{n}"))[0] == 202


def many_at_once_are_one(s, addresses):
    """Held, waiting and asynchronous ones of a key together, through both."""
    ways = [{}, {"Prefer": "wait=20"}, {"Prefer": "respond-async"}]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        calls = [pool.submit(keyed, addresses[n % 2], SLOW, ask.numbered(500 + n // 12),
                             key_of(f"burst{n // 12}"), **ways[n % 3]) for n in range(60)]
        answers = [c.result() for c in calls]
    assert {a[0] for a in answers} <= {200, 202}, [a for a in answers if a[0] not in (200, 202)]
    for burst in range(5):
        of = answers[burst * 12:burst * 12 + 12]
        assert len({a[1]["leat-id"] for a in of}) == 1, of
        assert len({str(a[2]["outputs"]) for a in of if a[0] == 200}) == 1, of
        assert sum(a[0] == 200 for a in of) == 8, of
    sent = collections.Counter(s.records("t.requests.slow"))
    times = {sent[a[1]["leat-id"]] for a in answers}
    assert times == {1}, f"a job was stored {times} times"


def keys_survive_their_owner(s, ingests, addresses):
    ids = {n: keyed(addresses[n % 2], "/v1/jobs", job(n, "slow"), key_of(f"kill{n}"))[1]["leat-id"]
           for n in range(20)}
    ingests[1].kill()
    for n, each in ids.items():
        again = keyed(addresses[0], "/v1/jobs", job(n, "slow"), key_of(f"kill{n}"))
        assert again[0] == 202 and again[1]["leat-id"] == each, (n, each, again)
        assert keyed(addresses[0], "/v1/jobs", job(n + 1, "slow"), key_of(f"kill{n}"))[0] == 422
    restarted = s.ingest("t.", SESSION)
    for n, each in ids.items():
        again = keyed(restarted.ready["http"], "/v1/jobs", job(n, "slow"), key_of(f"kill{n}"))
        assert again[0] == 202 and again[1]["leat-id"] == each, (n, each, again)
    for each in ids.values():
        code, _, got = ask.call(addresses[0], "GET", f"/v1/jobs/{each}?wait=20")
        assert code == 200 and got["status"] == "succeeded", got
    sent = collections.Counter(s.records("t.requests.slow"))
    assert {sent[each] for each in ids.values()} == {1}, "a key was submitted twice"


def main():
    with stage.Stage() as s:
        s.topics("t.", ["fast", "slow"])
        models = s.models(fast=["max.batch.size=16", "sim.alpha=5ms"],
                          slow=["max.batch.size=4", "sim.alpha=300ms"])
        s.batcher("t.", models)
        ingests = [s.ingest("t.", SESSION) for _ in range(2)]
        addresses = [i.ready["http"] for i in ingests]
        the_same_key_is_the_same_job(addresses)
        a_held_request_gets_the_same_answer_again(addresses)
        another_request_is_refused(addresses)
        bad_values_are_refused(addresses)
        what_is_refused_claims_nothing(addresses)
        many_at_once_are_one(s, addresses)
        keys_survive_their_owner(s, ingests, addresses)


main()
