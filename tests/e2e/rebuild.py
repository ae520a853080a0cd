#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A result store that was deleted while its ingest was down is rebuilt from the topic, and so
is what another ingest takes over: all results can be read again, and until then an id is 503
with Retry-After, never 404."""
import os
import shutil
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
DIRECT, HELD = 3000, 50
OTHERS = (421, 503)  # another ingest's, or not read yet


def send_held(address):
    """Answers that went to the connection they were held on; their ids and rows."""
    rows = [os.urandom(8) for _ in range(HELD)]
    bodies = [('{"inputs":[{"name":"data","shape":[1,8],"datatype":"UINT8","data":%s}]}'
               % list(row)).encode() for row in rows]
    got = ask.wave(address, "/v2/models/sim/infer", bodies)
    assert all(code == 200 for code, _, _ in got), got[:3]
    return {body["id"]: row for (_, _, body), row in zip(got, rows)}


def found(address, job):
    """The job, None while it is unavailable; anything else is wrong."""
    code, headers, got = ask.call(address, "GET", f"/v1/jobs/{job}")
    if code in OTHERS:
        assert code != 503 or int(headers["retry-after"]) > 0, headers
        return None
    assert code == 200, (code, got)
    assert got["status"] == "succeeded", got
    return got


def all_found(address, ids):
    for job in ids:
        got = stage.wait_for(job, lambda: found(address, job), 60)
        assert got["id"] == job, got


def send_direct(s, count):
    """Ids of requests straight on the topic, once their replies are on theirs: before that
    nobody has heard of them."""
    ids = records.send(s, "t.requests.sim", count)
    stage.wait_for("their replies", lambda: set(ids) <= set(s.records("t.replies")))
    return ids


class Asker:
    """Asks for an id all the time from before the ingest listens until it is told to end."""

    def __init__(self, address, ids):
        self.address, self.ids = address, ids
        self.codes, self.going = {}, True
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        at = 0
        while self.going:
            job = self.ids[at % len(self.ids)]
            at += 1
            try:
                code = ask.call(self.address, "GET", f"/v1/jobs/{job}")[0]
            except OSError:
                time.sleep(0.002)
                continue
            self.codes[code] = self.codes.get(code, 0) + 1

    def end(self):
        self.going = False
        self.thread.join()
        return self.codes


def verbose(admin):
    return ask.call(admin, "GET", "/readyz?verbose")


def start(s, store, http, admin):
    """An ingest that need not be ready."""
    return stage.Process(s, "ingest", [
        os.path.join(stage.BIN, "leat-ingest"), f"--kafka.bootstrap.servers={s.brokers}",
        "--topics.prefix=t.", "--log.format=logfmt", f"--results.store={store}",
        f"--http.listen={http}", f"--admin.listen={admin}"])


def stop(ingest):
    assert ingest.stop() == 0, ingest.log()[-3000:]


def rebuilt(s, store, before, ids):
    """Starts over the store as it is now, on the same ports; all must be found."""
    asker = Asker(before.ready["http"], ids)
    ingest = start(s, store, before.ready["http"], before.ready["admin"]).wait_ready()
    code, _, text = stage.wait_for("readiness", lambda: ready(ingest.ready["admin"]))
    lines = text.decode().splitlines()
    assert lines[0] == "ready" and "0 behind" in lines[1], lines
    assert len([line for line in lines if line.startswith("partition ")]) == 4, lines
    assert not any("behind" in line for line in lines[2:]), lines
    all_found(ingest.ready["http"], ids)
    codes = asker.end()
    assert set(codes) <= {200, 503}, codes
    print("asked meanwhile:", codes)
    return ingest


def ready(admin):
    got = verbose(admin)
    if got[0] == 200:
        return got
    assert got[0] == 503 and got[2].startswith(b"waiting for: "), got
    return None


def taken_over(s, first, store, ids):
    """A second ingest has half of the partitions, then those of the first, which is killed;
    the first one comes back and goes on where it was."""
    second = start(s, os.path.join(s.folder, "second"), "127.0.0.1:0",
                   "127.0.0.1:0").wait_ready()
    second.wait_log("msg=replies_begin", "partitions=2")
    address = second.ready["http"]
    codes = [ask.call(address, "GET", f"/v1/jobs/{job}")[0] for job in ids[:200]]
    assert set(codes) <= {200, *OTHERS}, codes
    asker = Asker(address, ids)
    first.kill()
    all_found(address, ids)
    codes = asker.end()
    assert set(codes) <= {200, *OTHERS}, codes
    print("asked the second meanwhile:", codes)
    third = start(s, store, "127.0.0.1:0", "127.0.0.1:0").wait_ready()
    begun = third.wait_log("msg=replies_begin", "partitions=2")[-1]
    assert count(begun, "by_time") == 0, begun
    stop(second)
    all_found(third.ready["http"], ids)
    stop(third)


def count(line, name):
    return int(line.split(name + "=")[1].split()[0])


def main():
    with stage.Stage() as s:
        s.topics("t.", ["sim"], 4)
        s.batcher("t.", MODELS, "--models.load=sim")
        store = os.path.join(s.folder, "kept")
        ingest = start(s, store, "127.0.0.1:0", "127.0.0.1:0").wait_ready()
        held = send_held(ingest.ready["http"])
        direct = send_direct(s, DIRECT)
        for job in direct:  # unknown until its reply is read
            stage.wait_for(job, lambda j=job: ask.call(ingest.ready["http"], "GET",
                                                       f"/v1/jobs/{j}")[0] == 200)
        ids = list(held) + direct
        all_found(ingest.ready["http"], ids)
        for job, row in held.items():
            value = found(ingest.ready["http"], job)["outputs"][0]["data"]
            assert value == [records.fnv(row)], value
        stop(ingest)

        shutil.rmtree(store)
        ingest = rebuilt(s, store, ingest, ids)
        begun = ingest.wait_log("msg=replies_begin")[-1]
        assert count(begun, "by_time") == 4 and count(begun, "records") >= len(ids), begun
        stop(ingest)

        ingest = rebuilt(s, store, ingest, ids)
        begun = ingest.wait_log("msg=replies_begin")[-1]
        assert count(begun, "by_time") == 0 and count(begun, "records") == 0, begun
        print("a store that is there goes on where it was")

        # What came while it was down, and nothing before it, is read.
        stop(ingest)
        more = send_direct(s, 100)
        ingest = rebuilt(s, store, ingest, more)
        begun = ingest.wait_log("msg=replies_begin")[-1]
        assert count(begun, "records") <= 100, begun
        second = start(s, store, "127.0.0.1:0", "127.0.0.1:0")
        assert second.process.wait(stage.PATIENCE_S) != 0
        assert "is open in another process" in second.log(), second.log()
        taken_over(s, ingest, store, ids + more)


main()
