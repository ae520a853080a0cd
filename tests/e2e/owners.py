#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three ingests: every id is answered the same by each of them, held and long waits go on while
partitions move, a killed owner's jobs are served by the others after a while and never 404, and
the internal listener believes nobody without the token."""
import concurrent.futures
import os
import sys
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

SLOW = "/v2/models/slow/infer"
TOKEN = "a token only the ingests know".replace(" ", "-")
SESSION = "--kafka.consumer.session.timeout.ms=6000"


def job(n, model="fast"):
    return ask.numbered(n, model=model)


def document(answer):
    """What every instance has to say alike of a job that has ended."""
    code, _, got = answer
    return code, got


class Ingests:
    def __init__(self, s):
        self.token = os.path.join(s.folder, "token")
        with open(self.token, "w", encoding="ascii") as f:
            f.write(TOKEN + "\n")
        self.s = s
        self.running = [self.start() for _ in range(3)]

    def start(self):
        return self.s.ingest("t.", "--admin.listen=127.0.0.1:0", SESSION,
                             f"--internal.token.file={self.token}")

    def addresses(self):
        return [i.ready["http"] for i in self.running]

    def balanced(self, partitions=16):
        def shares():
            owned = [ask.metric(i.ready["admin"], "leat_results_partitions")
                     for i in self.running]
            return sum(owned) == partitions and min(owned) > 0
        stage.wait_for("a settled group", shares)
        stage.wait_for("ready ingests", lambda: all(
            ask.call(i.ready["admin"], "GET", "/readyz")[0] == 200 for i in self.running))


def patient(address, method, path, seen=None, **more):
    """Asks again as Retry-After says, for as long as the answer is 503."""
    def settled():
        answer = ask.call(address, method, path, **more)
        if answer[0] != 503:
            return answer
        assert int(answer[1]["retry-after"]) >= 1, answer
        if seen is not None:
            seen.append(answer)
        return None

    return stage.wait_for(f"an answer to {method} {path} other than 503", settled)


def accept(address, n, model="fast"):
    code, headers, got = patient(address, "POST", "/v1/jobs", body=job(n, model))
    assert code == 202, got
    return headers["leat-id"]


def every_instance_says_the_same(ingests):
    addresses = ingests.addresses()
    ids = [accept(addresses[n % 3], n) for n in range(60)]
    for each in ids:
        waits = [patient(a, "GET", f"/v1/jobs/{each}?wait=20") for a in addresses]
        assert all(document(w)[0] == 200 and w[2]["status"] == "succeeded" for w in waits), waits
        told = [document(patient(a, "GET", f"/v1/jobs/{each}")) for a in addresses]
        assert told[0] == told[1] == told[2], told
        results = [patient(a, "GET", f"/v1/jobs/{each}/result") for a in addresses]
        assert all(r[0] == 200 and r[1]["leat-id"] == each for r in results), results
        assert results[0][2] == results[1][2] == results[2][2], results
    forwards = sum(ask.metric(i.ready["admin"], "leat_forwards_total")
                   for i in ingests.running)
    assert forwards >= 60, f"{forwards} forwards: this test shows nothing"
    for address in addresses:
        for _ in range(8):
            code, _, got = patient(address, "GET", f"/v1/jobs/{uuid.uuid4()}")
            assert code == 404, got
    return ids


def binary_result_is_passed_on(ingests):
    addresses = ingests.addresses()
    each = accept(addresses[0], 7)
    results = []
    for a in addresses:
        assert patient(a, "GET", f"/v1/jobs/{each}?wait=20")[0] == 200
        results.append(patient(a, "GET", f"/v1/jobs/{each}/result",
                               headers={"Accept": "application/octet-stream"}))
    assert len({r[1]["inference-header-content-length"] for r in results}) == 1, results
    assert results[0][2] == results[1][2] == results[2][2], results


def events_are_told_by_all(ingests):
    """By the owner in one go, by the others in pieces, for which one comes back."""
    addresses = ingests.addresses()
    each = accept(addresses[0], 300, "slow")
    for address in addresses:
        told, begin = b"", time.monotonic()
        while b"event: succeeded" not in told:
            code, headers, piece = patient(address, "GET", f"/v1/jobs/{each}/events")
            assert code == 200 and headers["content-type"] == "text/event-stream", headers
            told += piece
            assert time.monotonic() < begin + stage.PATIENCE_S, told
        code, _, _ = patient(address, "GET", f"/v1/jobs/{each}/events",
                             headers={"Last-Event-ID": "end"})
        assert code == 204, code
        code, _, got = patient(address, "GET", f"/v1/jobs/{uuid.uuid4()}/events")
        assert code == 404, got


def a_cancel_finds_its_owner(ingests):
    addresses = ingests.addresses()
    ids = [accept(addresses[0], n, "slow") for n in range(12)]
    for n, each in enumerate(reversed(ids)):
        code, _, got = patient(addresses[n % 3], "DELETE", f"/v1/jobs/{each}")
        assert code in (202, 409), got
    for each in ids:
        ends = [patient(a, "GET", f"/v1/jobs/{each}?wait=30") for a in addresses]
        assert len({e[2]["status"] for e in ends}) == 1, ends
        assert ends[0][2]["status"] in ("canceled", "succeeded"), ends
    assert ends[0][0] == 200


def outsiders_are_not_believed(ingests, ids):
    public = ingests.addresses()
    for address in public:
        for each in ids[:6]:
            plain = patient(address, "GET", f"/v1/jobs/{each}")
            forged = patient(address, "GET", f"/v1/jobs/{each}", headers={
                "Leat-Forwarded": TOKEN, "Leat-Tenant": "somebody", "Leat-Expect": "1"})
            assert document(plain) == document(forged), (plain, forged)
        code, _, got = patient(address, "GET", f"/v1/jobs/{uuid.uuid4()}",
                               headers={"Leat-Forwarded": TOKEN, "Leat-Expect": "1"})
        assert code == 404, got
    codes = []
    for ingest in ingests.running:
        internal = ingest.ready["internal"]
        for token in (None, "", "loopback", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "x" * 5000):
            headers = {} if token is None else {"Leat-Forwarded": token}
            code, _, got = ask.call(internal, "GET", f"/v1/jobs/{ids[0]}", headers=headers)
            assert code == 403, (token, code, got)
        codes.append([ask.call(internal, "GET", f"/v1/jobs/{ids[0]}",
                               headers={"Leat-Forwarded": TOKEN, "Leat-Tenant": tenant})[0]
                      for tenant in ("default", "somebody", "no tenant")])
    # Never passed on a second time, and never another tenant's.
    assert sorted(codes) == [[200, 404, 503], [421, 421, 503], [421, 421, 503]], codes


def waits_go_on_while_partitions_move(ingests):
    """Held requests, and long polls through those that do not own the job."""
    addresses = ingests.addresses()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        polled = [accept(addresses[n % 3], 900 + n, "slow") for n in range(12)]
        held = [pool.submit(ask.call, addresses[n % 3], "POST", SLOW,
                            ask.numbered(n, id=f"mine-{n}",
                                 parameters={"binary_data_output": n % 2 == 1}))
                for n in range(24)]
        polls = [pool.submit(ask.call, addresses[(n + 1) % 3], "GET",
                             f"/v1/jobs/{each}/result?wait=30")
                 for n, each in enumerate(polled)]
        time.sleep(0.7)
        moved = ingests.start()
        ingests.running.append(moved)
        answers = [h.result() for h in held]
        ends = [p.result() for p in polls]
    assert all(code == 200 for code, _, _ in answers), \
        [(code, got) for code, _, got in answers if code != 200]
    for n, (_, headers, got) in enumerate(answers):
        binary = "inference-header-content-length" in headers
        assert binary == (n % 2 == 1), (n, headers)
        assert binary or got["id"] == f"mine-{n}", got
    ids = [headers["leat-id"] for _, headers, _ in answers]
    assert len(set(ids)) == len(ids)
    assert all(code in (200, 503) for code, _, _ in ends), ends
    for n, each in enumerate(polled):
        assert patient(addresses[n % 3], "GET", f"/v1/jobs/{each}?wait=30")[2]["status"] \
            == "succeeded"
    print(f"{sum(code == 200 for code, _, _ in ends)} of {len(ends)} polls went on")
    ingests.balanced()
    return ids


def a_killed_owner_is_replaced(ingests, ids):
    dead = ingests.running.pop(1)
    late = [accept(dead.ready["http"], 1000 + n, "slow") for n in range(8)]
    dead.kill()
    begin = time.monotonic()
    seen = []
    for each in ids + late:
        told = []
        for address in ingests.addresses():
            code, _, got = patient(address, "GET", f"/v1/jobs/{each}?wait=20", seen)
            assert code == 200 and got["status"] == "succeeded", (each, code, got)
            told.append(got)
        assert all(t == told[0] for t in told), told
    print(f"all of a killed owner's jobs were told after {time.monotonic() - begin:.1f} s, "
          f"{len(seen)} times 503 before")
    assert seen, "the owner's death was not noticed: this test shows nothing"
    ingests.running.append(ingests.start())
    ingests.balanced()
    for each in ids[:20] + late:
        for address in ingests.addresses():
            code, _, got = patient(address, "GET", f"/v1/jobs/{each}")
            assert code == 200 and got["status"] == "succeeded", (each, code, got)


def a_clean_stop_moves_all(ingests, ids):
    leaving = ingests.running.pop(0)
    assert leaving.stop() == 0, leaving.log()
    for each in ids[:20]:
        for address in ingests.addresses():
            code, _, got = patient(address, "GET", f"/v1/jobs/{each}")
            assert code == 200, (each, code, got)


def main():
    with stage.Stage() as s:
        s.topics("t.", ["fast", "slow"])
        models = s.models(fast=["max.batch.size=16", "sim.alpha=5ms"],
                          slow=["max.batch.size=4", "sim.alpha=400ms"])
        s.batcher("t.", models)
        ingests = Ingests(s)
        ingests.balanced()
        ids = every_instance_says_the_same(ingests)
        binary_result_is_passed_on(ingests)
        events_are_told_by_all(ingests)
        a_cancel_finds_its_owner(ingests)
        outsiders_are_not_believed(ingests, ids)
        ids += waits_go_on_while_partitions_move(ingests)
        a_killed_owner_is_replaced(ingests, ids)
        a_clean_stop_moves_all(ingests, ids)


main()
