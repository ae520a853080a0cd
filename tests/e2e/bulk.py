#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bulk batches on a real Kafka: a long upload in bounded memory, results in both orders, lines
that fail, an ingest killed in the middle of an upload and one after it, a cancel. --full
uploads a million lines."""
import http.client
import json
import os
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
FULL = "--full" in sys.argv[1:]
COUNT = 1000000 if FULL else 20000
MIB = 1024 * 1024


def anonymous_mib(pid):
    """Memory that is the process's own: the pages of the store's file are the kernel's to drop."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon")) / 1024


def row(n):
    return [n % 256, n // 256 % 256, n // 65536, 7]


def line(n, **more):
    return json.dumps({"id": f"row-{n}", **more, "inputs": [
        {"name": "data", "shape": [1, 4], "datatype": "UINT8", "data": row(n)}]}).encode() + b"\n"


def lines(first, last, pause=None):
    """The body in pieces, lines first to last."""
    piece = []
    for n in range(first, last + 1):
        piece.append(line(n))
        if len(piece) == 200 or n == last:
            yield b"".join(piece)
            piece = []
            if pause is not None:
                pause(n)


def upload(address, path, body, timeout=600):
    return ask.call(address, "POST", path, body, timeout=timeout)


def batch(address, path):
    code, _, got = ask.call(address, "GET", path)
    return got if code == 200 else {"code": code, **got}


def wait_done(address, path, seconds):
    return stage.wait_for("the batch to be done",
                          lambda: (lambda b: b if b.get("done") else None)(batch(address, path)),
                          seconds)


def results(address, path, query=""):
    """The lines of the stream, one at a time."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.request("GET", path + "/results" + query)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    assert response.getheader("Content-Type") == "application/x-ndjson"
    for each in response:
        yield json.loads(each)
    connection.close()


def check_right(found, n):
    assert found["line"] == n and found["id"] == f"row-{n}", found
    assert found["status"] == "succeeded", found
    want = records.fnv(bytes(row(n)))
    got = found["outputs"][0]["data"]
    assert bytes(got) == want if isinstance(want, bytes) else want in (got, got[0]), (n, found)


def large(address, ingest):
    grown = []
    before = anonymous_mib(ingest.pid)

    def look(n):
        if n % (COUNT // 10) < 200:
            grown.append(anonymous_mib(ingest.pid))

    begin = time.monotonic()
    code, headers, got = upload(address, "/v1/batches?model=sim", lines(1, COUNT, look))
    took = time.monotonic() - begin
    assert code == 202 and got["uploaded"] and got["total"] == COUNT, (code, got)
    path = headers["location"]
    done = wait_done(address, path, 120 + COUNT // 1000)
    total = time.monotonic() - begin
    assert done["succeeded"] == done["total"] == COUNT, done
    n = 0
    for found in results(address, path):
        n += 1
        check_right(found, n)
    assert n == COUNT, n
    after = anonymous_mib(ingest.pid)
    print(f"{COUNT} lines stored in {took:.1f} s ({COUNT / took:.0f}/s), done after {total:.1f} s")
    print(f"memory of its own: {before:.1f} MiB before, "
          f"{', '.join(f'{g:.1f}' for g in grown)} while uploading, {after:.1f} after")
    assert max(grown + [after]) - before < 96, "memory grows with the number of lines"
    return path


def orders(address, path):
    seen = [f["line"] for f in results(address, path, "?order=completed")]
    assert sorted(seen) == list(range(1, COUNT + 1))
    half = COUNT // 2
    assert [f["line"] for f in results(address, path, f"?order=completed&from={half + 1}")] \
        == seen[half:]
    assert next(results(address, path, f"?from={half}"))["line"] == half
    assert list(results(address, path, f"?from={COUNT + 1}")) == []


def failures(address):
    wrong = [b"{not json\n", b"\n", line(3, model="nobody"),
             b'{"inputs":[{"name":"data","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}\n',
             line(5, webhook={"url": "http://127.0.0.1:1/"})]
    body = b"".join(wrong) + line(6) + line(7).rstrip()
    code, headers, got = upload(address, "/v1/batches?model=sim", body)
    assert code == 202 and got["total"] == 7, (code, got)
    path = headers["location"]
    done = wait_done(address, path, 30)
    found = list(results(address, path))
    assert (done["failed"], done["succeeded"]) == (5, 2), (done, found)
    assert [f["line"] for f in found] == [1, 2, 3, 4, 5, 6, 7]
    assert all(f["status"] == "failed" and f["error"]["message"] for f in found[:5]), found
    assert "nobody" in found[2]["error"]["message"] and found[2]["id"] == "row-3", found[2]
    check_right(found[5], 6)
    check_right(found[6], 7)
    code, _, got = ask.call(address, "GET", "/v1/jobs/" + found[5]["job"])
    assert code == 200 and got["status"] == "succeeded", got
    for path, want in (("/v1/batches?model=nobody", 404), ("/v1/batches?from=x", 400),
                       ("/v1/batches?from=5", 400), ("/v1/batches?id=7", 400)):
        code, _, got = upload(address, path, b"")
        assert code == want, (path, code, got)
    code, _, got = ask.call(address, "GET", "/v1/batches/" + records.new_id())
    assert code == 404, got
    code, headers, got = upload(address, "/v1/batches?model=sim", b"")
    assert code == 202 and got["done"] and got["total"] == 0, got


def killed_in_the_middle(s, ingest):
    """The client learns how far it came, and goes on there with another instance."""
    name = records.new_id()
    address = ingest.ready["http"]
    path = f"/v1/batches/{name}"
    gone = threading.Event()
    total = 6000

    def slow(n):
        if n >= 3000:
            stage.wait_for("some lines to be noted", lambda: batch(address, path).get("total"), 30)
            ingest.kill()
            gone.set()
            raise ConnectionError

    try:
        early = upload(address, f"/v1/batches?model=sim&id={name}", lines(1, total, slow))
        raise AssertionError(early)
    except OSError:
        pass
    assert gone.is_set()
    other = s.ingest("t.")
    address = other.ready["http"]
    known = stage.wait_for("the batch to be found again", lambda: (
        lambda b: b if "total" in b else None)(batch(address, path)), 60)
    assert not known["uploaded"] and 0 < known["total"] <= 3000, known
    far = known["total"]
    code, _, got = upload(address, f"/v1/batches?model=sim&id={name}&from={far + 1000 + 3000}",
                          b"")
    assert code == 409, got
    code, _, got = upload(address, f"/v1/batches?model=sim&id={name}&from={far + 1}",
                          lines(far + 1, total))
    assert code == 202 and got["total"] == total, (code, got)
    done = wait_done(address, path, 60)
    assert done["succeeded"] == done["total"] == total, done
    for n, found in enumerate(results(address, path), 1):
        check_right(found, n)
    print(f"killed after {far} lines were noted; went on with {far + 1}, all {total} are right")
    return other


def killed_after(s, ingest):
    """What is stored is run and found, whoever took it in."""
    address = ingest.ready["http"]
    code, headers, got = upload(address, "/v1/batches?model=sim", lines(1, 5000))
    assert code == 202, got
    ingest.kill()
    other = s.ingest("t.")
    address = other.ready["http"]
    path = headers["location"]
    stage.wait_for("the batch to be found again",
                   lambda: "total" in batch(address, path), 60)
    done = wait_done(address, path, 60)
    assert done["succeeded"] == done["total"] == 5000, done
    for n, found in enumerate(results(address, path), 1):
        check_right(found, n)
    print("killed after the upload: all 5000 are right")
    return other


def avro_file(first, last, codec):
    """An .avro file of rows {note, data, id}."""
    schema = {"type": "record", "name": "Row", "fields": [
        {"name": "note", "type": ["null", "string"]},
        {"name": "data", "type": {"type": "array", "items": "int"}},
        {"name": "id", "type": "string"}]}
    sync = os.urandom(16)
    out = [b"Obj\x01", records.number(2),
           records.text("avro.schema"), records.data(json.dumps(schema).encode()),
           records.text("avro.codec"), records.data(codec.encode()), records.number(0), sync]
    for begin in range(first, last + 1, 100):
        count = min(100, last + 1 - begin)
        rows = b"".join(
            records.number(n % 2) + (records.text("odd") if n % 2 else b"") +
            records.number(4) + b"".join(map(records.number, row(n))) + records.number(0) +
            records.text(f"row-{n}") for n in range(begin, begin + count))
        if codec == "deflate":
            packer = zlib.compressobj(wbits=-15)
            rows = packer.compress(rows) + packer.flush()
        out += [records.number(count), records.number(len(rows)), rows, sync]
    return b"".join(out)


def avro(address):
    for codec in ("null", "deflate"):
        body = avro_file(1, 2500, codec)
        code, headers, got = upload(address, "/v1/batches?model=sim", body)
        assert code == 202 and got["total"] == 2500, (code, got)
        path = headers["location"]
        done = wait_done(address, path, 60)
        assert done["succeeded"] == 2500, done
        for n, found in enumerate(results(address, path), 1):
            check_right(found, n)
    name = records.new_id()
    code, _, got = upload(address, f"/v1/batches?model=sim&id={name}", body[:len(body) // 2])
    assert code == 400 and "ends inside" in got["detail"], (code, got)
    far = batch(address, f"/v1/batches/{name}")["total"]
    assert 0 < far < 2500, far
    code, _, got = upload(address, f"/v1/batches?model=sim&id={name}&from={far + 1}", body)
    assert code == 202 and got["total"] == 2500, (code, got)
    done = wait_done(address, f"/v1/batches/{name}", 60)
    assert done["succeeded"] == 2500, done
    code, _, got = upload(address, "/v1/batches", avro_file(1, 3, "null"))
    assert code == 202 and got["total"] == 3, (code, got)  # no model: each row fails alone
    code, _, got = upload(address, "/v1/batches?model=sim", b"Obj\x01" + b"\xff" * 100)
    assert code == 400, got
    print("2500 rows of an .avro file, plain and deflated, are right")


def through_another(s, address, path):
    """Any instance tells of any batch; what is passed on comes in pieces that say so."""
    other = s.ingest("t.")
    addresses = [address, other.ready["http"]]
    stage.wait_for("both to know the batch",
                   lambda: all("total" in batch(a, path) for a in addresses), 60)
    for each in addresses:
        n = 0
        while n < COUNT:
            for found in results(each, path, f"?from={n + 1}"):
                if "line" in found:
                    n += 1
                    check_right(found, n)
                else:
                    assert found["error"]["code"] in ("full", "misdirected"), found
    assert other.stop() == 0, other.log()
    print("the same results through two instances")


def cancelled(address):
    code, headers, got = upload(address, "/v1/batches?model=slow", b"".join(
        line(n) for n in range(1, 401)))
    assert code == 202, got
    path = headers["location"]
    code, _, got = ask.call(address, "DELETE", path)
    assert code == 202, (code, got)
    done = wait_done(address, path, 60)
    assert done["canceled"] > 300 and done["canceled"] + done["succeeded"] == 400, done
    found = list(results(address, path))
    assert [f["line"] for f in found] == list(range(1, 401))
    assert any(f["status"] == "canceled" for f in found)
    code, _, got = ask.call(address, "DELETE", path)
    assert code == 409, got
    print(f"cancelled: {done['canceled']} of 400 did not run")


def main():
    with stage.Stage() as s:
        s.topics("t.", ["sim", "slow"])
        s.batcher("t.", MODELS, "--models.load=sim")
        s.batcher("t.", s.models(slow=["max.batch.size=4", "sim.alpha=500ms"]))
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        stage.wait_for("the models", lambda: all(
            ask.call(address, "GET", f"/v2/models/{m}/ready")[0] == 200 for m in ("sim", "slow")))
        failures(address)
        cancelled(address)
        avro(address)
        ingest = killed_in_the_middle(s, ingest)
        ingest = killed_after(s, ingest)
        address = ingest.ready["http"]
        path = large(address, ingest)
        orders(address, path)
        through_another(s, address, path)
        assert ingest.stop() == 0, ingest.log()


main()
